"""The calls whose cost at each size is measured, as the service makes them."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg

from app.database.leases import CLOSE_STREAMS, OPEN_STREAMS
from app.database.openings import OPEN
from app.database.store import (
    APPEND_EVENTS,
    HISTORY,
    LATEST_ENTRIES,
    LATEST_TOPUPS,
    UPDATE_OF_USER,
    UPDATES,
)
from app.model import new_tx_ref
from bench.growth_fill import HOT_USER

SOME = 2_000
GRACE_SECONDS = 900.0
Statements = list[tuple[Any, Any]]
ORDINARY = "SELECT tx_ref, user_id, order_code, payment_link_id FROM topup.topups WHERE "
PENDING = ORDINARY + "status = 'pending' AND (user_id = %s) = %s ORDER BY tx_ref"
DONE = ORDINARY + "status = 'confirmed' AND (user_id = %s) = %s ORDER BY random() LIMIT %s"


@dataclass(frozen=True)
class Topup:
    """What a call needs to know of it."""

    tx_ref: str
    user_id: int
    order_code: int
    payment_link_id: str


@dataclass
class Targets:
    """A connection as the application, and top-ups to call about; pending ones are used up."""

    connection: psycopg.Connection
    pending: Mapping[bool, list[Topup]] = field(init=False)
    done: Mapping[bool, list[Topup]] = field(init=False)
    numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        def some(statement: Any, *values: object) -> list[Topup]:
            return [Topup(*row) for row in self.connection.execute(statement, values).fetchall()]

        self.pending = {hot: some(PENDING, HOT_USER, hot) for hot in (False, True)}
        self.done = {hot: some(DONE, HOT_USER, hot, SOME) for hot in (False, True)}
        self.connection.execute("SET ROLE topup_app")

    def any_done(self, hot: bool) -> Topup:
        return random.choice(self.done[hot])


Call = Callable[[Targets], Statements]


def _payments(topups: list[Topup], amount: int = 50_000) -> Statements:
    bodies = [json.dumps([topup.tx_ref, uuid4().hex]).encode() * 10 for topup in topups]
    facts = [
        json.dumps(
            {
                "order_code": topup.order_code,
                "payment_link_id": topup.payment_link_id,
                "reference": uuid4().hex,
                "amount": amount,
                "description_tx_refs": [],
                "body_sha256": hashlib.sha256(body).hexdigest(),
            }
        )
        for topup, body in zip(topups, bodies, strict=True)
    ]
    each = len(topups)
    values = (
        [str(uuid4()) for _ in topups], ["payment.received"] * each, [None] * each, facts,
        ["2026-01-02T03:04:05+00:00"] * each, bodies,
    )  # fmt: skip
    return [(APPEND_EVENTS, values)]


def _append(number: int, hot: bool) -> Call:
    return lambda to: _payments([to.pending[hot].pop() for _ in range(number)])


def _open(hot: bool) -> Call:
    def call(to: Targets) -> Statements:
        user_id = to.any_done(hot).user_id
        return [(OPEN, (new_tx_ref(), uuid4(), user_id, 50_000, 900.0, 10_000, None, None, 60.0))]

    return call


def _resume(hot: bool) -> Call:
    return lambda to: [(UPDATES, ([to.any_done(hot).tx_ref], [1], GRACE_SECONDS))]


def _status(hot: bool) -> Call:
    def call(to: Targets) -> Statements:
        topup = to.any_done(hot)
        return [(UPDATE_OF_USER, (GRACE_SECONDS, topup.tx_ref, topup.user_id))]

    return call


def _subscribe(hot: bool) -> Call:
    def call(to: Targets) -> Statements:
        topup, stream_id = to.any_done(hot), next(to.numbers)
        login = hashlib.sha256(str(topup.user_id).encode()).digest()
        asked = (1, [stream_id], [login], [topup.tx_ref], [None], 1800, GRACE_SECONDS, 10, 5.0)
        read = (UPDATES, ([topup.tx_ref], [None], GRACE_SECONDS))
        return [(OPEN_STREAMS, asked), read, (CLOSE_STREAMS, (1, [stream_id]))]

    return call


def _wallet(hot: bool) -> Call:
    def call(to: Targets) -> Statements:
        user_id = to.any_done(hot).user_id
        topups = to.connection.execute(LATEST_TOPUPS, (user_id, 20)).fetchall()
        return [
            (LATEST_ENTRIES, (user_id, 20)),
            (LATEST_TOPUPS, (user_id, 20)),
            (HISTORY, (20, user_id, [row[0] for row in topups])),
        ]

    return call


CALLS: Mapping[str, Call] = {
    "append 1": _append(1, hot=False),
    "append 16": _append(16, hot=False),
    "append 1, busy user": _append(1, hot=True),
    "append 1, second transfer": lambda to: _payments([to.any_done(hot=False)], 1_000),
    "open": _open(hot=False),
    "open, busy user": _open(hot=True),
    "resume": _resume(hot=False),
    "resume, busy user": _resume(hot=True),
    "status": _status(hot=False),
    "status, busy user": _status(hot=True),
    "subscribe": _subscribe(hot=False),
    "subscribe, busy user": _subscribe(hot=True),
    "wallet page": _wallet(hot=False),
    "wallet page, busy user": _wallet(hot=True),
}
