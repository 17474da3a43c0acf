"""Every event meets every status, through the doors: each cell of the table in docs/events.md, for
a top-up of 50,000 đồng without and with a payment link.
"""

import re
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from app.model import EventType, Status
from tests.laws.books import read_accounts
from tests.laws.event_table import IF_NO_LINK, NO_TOPUP, Cell, cells
from tests.laws.expected import DETAILS
from tests.laws.meetings import AMOUNT, Meeting, meet
from tests.laws.oracle import CLEARING, SUSPENSE
from tests.payments import connected, query

CELLS = list(cells())
CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conname IN ('topups_status_check', 'events_type_check')
"""
TOPUP = "SELECT to_jsonb(t) FROM topup.topups AS t WHERE t.tx_ref = %s"
WALLET = "SELECT balance, version FROM topup.wallets WHERE user_id = %s"
LATEST = """
    SELECT
        to_jsonb(e) || jsonb_build_object(
            'expires_at',
            e.recorded_at + make_interval(secs => (e.data ->> 'expiry_seconds')::float8)
        )
    FROM topup.events AS e
    WHERE e.id > %s AND (e.tx_ref = %s OR e.tx_ref IS NULL)
"""
LAST_ID = "SELECT coalesce(max(id), 0) FROM topup.events"
NEXT_STATE = """
    SELECT to_jsonb(topup.next_state(
        jsonb_populate_record(NULL::topup.topups, %s), jsonb_populate_record(NULL::topup.events, %s)
    ))
"""
Row = dict[str, Any]


@pytest.fixture(scope="module")
def database_url(shared_database_url: str) -> str:
    """Each meeting is of a new user; what they have in common is compared with what was there."""
    return shared_database_url


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_the_event_changes_what_its_cell_says_and_nothing_else(
    database_url: str, cell: Cell
) -> None:
    async with connected(database_url) as connection:
        for linked in (False, True):
            if cell.case != ("without a link" if linked else "with a link"):
                meeting = await meet(connection, cell, linked)
                await check(connection, cell, meeting, linked)


async def check(connection: AsyncConnection, cell: Cell, meeting: Meeting, linked: bool) -> None:
    before = await books(connection, meeting)
    [(last_id,)] = await rows(connection, LAST_ID)
    await meeting.happen()
    recorded = [event for (event,) in await rows(connection, LATEST, last_id, meeting.tx_ref)]
    topup, balance, accounts = await books(connection, meeting)

    if "refused" in cell.words:
        assert recorded == []
        assert (topup, balance, accounts) == before
        return
    [event] = recorded
    assert event["type"] == cell.event
    assert (event["tx_ref"] is None) == bool({"kept", "suspense"} & set(cell.words))
    amount = event["data"].get("amount", 0)
    assert balance == grown(before[1], amount if "paid" in cell.words else None)
    assert accounts == moved(before[2], event, cell)
    if event["tx_ref"] is None:
        assert topup is None
        return
    assert topup == (before[0] or {}) | changes(cell, before[0] or {}, event, linked)
    assert await rows(connection, NEXT_STATE, *map(Jsonb, (before[0] or {}, event))) == [(topup,)]


async def books(
    connection: AsyncConnection, meeting: Meeting
) -> tuple[Row | None, list[Any], dict[str, int]]:
    """The top-up, the wallet of its user, and the system accounts."""
    topup = await rows(connection, TOPUP, meeting.tx_ref)
    wallet = await rows(connection, WALLET, meeting.user_id)
    return topup[0][0] if topup else None, wallet, await read_accounts(connection)


def changes(cell: Cell, before: Row, event: Row, linked: bool) -> Row:
    """The columns of the top-up that the words of the cell are about, with their new values."""
    data, now = event["data"], event["recorded_at"]
    meaning: dict[str, Row] = {
        "–": {},
        "opened": opened(event) if "opened" in cell.words else {},
        "order_code": {"order_code": data.get("order_code")},
        "paid": {"amount_paid": before.get("amount_paid", 0) + data.get("amount", 0)},
        "confirmed_at": {"confirmed_at": now},
        "closed_at": {"closed_at": now},
        "late": {"late": True, "closed_at": None},
        "details": {name: data.get(name) for name in DETAILS},
        IF_NO_LINK: {} if linked else {"payment_link_id": data.get("payment_link_id")},
    }
    changed: Row = {"seq": before.get("seq", 0) + 1}
    for word in cell.words:
        changed |= {"status": word} if word in set(Status) else meaning[word]
    return changed


def opened(event: Row) -> Row:
    empty = ("payment_link_id", *DETAILS, "confirmed_at", "closed_at")
    data = event["data"]
    return dict.fromkeys(empty) | {
        "tx_ref": event["tx_ref"],
        "user_id": data["user_id"],
        "order_code": data["order_code"],
        "amount": AMOUNT,
        "amount_paid": 0,
        "status": "pending",
        "late": False,
        "opened_at": event["recorded_at"],
        "expires_at": event["expires_at"],
        "idempotency_key": data["idempotency_key"],
        "idempotency_fingerprint": data["idempotency_fingerprint"],
    }


def grown(wallet: list[Any], amount: int | None) -> list[Any]:
    if amount is None:
        return wallet
    [(balance, version)] = wallet
    return [(balance + amount, version + 1)]


def moved(accounts: dict[str, int], event: Row, cell: Cell) -> dict[str, int]:
    """The system accounts after the money of the event."""
    amount = event["data"].get("amount", 0)
    after = dict(accounts)
    if "paid" in cell.words:
        assigned = event["type"] == EventType.SUSPENSE_ASSIGNED
        after[SUSPENSE if assigned else CLEARING] -= amount
    elif "suspense" in cell.words:
        after[CLEARING] -= amount
        after[SUSPENSE] += amount
    return after


async def test_the_table_has_every_type_and_every_status_that_the_schema_knows(
    database_url: str,
) -> None:
    constraints = dict(await query(database_url, CONSTRAINTS))
    known = {name: set(re.findall(r"'([\w.]+)'", text)) for name, text in constraints.items()}
    types, statuses = known["events_type_check"], known["topups_status_check"]
    assert {(cell.event, cell.standing) for cell in CELLS} == {
        (type, standing) for type in types for standing in {NO_TOPUP, *statuses}
    }
    assert types == set(EventType)
    assert statuses == set(Status)


async def rows(connection: AsyncConnection, sql: Any, *values: object) -> list[Any]:
    return await (await connection.execute(sql, values)).fetchall()
