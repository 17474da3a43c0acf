"""What workers do all day, from a seed: webhooks, ends, openings, assignments, checks, streams.

All of them work for a few users, on the same recent top-ups, and tell the same transfers. Through
bare connections: the pool would try again, and hide a deadlock. What they were answered is counted,
so that the books can be compared with it.
"""

import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import AsyncConnection

from app.model import EventType, Fact, Outcome, TxRef, UserId, new_tx_ref
from tests.laws.mixed_facts import draw_fact
from tests.payments import (
    A_MOMENT,
    Element,
    append_raw,
    element,
)
from tests.sql.streams import Payer, Worker

RECENT = 16
KEYS = 400
BATCHES = (1, 1, 1, 2, 2, 4, 8, 16)
MALFORMED: Element = (
    "nonsense",
    "payment.received",
    None,
    "{}",
    A_MOMENT.isoformat(),
    b"malformed",
)
REFUSALS = {"TU007", "TU008", "TU013", "TU016"}
"""Nothing waits there, assigned elsewhere, in flight, recorded meanwhile: others were faster."""

SETTINGS = "SET napvi.check_schedule = '0.01,0.02'; SET lock_timeout = '60s'"
OPEN = """
    SELECT tx_ref, user_id, order_code
    FROM topup.open_topup(%s, %s, %s, 5000, 900, 1000000, %s, 'the same', 0.05)
"""
RENUMBER = "SELECT order_code FROM topup.renumber_topup(%s, %s)"
WAITING = """
    (
        SELECT event_id, type, (data ->> 'amount')::bigint FROM topup.events
        WHERE type = 'payment.received' AND tx_ref IS NULL ORDER BY recorded_at DESC LIMIT 10
    )
    UNION ALL
    (
        SELECT event_id, type, (data ->> 'amount')::bigint FROM topup.events
        WHERE type = 'payment.conflict' ORDER BY recorded_at DESC LIMIT 10
    )
"""
ASSIGN = "SELECT (topup.assign_suspense(%s, %s, 'mixed', 'Lan')).outcome"


@dataclass
class Tally:
    """What the workers were told, in đồng and in numbers."""

    owners: dict[TxRef, UserId] = field(default_factory=dict)
    order_codes: dict[TxRef, int] = field(default_factory=dict)
    credited: Counter[UUID] = field(default_factory=Counter)
    balances: Counter[UserId] = field(default_factory=Counter)
    in_suspense: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)

    def take(self, tx_ref: TxRef, user_id: UserId, order_code: int) -> None:
        self.owners[tx_ref] = user_id
        self.order_codes[tx_ref] = order_code

    def count(self, fact: Fact, outcome: str, tx_ref: TxRef | None) -> None:
        self.outcomes[outcome] += 1
        if fact.type != EventType.PAYMENT_RECEIVED:
            return
        if outcome == Outcome.SUSPENSE:
            self.in_suspense += fact.data["amount"]
        elif outcome == Outcome.APPLIED and tx_ref is not None:
            self.balances[self.owners[tx_ref]] += fact.data["amount"]
        self.credited[fact.event_id] += outcome in {Outcome.SUSPENSE, Outcome.APPLIED}


class Teller:
    """One worker, with a connection of its own as the application."""

    def __init__(self, connection: AsyncConnection, tally: Tally, payers: list[Payer], seed: int):
        self._connection = connection
        self._tally = tally
        self._payers = payers
        self._dice = random.Random(seed)
        self._streams = Worker(connection, seed + 1)
        self._kinds: dict[Callable[[], Coroutine[Any, Any, None]], int] = {
            self.append: 60,
            self.open: 8,
            self.renumber: 6,
            self.assign: 8,
            self.check: 8,
            self.nudge: 4,
            self.stream: 6,
        }

    async def work(self) -> None:
        """One operation. Whatever is no refusal of REFUSALS is raised."""
        [kind] = self._dice.choices(list(self._kinds), list(self._kinds.values()))
        self._tally.operations[kind.__name__] += 1
        try:
            await kind()
        except psycopg.Error as error:
            self._tally.refusals[error.sqlstate or type(error).__name__] += 1
            if error.sqlstate not in REFUSALS:
                raise

    async def append(self) -> None:
        facts = [self._fact() for _ in range(self._dice.choice(BATCHES))]
        batch = [element(fact) for fact in facts]
        if self._dice.random() < 0.05:
            batch.append(MALFORMED)
        answers = await append_raw(self._connection, batch)
        for fact, (outcome, tx_ref, *_) in zip(facts, answers, strict=False):
            self._tally.count(fact, outcome, tx_ref)

    async def open(self) -> None:
        """Mostly under a key that somebody else may use at this moment."""
        payer, request_id = self._dice.choice(self._payers), uuid4()
        key = f"key {self._dice.randrange(KEYS)}" if self._dice.random() < 0.8 else None
        values = (new_tx_ref(), request_id, payer.user_id, key)
        row = await self._row(OPEN, *values)
        self._tally.take(*row)
        await self._row("SELECT topup.release_link(%s, %s)", row[0], request_id)

    async def renumber(self) -> None:
        tx_ref = self._tx_ref()
        code = self._tally.order_codes[tx_ref]
        [self._tally.order_codes[tx_ref]] = await self._row(RENUMBER, tx_ref, code)

    async def assign(self) -> None:
        """What waits for a person, as the log tells it, to whatever top-up."""
        waiting = await (await self._connection.execute(WAITING)).fetchall()
        if not waiting:
            return
        event_id, type, amount = self._dice.choice(waiting)
        tx_ref = self._tx_ref()
        [outcome] = await self._row(ASSIGN, event_id, tx_ref)
        if outcome == Outcome.APPLIED:
            self._tally.balances[self._tally.owners[tx_ref]] += amount
            self._tally.in_suspense -= amount if type == EventType.PAYMENT_RECEIVED else 0

    async def check(self) -> None:
        cursor = await self._connection.execute("SELECT topup.claim_checks(4, 0.05)")
        for (tx_ref,) in await cursor.fetchall():
            answered = self._dice.random() < 0.8
            await self._row("SELECT topup.finish_check(%s, %s)", tx_ref, answered)

    async def nudge(self) -> None:
        tx_refs = [self._tx_ref() for _ in range(4)]
        await self._row("SELECT topup.nudge_checks(%s, 0.001)", tx_refs)

    async def stream(self) -> None:
        streams = self._dice.sample(range(1, 9), 3)
        asked = [self._dice.choice(self._payers).asks(stream_id) for stream_id in streams]
        await self._streams.open(*asked, per_user_max=4, spare_seconds=0)
        await self._streams.close(*streams[1:])

    async def _row(self, statement: Any, *values: object) -> Any:
        return await (await self._connection.execute(statement, values)).fetchone()

    def _tx_ref(self) -> TxRef:
        return self._dice.choice(list(self._tally.owners)[-RECENT:])

    def _fact(self) -> Fact:
        tx_ref = self._tx_ref()
        return draw_fact(self._dice, tx_ref, self._tally.order_codes[tx_ref])
