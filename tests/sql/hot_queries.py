"""The statements of payers, streams, webhooks and scrapes, with values that find something."""

import hashlib
import json
from collections.abc import Sequence
from typing import LiteralString, NamedTuple
from uuid import UUID

from app.database.accounts import COUNT_GUESS, FORGET_GUESSES, TOUCH_SESSION, USER
from app.database.leases import (
    CLOSE_STREAMS,
    COUNT_LEASES,
    ENDED_STREAMS,
    EXPIRE_STREAMS,
    OPEN_STREAMS,
)
from app.database.openings import FIRST_ANSWER, OPEN
from app.database.reconciliation import CLAIM, FINISH, HASTEN, NUDGE, ORDERS, OVERDUE
from app.database.review import CONFLICTS, COUNTS, SUSPENSE
from app.database.store import (
    APPEND_EVENTS,
    BALANCE,
    HISTORY,
    LATEST_ENTRIES,
    LATEST_TOPUPS,
    TOPUP,
    UNDER_REVIEW,
    UPDATE_OF_USER,
    UPDATES,
)
from tests.payments import A_MOMENT, GRACE_SECONDS, UNKNOWN_ORDER
from tests.sql.full_log import HEAVY_PAYER, PENDING, STREAMS, WORKER, link, order_code, tx_ref

OLD = 4_300
"""A top-up of the payer who has most, long ago."""

READING = {"events_tx_ref_seq_key", "ledger_entries_user_id_recorded_at"}
REVIEWING = {"events_tx_ref_seq_key", "events_event_id_key"}

LATEST = 20
IDLE_SECONDS = 1_800.0
REQUEST = UUID(int=1)


class Hot(NamedTuple):
    """`indexes` must be used; `rows_max` of the tables may be looked at, whatever their size."""

    statement: LiteralString
    values: Sequence[object]
    indexes: set[str]
    rows_max: int = 10


def hot_queries(topups: int) -> dict[str, Hot]:
    """By what each is for, in a log of so many top-ups."""
    return {**_of_payers(topups), **_of_payos(topups), **_of_streams(topups), **_of_persons()}


def _of_payers(topups: int) -> dict[str, Hot]:
    old, new, session = tx_ref(OLD), tx_ref(topups - 1), _session(77)
    last, held = tx_ref(_last_paid(topups)), tx_ref(topups - PENDING + 1)
    opening = ("TZZZZZZZZ", REQUEST, HEAVY_PAYER, 50_000, 900, 20, "a new key", "print", 60.0)
    keys = {"topups_user_id_idempotency_key_key", "topups_user_id_expires_at"}
    return {
        "log in": Hot(USER, ("user77",), {"users_username_key"}),
        "guess a password": Hot(COUNT_GUESS, (session, 5, 1.0, 30.0), set()),  # no plan: an upsert
        "it was right": Hot(FORGET_GUESSES, (session,), {"login_guesses_pkey"}),
        "stay logged in": Hot(TOUCH_SESSION, (session, IDLE_SECONDS), {"sessions_pkey"}),
        "open a top-up": Hot(OPEN, opening, keys, 60),
        "the first answer": Hot(FIRST_ANSWER, (new,), {"events_tx_ref_seq_key"}),
        "a top-up": Hot(TOPUP, (old, HEAVY_PAYER), {"topups_pkey"}),
        "its status": Hot(UPDATE_OF_USER, (GRACE_SECONDS, last, HEAVY_PAYER), READING, 20),
        "an old status": Hot(UPDATE_OF_USER, (GRACE_SECONDS, old, HEAVY_PAYER), READING, 20),
        "whether one is under review": Hot(UNDER_REVIEW, ([held],), REVIEWING),
        "its history": Hot(HISTORY, (LATEST, HEAVY_PAYER, [old]), {"events_tx_ref_seq_key"}),
        "a balance": Hot(BALANCE, (HEAVY_PAYER,), {"ledger_entries_user_id_id"}, 1),
        "entries of a wallet": Hot(
            LATEST_ENTRIES, (HEAVY_PAYER, LATEST), {"ledger_entries_user_id_id"}, 2 * LATEST
        ),
        "top-ups of a wallet": Hot(
            LATEST_TOPUPS, (HEAVY_PAYER, LATEST), {"topups_user_id_opened_at"}, LATEST
        ),
    }


def _of_payos(topups: int) -> dict[str, Hot]:
    new = topups - 1
    looked_up = {"topups_order_code_key", "topups_pkey", "events_event_id_key", "wallets_pkey"}
    looked_up |= {"events_in_suspense"}
    alike = looked_up | {"events_held_in_suspense"}
    asked, due = ([tx_ref(new)],), {"payos_checks_next_at", "payos_checks_urgent"}
    return {
        "record a payment": Hot(APPEND_EVENTS, _paid(order_code(new), link(new)), looked_up, 30),
        "record another payment": Hot(APPEND_EVENTS, _paid(order_code(OLD), link(OLD)), alike, 100),
        "record a stranger's": Hot(
            APPEND_EVENTS, _paid(UNKNOWN_ORDER, link(new)), {"topups_order_code_key"}, 30
        ),
        "what to ask PayOS": Hot(CLAIM, (4, 60.0), due, 3 * PENDING),
        "whom to ask about": Hot(ORDERS, asked, {"topups_pkey"}),
        "it was asked": Hot(FINISH, (tx_ref(new), True), {"payos_checks_pkey", "topups_pkey"}),
        "ask at once": Hot(HASTEN, asked, {"payos_checks_pkey", "topups_pkey"}),
        "ask sooner": Hot(NUDGE, (*asked, 2.0), {"payos_checks_pkey", "topups_pkey"}),
        "how late asking is": Hot(OVERDUE, (), {"payos_checks_next_at"}),
    }


def _of_streams(topups: int) -> dict[str, Hot]:
    last = tx_ref(_last_paid(topups))
    limits = (IDLE_SECONDS, GRACE_SECONDS, 10, 5.0)
    one = ([900_000], [_session(HEAVY_PAYER)], [last], [None])
    many = ([900_000 + n for n in range(20)], [_session(HEAVY_PAYER)] * 20, [last] * 20, [1] * 20)
    used = {"sessions_pkey", "topups_pkey"}
    of_worker = STREAMS // 4
    return {
        "resume": Hot(UPDATES, ([last, tx_ref(topups)], [1, None], GRACE_SECONDS), READING, 20),
        "open a stream": Hot(OPEN_STREAMS, (WORKER, *one, *limits), used, 2 * STREAMS),
        "open many streams": Hot(OPEN_STREAMS, (WORKER, *many, *limits), used, 2 * STREAMS),
        "close streams": Hot(CLOSE_STREAMS, (WORKER, [4, 8]), {"stream_leases_pkey"}),
        "streams to end": Hot(ENDED_STREAMS, (WORKER,), {"stream_leases_ended"}),
        "streams there are": Hot(COUNT_LEASES, (WORKER,), {"stream_leases_pkey"}, of_worker),
        "logins that ended": Hot(
            EXPIRE_STREAMS, (WORKER, IDLE_SECONDS), {"sessions_pkey"}, 4 * STREAMS
        ),
    }


def _of_persons() -> dict[str, Hot]:
    """A scrape asks for the first every few seconds."""
    return {
        "what waits, counted": Hot(COUNTS, (), {"events_for_review", "payos_bodies_waiting"}, 100),
        "what is in suspense": Hot(SUSPENSE, (100,), {"events_for_review"}, 100),
        "conflicts": Hot(CONFLICTS, (100,), {"events_for_review"}, 100),
    }


def _paid(order_code: int, link: str) -> Sequence[object]:
    """A webhook in a batch of one, as topup.append_events takes it."""
    data = {"order_code": order_code, "payment_link_id": link, "amount": 50_000}
    data |= {"reference": "FT1", "description_tx_refs": []}
    told = (str(REQUEST), "payment.received", None, json.dumps(data), A_MOMENT.isoformat(), b"raw")
    return [[value] for value in told]


def _last_paid(topups: int) -> int:
    """The latest confirmed top-up of the payer who has most."""
    return (topups - PENDING) // 100 * 100


def _session(user_id: int) -> bytes:
    return hashlib.sha256(f"user{user_id}".encode()).digest()
