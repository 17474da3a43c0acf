"""The doors of payments through a connection that its owner may keep in a transaction."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import kwargs_row

from app.database.accounts import REGISTER_USER
from app.database.openings import OPEN, RENUMBER
from app.database.store import topup_row
from app.model import Fact, Outcome, Topup, TxRef, UserId
from tests.laws.oracle import EXPIRY_SECONDS, Answer, ConflictKey
from tests.payments import append_raw, element

OPEN_MAX, CLAIM_SECONDS = 10_000, 60.0
ASSIGN = "SELECT outcome, tx_ref, seq FROM topup.assign_suspense(%s, %s, 'test', 'Lan')"
CONFLICT = """
    SELECT event_id FROM topup.events
    WHERE
        type = 'payment.conflict'
        AND coalesce(data ->> 'held_event_id', data ->> 'conflicts_with') = %s::text
        AND (data ->> 'order_code')::bigint = %s AND (data ->> 'amount')::bigint = %s
        AND (data ? 'held_event_id') = %s
"""
REFUSED_ASSIGNMENT = {"TU008", "TU016"}


def fingerprint(amount_vnd: int) -> str:
    """What was asked for, as Openings has it."""
    return hashlib.sha256(f"amount={amount_vnd}".encode()).hexdigest()


async def register(connection: AsyncConnection) -> UserId:
    """A new user with a wallet."""
    name = f"user-{secrets.token_hex(8)}"
    [(user_id,)] = await (await connection.execute(REGISTER_USER, (name, "no hash"))).fetchall()
    return UserId(user_id)


async def open_topup(
    connection: AsyncConnection,
    tx_ref: TxRef,
    user_id: UserId,
    amount_vnd: int,
    idempotency_key: str | None = None,
) -> Topup:
    values = (
        *(tx_ref, uuid4(), user_id, amount_vnd, EXPIRY_SECONDS, OPEN_MAX),
        *(idempotency_key, fingerprint(amount_vnd), CLAIM_SECONDS),
    )
    return await _topup(connection, OPEN, values)


async def renumber(connection: AsyncConnection, tx_ref: TxRef, taken_order_code: int) -> Topup:
    return await _topup(connection, RENUMBER, (tx_ref, taken_order_code))


async def append(connection: AsyncConnection, facts: Sequence[Fact]) -> list[Answer]:
    """Raises Rejected with the SQLSTATEs when a fact was."""
    rows = await append_raw(connection, [element(fact) for fact in facts])
    rejected = [sqlstate for *_, sqlstate in rows if sqlstate is not None]
    if rejected:
        raise Rejected(rejected)
    return [(Outcome(outcome), tx_ref, seq) for outcome, tx_ref, seq, _ in rows]


class Rejected(Exception):
    """Facts of a batch that the oracle thinks are good."""


async def assign(connection: AsyncConnection, event_id: UUID, tx_ref: TxRef) -> Answer | None:
    """None: refused, for it was assigned to another top-up or recorded meanwhile."""
    try:
        async with connection.transaction():
            [(outcome, assigned_to, seq)] = await (
                await connection.execute(ASSIGN, (event_id, tx_ref))
            ).fetchall()
    except psycopg.Error as error:
        if error.sqlstate not in REFUSED_ASSIGNMENT:
            raise
        return None
    return Outcome(outcome), assigned_to, seq


async def conflict_id(connection: AsyncConnection, conflict: ConflictKey) -> UUID | None:
    """The event id under which a conflict was recorded, if it was."""
    found = await (await connection.execute(CONFLICT, conflict)).fetchone()
    return None if found is None else UUID(str(found[0]))


async def _topup(connection: AsyncConnection, query: LiteralString, values: Sequence[Any]) -> Topup:
    async with connection.cursor(row_factory=kwargs_row(topup_row)) as cursor:
        await cursor.execute(query, values)
        [topup] = await cursor.fetchall()
        return topup
