"""Users, top-ups and facts for tests that move money in a real database.

What a test writes goes through the doors, as the application role; what it asserts is read as the
superuser, with SQL of its own.
"""

import itertools
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4, uuid5

import psycopg
from psycopg import AsyncConnection

from app.database.accounts import Accounts
from app.database.openings import Openings
from app.database.pool import Database
from app.database.store import Store
from app.model import EventType, Fact, Topup, TxRef, UserId
from app.settings import Settings

LINK = "1" * 32
FOREIGN_LINK = "f" * 32
UNKNOWN_ORDER = 999
"""Below the start of the sequence: no top-up ever gets it."""

TRANSFERS = UUID("00000000-0000-4000-8000-000000000000")
A_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GRACE_SECONDS = 900.0
CLAIM_SECONDS = 60.0

_numbers = itertools.count()


@dataclass(frozen=True)
class Process:
    """What one process of napvi has of the database."""

    database: Database
    store: Store
    openings: Openings

    async def user(self) -> UserId:
        name = f"user-{secrets.token_hex(8)}"
        return (await Accounts(self.database).register(name, "no hash")).user_id

    async def topup(self, amount_vnd: int = 50_000, user_id: UserId | None = None) -> Topup:
        """A pending top-up, of a new user unless one is given."""
        owner = await self.user() if user_id is None else user_id
        return (await self.openings.open(owner, amount_vnd, None)).topup


@asynccontextmanager
async def open_process(
    url: str, connections: int = 2, append_connections: int = 2, **limits: Any
) -> AsyncIterator[Process]:
    settings = Settings.load(**{"topups_open_max": 10_000, **limits})
    database = Database(url, connections, settings)
    appends = Database(url, append_connections, settings)
    await database.open()
    await appends.open()
    try:
        openings = Openings(database, settings, CLAIM_SECONDS)
        yield Process(database, Store(database, appends, GRACE_SECONDS), openings)
    finally:
        await appends.close()
        await database.close()


def grow_impatient(database: Database, seconds: float) -> None:
    """It was opened with all the time that it needed; from now on this is how long a connection is
    waited for."""
    database._timeout_seconds = database._pool.timeout = database._pool.reconnect_timeout = seconds


@asynccontextmanager
async def connected(url: str, role: str = "postgres") -> AsyncIterator[AsyncConnection]:
    """A connection in autocommit that acts as `role`; without one, as the superuser."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role))
        )
        yield connection


async def query(url: str, sql: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """All rows, as the superuser."""
    async with connected(url) as connection:
        return await (await connection.execute(sql, values)).fetchall()


async def drift(url: str) -> list[tuple[Any, ...]]:
    return await query(url, "SELECT subject, key, expected, actual FROM audit.drift()")


def transfer(
    order_code: int,
    amount: object,
    reference: str | None = None,
    link: str = LINK,
    **data: object,
) -> Fact:
    """Money came. Equal (link, reference) are the same transfer; without one it is a new one. What
    its text names is not told, unless by `description_tx_refs`.
    """
    reference = f"FT{next(_numbers)}" if reference is None else reference
    return Fact(
        event_id=uuid5(TRANSFERS, f"{link}/{reference}"),
        type=EventType.PAYMENT_RECEIVED,
        data={
            "order_code": order_code,
            "payment_link_id": link,
            "reference": reference,
            "amount": amount,
        }
        | data,
        occurred_at=A_MOMENT,
    )


def failure(order_code: int, amount: int, link: str = LINK) -> Fact:
    """PayOS reports a transaction that did not succeed."""
    return Fact(
        event_id=uuid4(),
        type=EventType.PAYMENT_FAILED,
        data={"order_code": order_code, "payment_link_id": link, "amount": amount, "code": "01"},
        occurred_at=A_MOMENT,
    )


def about(tx_ref: TxRef, type: EventType, **data: object) -> Fact:
    """A fact that names its top-up: linked, cancelled, expired."""
    return Fact(uuid4(), type, data, A_MOMENT, tx_ref)


def linked(tx_ref: TxRef, link: str = LINK) -> Fact:
    return about(
        tx_ref,
        EventType.TOPUP_LINKED,
        payment_link_id=link,
        checkout_url=f"https://pay.example/{link}",
        qr_code="0002010102",
        bank_bin="970422",
        account_number="1234567890",
        account_name="NAPVI",
        transfer_message=f"CS1234567 {tx_ref}",
    )


def linked_without_code(tx_ref: TxRef, link: str = LINK) -> Fact:
    """The link was found again after a lost answer: PayOS tells the QR code only once."""
    fact = linked(tx_ref, link)
    unknown = ("qr_code", "bank_bin", "account_number", "account_name", "transfer_message")
    return replace(fact, data=fact.data | dict.fromkeys(unknown, ""))


APPEND = """
    SELECT outcome, tx_ref, seq, refused_with FROM topup.append_events(
        %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[]
    )
"""
Element = tuple[str | None, str | None, str | None, str | None, str | None, bytes | None]


async def append_raw(
    connection: AsyncConnection, batch: Sequence[Element]
) -> list[tuple[Any, ...]]:
    """The door as it is, for batches that the Store would never send."""
    columns = [list(column) for column in zip(*batch, strict=True)]
    return await (await connection.execute(APPEND, columns)).fetchall()


def element(fact: Fact) -> Element:
    """A fact as append_raw takes it."""
    data, moment = json.dumps(fact.data), fact.occurred_at.isoformat()
    return str(fact.event_id), fact.type, fact.tx_ref, data, moment, fact.body
