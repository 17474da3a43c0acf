"""A proof that cannot fail proves nothing: audit.drift() sees every kind of damage."""

from collections.abc import AsyncIterator
from typing import LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from app.model import EventType
from tests.payments import UNKNOWN_ORDER, Process, about, connected, linked, query, transfer

ANOTHER_SECOND = "interval '1 second'"

TOPUPS: dict[str, LiteralString] = {
    "user_id": "(SELECT min(user_id) FROM topup.users)",
    "order_code": "order_code + 1000000",
    "payment_link_id": "'other'",
    "checkout_url": "'other'",
    "qr_code": "'other'",
    "bank_bin": "'other'",
    "account_number": "'other'",
    "account_name": "'other'",
    "transfer_message": "'other'",
    "amount": "amount + 1",
    "amount_paid": "amount_paid + 1",
    "status": "CASE status WHEN 'failed' THEN 'pending' ELSE 'failed' END",
    "late": "NOT late",
    "seq": "seq + 1",
    "opened_at": f"opened_at + {ANOTHER_SECOND}",
    "expires_at": f"expires_at + {ANOTHER_SECOND}",
    "confirmed_at": f"coalesce(confirmed_at, opened_at) + {ANOTHER_SECOND}",
    "closed_at": f"coalesce(closed_at, opened_at) + {ANOTHER_SECOND}",
    "idempotency_key": "'other'",
    "idempotency_fingerprint": "'other'",
    "tx_ref": "'T0000000Z'",
}
WALLETS: dict[str, LiteralString] = {
    "user_id": "user_id + 1000",
    "balance": "balance + 1",
    "version": "version + 1",
}
LEDGER_ENTRIES: dict[str, LiteralString] = {
    "event_id": "gen_random_uuid()",
    "account": "'wallet:' || (user_id + 1000), user_id = user_id + 1000",
    "amount": "amount + 1",
    "balance_after": "balance_after + 1",
    "recorded_at": f"recorded_at + {ANOTHER_SECOND}",
}
COLUMNS = {"topups": TOPUPS, "wallets": WALLETS, "ledger_entries": LEDGER_ENTRIES}
CANNOT_BE_WRONG = {("ledger_entries", "user_id"), ("ledger_entries", "id")}
"""Tied to the account by a CHECK; GENERATED ALWAYS."""

ROWS: dict[str, LiteralString] = {
    "topups": "tx_ref = (SELECT tx_ref FROM topup.topups WHERE status = 'confirmed')",
    "wallets": "balance > 0",
    "ledger_entries": "id = (SELECT min(id) FROM topup.ledger_entries WHERE user_id IS NOT NULL)",
}
OTHER_DAMAGE: dict[str, LiteralString] = {
    "an event was deleted": "DELETE FROM topup.events WHERE seq = 3",
    "the latest event was deleted": "DELETE FROM topup.events WHERE seq = 4",
    "the amount of an event was edited": """
        UPDATE topup.events SET data = data || '{"amount": 1}' WHERE seq = 3
    """,
    "an event was moved": "UPDATE topup.events SET seq = 9 WHERE seq = 4",
    "an event was added without effect": """
        INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        SELECT gen_random_uuid(), tx_ref, 5, 'payment.received', data, occurred_at
        FROM topup.events WHERE seq = 3
    """,
    "money in suspense was added without effect": """
        INSERT INTO topup.events (event_id, type, data, occurred_at)
        VALUES (gen_random_uuid(), 'payment.received', '{"amount": 1}', now())
    """,
    "a top-up was deleted": "DELETE FROM topup.topups WHERE status = 'confirmed'",
    "a wallet was deleted": "DELETE FROM topup.wallets WHERE balance > 0",
    "a ledger entry was deleted": "DELETE FROM topup.ledger_entries WHERE user_id IS NOT NULL",
    "a system entry was deleted": "DELETE FROM topup.ledger_entries WHERE account = 'suspense'",
    "a clearing entry was edited": """
        UPDATE topup.ledger_entries SET amount = amount - 1 WHERE account = 'payos:clearing'
    """,
    "a balanced pair was added": """
        INSERT INTO topup.ledger_entries (event_id, account, user_id, amount, balance_after,
            recorded_at)
        SELECT event_id, account, NULL::bigint, amount, NULL::bigint, recorded_at
        FROM topup.events, (VALUES ('suspense', -1), ('payos:clearing', 1)) AS p (account, amount)
        WHERE type = 'topup.linked'
    """,
}


@pytest.fixture
async def superuser(process: Process, database_url: str) -> AsyncIterator[AsyncConnection]:
    """In a transaction without triggers and foreign keys, that is taken back in the end."""
    await process.user()
    topup = await process.topup(50_000)
    await process.store.append_events(
        [
            linked(topup.tx_ref),
            transfer(topup.order_code, 20_000),
            transfer(topup.order_code, 30_000),
            transfer(UNKNOWN_ORDER, 7_000),
        ]
    )
    cancelled = await process.topup(50_000, topup.user_id)
    await process.store.append_events([about(cancelled.tx_ref, EventType.TOPUP_CANCELLED)])
    async with (
        connected(database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute("SET LOCAL session_replication_role = replica")
        yield connection


async def drifted(connection: AsyncConnection) -> bool:
    cursor = await connection.execute("SELECT count(*) > 0 FROM audit.drift()")
    return await cursor.fetchone() == (True,)


async def seen(connection: AsyncConnection, damage: SQL | Composed) -> bool:
    """Whether the damage is seen; it is taken back."""
    async with connection.transaction(force_rollback=True):
        cursor = await connection.execute(damage)
        assert cursor.rowcount > 0, damage
        return await drifted(connection)


async def test_there_is_none_before(superuser: AsyncConnection) -> None:
    assert not await drifted(superuser)


@pytest.mark.parametrize("table", COLUMNS)
async def test_a_column_that_differs_is_seen(superuser: AsyncConnection, table: str) -> None:
    for column, damage in COLUMNS[table].items():
        statement = SQL("UPDATE {} SET {} = {} WHERE {}").format(
            Identifier("topup", table), Identifier(column), SQL(damage), SQL(ROWS[table])
        )
        assert await seen(superuser, statement), column


async def test_rows_that_differ_are_seen(superuser: AsyncConnection) -> None:
    for name, damage in OTHER_DAMAGE.items():
        assert await seen(superuser, SQL(damage)), name


async def test_no_column_of_a_projection_is_left_out(database_url: str) -> None:
    columns = await query(
        database_url,
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'topup' AND table_name = ANY (%s)
        """,
        list(COLUMNS),
    )
    damaged = {(table, column) for table, columns in COLUMNS.items() for column in columns}
    assert set(columns) == damaged | CANNOT_BE_WRONG
