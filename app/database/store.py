"""The SQL of payments: a statement or two for each method, mostly one function of the schema."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

from app.database.pool import Database
from app.errors import TopupNotFound
from app.model import (
    Appended,
    Fact,
    LedgerEntry,
    Notified,
    Outcome,
    Status,
    Topup,
    TopupEvent,
    TopupUpdate,
    TxRef,
    UserId,
    Wallet,
)

T = TypeVar("T")

LATEST_ENTRIES_MAX = 20
LATEST_TOPUPS_MAX = 20
EVENTS_OF_TOPUP_MAX = 20

TOPUP_COLUMNS = """
    tx_ref, user_id, order_code, amount, amount_paid, status, seq, late, payment_link_id,
    checkout_url, qr_code, bank_bin, account_number, account_name, transfer_message, expires_at,
    confirmed_at, opened_at,
    status = 'pending' AND checkout_url IS NULL
        AND expires_at > pg_catalog.clock_timestamp() AS needs_link
"""
TOPUP = f"SELECT {TOPUP_COLUMNS} FROM topup.topups WHERE tx_ref = %s AND user_id = %s"  # noqa: S608
LATEST_TOPUPS = (
    f"SELECT {TOPUP_COLUMNS} FROM topup.topups"  # noqa: S608
    " WHERE user_id = %s ORDER BY opened_at DESC LIMIT %s"
)
LATEST_ENTRIES = """
    SELECT e.tx_ref, e.type AS event_type, l.amount, l.balance_after, l.recorded_at
    FROM topup.ledger_entries AS l
    INNER JOIN topup.events AS e ON e.event_id = l.event_id
    WHERE l.user_id = %s ORDER BY l.id DESC LIMIT %s
"""
BALANCE = """
    SELECT balance_after FROM topup.ledger_entries
    WHERE user_id = %s ORDER BY id DESC LIMIT 1
"""
APPEND_EVENTS = """
    SELECT outcome, tx_ref, seq, refused_with AS sqlstate
    FROM topup.append_events(
        %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[]
    )
"""
KEEP_BODY = "SELECT topup.keep_body(%b, %s)"
UPDATE_COLUMNS = """
    u.tx_ref, u.seq, u.type, u.status, u.amount, u.amount_paid, u.late, u.final,
    u.wallet_balance, u.confirmed_at, u.expires_at, u.recorded_at,
    CASE WHEN u.amount_paid = 0 AND (u.seq > 2 OR u.type = 'payment.conflict')
        THEN topup.has_open_conflict(u.tx_ref, u.seq) ELSE false
    END AS under_review,
    pg_catalog.clock_timestamp() AS read_at
"""
"""Nothing is looked up for who has paid, nor for who waits to: the second event is the link."""

UPDATES = (
    f"SELECT {UPDATE_COLUMNS}"  # noqa: S608
    " FROM topup.read_updates(%b::text[], %b::bigint[], %s) AS u"
)
UPDATE_OF_USER = f"""
    SELECT {UPDATE_COLUMNS} FROM topup.topups AS t
    CROSS JOIN LATERAL topup.read_updates(ARRAY[t.tx_ref], ARRAY[NULL::bigint], %s) AS u
    WHERE t.tx_ref = %s AND t.user_id = %s
"""  # noqa: S608
HISTORY = """
    SELECT e.tx_ref, e.type, e.amount, e.recorded_at
    FROM topup.topups AS t
    CROSS JOIN LATERAL (
        SELECT
            l.tx_ref, l.seq, l.type, l.recorded_at,
            CASE WHEN l.type IN ('payment.received', 'suspense.assigned')
                THEN (l.data ->> 'amount')::bigint
            END AS amount
        FROM topup.events AS l WHERE l.tx_ref = t.tx_ref ORDER BY l.seq DESC LIMIT %s
    ) AS e
    WHERE (t.user_id = %s) IS TRUE AND t.tx_ref = ANY(%s) ORDER BY e.tx_ref, e.seq
"""
"""IS TRUE: checked, not looked up, or the planner reads all top-ups of a busy user."""

UNDER_REVIEW = """
    SELECT t.tx_ref FROM topup.topups AS t
    WHERE
        t.tx_ref = ANY(%s) AND t.amount_paid = 0
        AND topup.has_open_conflict(t.tx_ref, t.seq)
"""
NOTIFY = "SELECT sent, queue_usage::double precision FROM topup.notify_if_room(%s, %s)"


class Store:
    """Reads and writes of top-ups, events and wallets. Source of truth: the schema `topup`.

    Every method raises DatabaseUnavailable when the database is away. Appends have a pool of
    their own, so that a rush of page views cannot keep a payment waiting.
    """

    def __init__(self, database: Database, append: Database, grace_seconds: float) -> None:
        self._database = database
        self._append = append
        self._grace_seconds = grace_seconds

    async def append_events(self, facts: Sequence[Fact]) -> list[Appended]:
        """What became of each fact, in their order; one commit for all. At most 64."""
        return await self._append.rows(_appended, APPEND_EVENTS, _columns(facts))

    async def keep_body(self, body: bytes, fault: str) -> None:
        """Keeps a validly signed webhook that no event came of."""
        await self._append.execute(KEEP_BODY, (body, fault))

    async def topup(self, user_id: UserId, tx_ref: TxRef) -> Topup:
        """The top-up, if it is this user's. Raises TopupNotFound."""
        return _only(await self._database.rows(topup_row, TOPUP, (tx_ref, user_id)))

    async def topup_update(self, user_id: UserId, tx_ref: TxRef) -> TopupUpdate:
        """The latest state as a browser is told it, if it is this user's. Raises TopupNotFound."""
        values = (self._grace_seconds, tx_ref, user_id)
        return _only(await self._database.rows(_update, UPDATE_OF_USER, values))

    async def read_updates(self, cursors: Mapping[TxRef, int | None]) -> list[TopupUpdate]:
        """For each top-up every state after the given seq, and always the latest: together, in the
        order of their seqs."""
        values = (list(cursors), list(cursors.values()), self._grace_seconds)
        return await self._database.rows(_update, UPDATES, values)

    async def wallet(self, user_id: UserId) -> Wallet:
        """Balance, latest entries and latest top-ups, newest first."""
        rows = self._database.rows
        entries = await rows(LedgerEntry, LATEST_ENTRIES, (user_id, LATEST_ENTRIES_MAX))
        topups = await rows(topup_row, LATEST_TOPUPS, (user_id, LATEST_TOPUPS_MAX))
        # Not from topup.wallets: read at another moment it might not fit the entries.
        return Wallet(entries[0].balance_after if entries else 0, entries, topups)

    async def balance(self, user_id: UserId) -> int:
        """What `wallet` says of it, for less."""
        latest: list[int] = await self._database.column(BALANCE, (user_id,))
        return latest[0] if latest else 0

    async def history(
        self, user_id: UserId, tx_refs: Sequence[TxRef]
    ) -> dict[TxRef, list[TopupEvent]]:
        """The latest events of each of these top-ups that is this user's, oldest first."""
        values = (EVENTS_OF_TOPUP_MAX, user_id, list(tx_refs))
        events = await self._database.rows(TopupEvent, HISTORY, values)
        return {ref: list(own) for ref, own in groupby(events, lambda event: event.tx_ref)}

    async def under_review(self, tx_refs: Sequence[TxRef]) -> set[TxRef]:
        """Those of these top-ups, as of a TopupUpdate."""
        return set(await self._database.column(UNDER_REVIEW, (list(tx_refs),)))

    async def notify(self, channel: str, payload: str) -> Notified:
        """Sends a notification, unless the queue is half full: the listener proves itself so."""
        return _only(await self._database.rows(Notified, NOTIFY, (channel, payload)))


def _only(rows: list[T]) -> T:
    if not rows:
        raise TopupNotFound
    return rows[0]


def topup_row(*, status: str, **columns: Any) -> Topup:
    """A row of TOPUP_COLUMNS."""
    return Topup(status=Status(status), **columns)


def _update(*, status: str, **columns: Any) -> TopupUpdate:
    return TopupUpdate(status=Status(status), **columns)


def _appended(*, outcome: str, **columns: Any) -> Appended:
    return Appended(outcome=Outcome(outcome), **columns)


def _columns(facts: Sequence[Fact]) -> tuple[list[object], ...]:
    """The facts as the parallel arrays of topup.append_events."""
    return (
        [str(fact.event_id) for fact in facts],
        [str(fact.type) for fact in facts],
        [fact.tx_ref for fact in facts],
        # ASCII, so that text which is no Unicode is rejected as one fact, not raised for all.
        [json.dumps(fact.data) for fact in facts],
        [fact.occurred_at.isoformat() for fact in facts],
        [fact.body for fact in facts],
    )
