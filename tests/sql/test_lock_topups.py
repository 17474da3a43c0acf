"""lock_topups: who waited for a lock has to see what was done under it."""

from uuid import uuid4

import psycopg
import pytest

from tests.payments import Process, append_raw, connected, element, query, transfer

RENUMBER = "SELECT topup.renumber_topup(%s, %s)"
ASSIGN = "SELECT topup.assign_suspense(%s, %s, 'a reason', 'Lan')"
RECORDED = "SELECT count(*) FROM topup.events"


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize("door", ["append_events", "renumber_topup", "assign_suspense"])
async def test_no_door_moves_money_on_an_old_snapshot(
    process: Process, database_url: str, door: str, level: str
) -> None:
    topup = await process.topup()
    async with connected(database_url, "topup_app") as connection:
        await connection.execute(f"SET default_transaction_isolation = '{level}'".encode())
        with pytest.raises(psycopg.Error) as refusal:
            if door == "append_events":
                await append_raw(connection, [element(transfer(topup.order_code, 1_000))])
            elif door == "renumber_topup":
                await connection.execute(RENUMBER, (topup.tx_ref, topup.order_code))
            else:
                await connection.execute(ASSIGN, (uuid4(), topup.tx_ref))
    assert refusal.value.sqlstate == "TU019"
    assert await query(database_url, RECORDED) == [(1,)]
