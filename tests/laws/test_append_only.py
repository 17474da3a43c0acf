"""The log and the ledger are never changed: not by the application, its owner or a superuser."""

from typing import LiteralString

import psycopg
import pytest

from tests.payments import Process, connected, query, transfer

CHANGES: list[LiteralString] = [
    "UPDATE topup.events SET data = '{}'",
    "UPDATE topup.events SET seq = seq",
    "DELETE FROM topup.events",
    "TRUNCATE topup.events CASCADE",
    "UPDATE topup.ledger_entries SET amount = amount + 1",
    "DELETE FROM topup.ledger_entries",
    "TRUNCATE topup.ledger_entries",
    "TRUNCATE topup.users CASCADE",
    "UPDATE topup.event_seals SET place = place",
    "DELETE FROM topup.event_seals",
    "TRUNCATE topup.event_seals",
    "UPDATE topup.checkpoints SET events = 0",
    "DELETE FROM topup.checkpoints",
    "TRUNCATE topup.checkpoints",
]
CONTENT = """
    SELECT (SELECT array_agg(e::text ORDER BY e.id) FROM topup.events AS e),
        (SELECT array_agg(l::text ORDER BY l.id) FROM topup.ledger_entries AS l),
        (SELECT array_agg(s::text ORDER BY s.id) FROM topup.event_seals AS s),
        (SELECT array_agg(c::text ORDER BY c.number) FROM topup.checkpoints AS c)
"""
REFUSED_WITH = {"topup_app": "42501", "topup_owner": "TU010", "postgres": "TU010"}


@pytest.mark.parametrize("role", REFUSED_WITH)
async def test_nobody_changes_what_was_recorded(
    process: Process, database_url: str, role: str
) -> None:
    topup = await process.topup()
    await process.store.append_events([transfer(topup.order_code, 1_000)])
    await query(database_url, "SELECT topup.seal_events(9), topup.take_checkpoint()")
    before = await query(database_url, CONTENT)
    async with connected(database_url, role) as connection:
        for change in CHANGES:
            with pytest.raises(psycopg.Error) as refusal:
                await connection.execute(change)
            assert refusal.value.sqlstate == REFUSED_WITH[role], change
    assert await query(database_url, CONTENT) == before
