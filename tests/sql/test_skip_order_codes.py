"""skip_order_codes: codes that PayOS may know from before a restore are never given again."""

import psycopg
import pytest

from tests.payments import Process, connected

SKIP = "SELECT topup.skip_order_codes(%s)"
TOO_MANY = 10_000_001


async def skip(url: str, past: int) -> None:
    async with connected(url, "topup_app") as connection:
        await connection.execute(SKIP, (past,))


async def test_the_next_code_is_beyond_and_never_before(
    database_url: str, process: Process
) -> None:
    code = (await process.topup()).order_code
    await skip(database_url, code + 1_000)
    assert (await process.topup()).order_code == code + 1_001
    await skip(database_url, code + 500)
    assert (await process.topup()).order_code == code + 1_002


async def test_a_slip_of_the_keys_does_not_use_up_the_codes(
    database_url: str, process: Process
) -> None:
    code = (await process.topup()).order_code
    with pytest.raises(psycopg.Error) as refusal:
        await skip(database_url, code + TOO_MANY)
    assert refusal.value.sqlstate == "TU026"
    assert (await process.topup()).order_code == code + 1
