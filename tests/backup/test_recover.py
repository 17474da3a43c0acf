"""What `recover` says when it cannot find out what is lost."""

import asyncio

import pytest

from tests.payments import open_process
from tests.services import Process

pytestmark = pytest.mark.processes


async def recover(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    environment = environment | {"PAYOS_BASE_URL": "http://127.0.0.1:9"}  # nobody is there
    process = Process(environment, "recover", *arguments)
    try:
        code = await asyncio.to_thread(process.wait)
    finally:
        process.close()
    assert "Traceback" not in process.output, process.output
    return code, process.output


async def test_it_tells_where_to_go_on_when_payos_does_not_answer(
    environment: dict[str, str], database_url: str
) -> None:
    async with open_process(database_url) as doors:
        topup = await doors.topup()
        code, said = await recover(environment, "--gap", "2")
        assert (code, f"Go on with --from {topup.order_code + 1}." in said) == (1, True), said
        assert said.count("PayOS did not answer in time") == 1, said
        assert (await doors.topup()).order_code > topup.order_code + 1_000_000


async def test_without_any_top_up_somebody_has_to_say_where_to_begin(
    environment: dict[str, str],
) -> None:
    code, said = await recover(environment)
    assert (code, "Give --from." in said) == (2, True), said
