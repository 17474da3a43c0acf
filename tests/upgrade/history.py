"""A little of everything that a database of napvi can hold, written through its doors."""

import hashlib
from dataclasses import replace
from typing import Any, LiteralString

from argon2 import PasswordHasher

from app.database.accounts import Accounts
from app.database.leases import OPEN_STREAMS
from app.database.reconciliation import Checks
from app.database.review import Review
from app.model import EventType, Fact, Topup, UserId
from app.settings import Settings
from tests.payments import (
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    Process,
    about,
    failure,
    linked,
    open_process,
    query,
    transfer,
)
from tests.services import PASSWORD

PAYER, OTHER_PAYER = "payer.of.old", "another.of.old"
"""They log in with PASSWORD."""

AMOUNT = 50_000
MINUTE = "2026-01-02T10:11:12+07:00"
WORKER_ID = 1
WAITING: LiteralString = """
    SELECT e.event_id FROM topup.events AS e
    WHERE e.type = %s AND (e.tx_ref IS NULL OR e.type = 'payment.conflict') ORDER BY e.id
"""


async def live(url: str) -> None:
    """Leaves every status and every event type, rows in every table, and money in every place."""
    async with open_process(url) as process:
        accounts = Accounts(process.database)
        password_hash = PasswordHasher().hash(PASSWORD)
        payer = (await accounts.register(PAYER, password_hash)).user_id
        other = (await accounts.register(OTHER_PAYER, password_hash)).user_id
        await _reach_every_status(process, payer)
        await _puzzle_the_ledger(process, url, other)
        await _leave_rows_elsewhere(process, accounts, payer)


async def _reach_every_status(process: Process, payer: UserId) -> None:
    """One top-up each: pending, underpaid, confirmed, failed, cancelled, expired, late."""
    pending, underpaid, confirmed, failed, cancelled, expired, late = [
        await process.topup(AMOUNT, payer) for _ in range(7)
    ]
    await process.openings.renumber(pending.tx_ref, pending.order_code)
    await _append(
        process,
        *(linked(topup.tx_ref, _link(topup)) for topup in (underpaid, confirmed, late)),
        _paid(underpaid, 20_000),
        _paid(confirmed, AMOUNT),
        _paid(confirmed, 5_000),
        failure(failed.order_code, AMOUNT, _link(failed)),
        about(cancelled.tx_ref, EventType.TOPUP_CANCELLED),
        about(expired.tx_ref, EventType.TOPUP_EXPIRED),
        about(late.tx_ref, EventType.TOPUP_EXPIRED),
    )
    await _append(process, _paid(late, AMOUNT))


async def _puzzle_the_ledger(process: Process, url: str, payer: UserId) -> None:
    """Money that waits for a person, in suspense and of conflicts; of each, one is assigned."""
    topup = await process.topup(AMOUNT, payer)
    first = _paid(topup, AMOUNT)
    told_otherwise = {**first.data, "amount": 70_000}
    asked_for = _paid(topup, AMOUNT, source="payos.get", listed=["of no webhook"])
    await _append(process, linked(topup.tx_ref, _link(topup)), first)
    await _append(process, replace(first, data=told_otherwise))
    await _append(process, asked_for)
    await _append(
        process,
        transfer(UNKNOWN_ORDER, 30_000, description_tx_refs=[topup.tx_ref]),
        transfer(UNKNOWN_ORDER, 40_000),
        transfer(topup.order_code, 10_000, link=FOREIGN_LINK),
    )
    for kind in ("payment.received", "payment.conflict"):
        [(event_id,), *_] = await query(url, WAITING, kind)
        await Review(process.database).assign(event_id, topup.tx_ref, "the payer called", "An")


async def _leave_rows_elsewhere(process: Process, accounts: Accounts, payer: UserId) -> None:
    """Logins, a stream, a claim on a link, a question to PayOS under way, a body."""
    open_login, ended_login = (hashlib.sha256(name).digest() for name in (b"open", b"ended"))
    for session_hash in (open_login, ended_login):
        await accounts.open_session(session_hash, payer, absolute_seconds=86_400)
    await accounts.revoke_session(ended_login)
    await accounts.count_guess(hashlib.sha256(b"a name").digest(), 5, 1.0, 30.0)
    claimed = (await process.openings.open(payer, AMOUNT, "a key")).topup
    asked = ([1], [open_login], [claimed.tx_ref], [None])
    await process.database.rows(dict, OPEN_STREAMS, (WORKER_ID, *asked, 1_800, 900, 10, 5))
    book = Checks(process.database, Settings.load())
    await book.nudge([claimed.tx_ref])
    await process.store.keep_body(b'{"data": "that nobody understood"}', "json.shape")


async def _append(process: Process, *facts: Fact) -> None:
    await process.store.append_events(facts)


def _paid(topup: Topup, amount: int, **data: Any) -> Fact:
    fact = transfer(topup.order_code, amount, link=_link(topup), transaction_at=MINUTE, **data)
    return replace(fact, body=f"the webhook of {fact.event_id}".encode())


def _link(topup: Topup) -> str:
    return f"{topup.order_code:032x}"
