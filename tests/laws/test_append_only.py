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
]
CONTENT = """
    SELECT (SELECT array_agg(e::text ORDER BY e.id) FROM topup.events AS e),
        (SELECT array_agg(l::text ORDER BY l.id) FROM topup.ledger_entries AS l)
"""
REFUSED_WITH = {"topup_app": "42501", "topup_owner": "TU010", "postgres": "TU010"}


@pytest.mark.parametrize("role", REFUSED_WITH)
async def test_nobody_changes_what_was_recorded(
    process: Process, database_url: str, role: str
) -> None:
    topup = await process.topup()
    await process.store.append_events([transfer(topup.order_code, 1_000)])
    before = await query(database_url, CONTENT)
    async with connected(database_url, role) as connection:
        for change in CHANGES:
            with pytest.raises(psycopg.Error) as refusal:
                await connection.execute(change)
            assert refusal.value.sqlstate == REFUSED_WITH[role], change
    assert await query(database_url, CONTENT) == before
