"""What `recover` says when it cannot find out what is lost, or cannot close it."""

import json

import pytest

from tests.payments import open_process
from tests.payos.calling import STATE, answering, envelope, http
from tests.processes.commands import command
from tests.services import CHECKSUM_KEY

pytestmark = pytest.mark.processes

NOBODY = "http://127.0.0.1:9"  # the discard port: a connection is refused


async def recover(
    environment: dict[str, str], *arguments: str, payos_url: str = NOBODY
) -> tuple[int, str]:
    return await command(environment | {"PAYOS_BASE_URL": payos_url}, "recover", *arguments)


def refusal(code: str, description: str) -> bytes:
    return http(json.dumps({"code": code, "desc": description}).encode())


async def test_it_tells_where_to_go_on_when_payos_does_not_answer(
    environment: dict[str, str], database_url: str
) -> None:
    async with open_process(database_url) as doors:
        topup = await doors.topup()
        code, said = await recover(environment, "--gap", "2")
        assert (code, f"Go on with --from {topup.order_code + 1}." in said) == (1, True), said
        for lost in (topup.order_code + 1, topup.order_code + 2):
            assert said.count(f"{lost}: PayOS did not answer in time") == 1, said
        assert (await doors.topup()).order_code > topup.order_code + 1_000_000


async def test_it_names_each_order_that_payos_does_not_close(environment: dict[str, str]) -> None:
    lost, answers = (5_000, 5_001), list[bytes]()
    for order_code in lost:
        waiting = envelope(STATE | {"orderCode": order_code}, CHECKSUM_KEY)
        answers += [waiting, refusal("20", "no"), waiting]
    unknown = refusal("101", "none")
    environment |= {"NAPVI_RECONCILE_AT_ONCE": "1"}
    async with answering(*answers, unknown, unknown) as payos_url:
        arguments = ("--from", str(lost[0]), "--gap", "2")
        code, said = await recover(environment, *arguments, payos_url=payos_url)
    assert (code, "lost orders       2, the latest 5001" in said) == (1, True), said
    for order_code in lost:
        assert f"{order_code}: PayOS answered with code 20: no\n" in said, said
    assert "Go on with --from 5000.\n" in said


async def test_without_any_top_up_somebody_has_to_say_where_to_begin(
    environment: dict[str, str],
) -> None:
    code, said = await recover(environment)
    assert (code, "Give --from." in said) == (2, True), said
