"""Users, top-ups and sessions as Hypothesis drives them; see test_interleaved_sessions.py."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from psycopg import AsyncConnection

from app.model import EventType, Fact, Topup, new_tx_ref
from tests.laws import doors, histories
from tests.laws.books import expected, read_accounts, recorded
from tests.laws.histories import Fails, Pays, PaysUnknownOrder, PaysWithoutReference, Told
from tests.laws.oracle import Oracle
from tests.laws.sessions import Door, Play, Session, Sessions

T = TypeVar("T")

SESSIONS, USERS, TOPUPS = 4, 3, 4
UNBALANCED = "SELECT FROM audit.money_equation WHERE difference <> 0"
DRIFT = "SELECT FROM audit.drift()"

any_session = st.integers(0, SESSIONS - 1)
any_topup = st.integers(0, TOPUPS + 1)
any_user = st.integers(0, USERS - 1)
batches = st.lists(histories.told, min_size=1, max_size=4)


@dataclass
class Tally:
    """What was played, for a report of a long run."""

    histories: int = 0
    steps: int = 0
    waited: int = 0
    entries: int = 0


class Interleaved(RuleBasedStateMachine):
    def __init__(self, runner: asyncio.Runner, sessions: Sessions, tally: Tally) -> None:
        super().__init__()
        self._runner, self._sessions, self._tally = runner, sessions, tally
        self._topups: list[Topup] = []
        self._facts = histories.Facts([])
        self._suspended: dict[UUID, None] = {}
        self._failed: set[UUID] = set()
        self._changed = False

    @initialize(owners=st.lists(any_user, min_size=TOPUPS, max_size=TOPUPS))
    def begin(self, owners: list[int]) -> None:
        observer = self._sessions.observer
        self._sessions.journal.clear()
        self._sessions.waited = 0
        self._before = self._run(read_accounts(observer))
        self._users = [self._run(doors.register(observer)) for _ in range(USERS)]
        for number, owner in enumerate(owners):
            self.opens(session=0, user=owner, amount=histories.AMOUNTS[number % 3])
        self.commits(session=0)

    @rule(session=any_session, user=any_user, amount=st.sampled_from(histories.AMOUNTS))
    def opens(self, session: int, user: int, amount: int) -> None:
        tx_ref, user_id = new_tx_ref(), self._users[user]

        def play(oracle: Oracle, topup: Topup) -> Topup:
            oracle.open(topup)
            return topup

        self._call(session, lambda door: doors.open_topup(door, tx_ref, user_id, amount), play)

    @rule(session=any_session, batch=batches)
    def appends(self, session: int, batch: list[Told]) -> None:
        facts = [self._fact(step) for step in batch]
        self._failed |= {fact.event_id for fact in facts if fact.type == EventType.PAYMENT_FAILED}
        self._call(
            session,
            lambda door: doors.append(door, facts),
            lambda oracle, _: [oracle.append(fact) for fact in facts],
        )

    @rule(session=any_session, topup=any_topup)
    def renumbers(self, session: int, topup: int) -> None:
        index = topup % len(self._topups)
        tx_ref, taken = self._topups[index].tx_ref, self._facts.order_code(index)

        async def door(connection: AsyncConnection) -> int:
            return (await doors.renumber(connection, tx_ref, taken)).order_code

        def play(oracle: Oracle, answer: int) -> int:
            if oracle.topups[tx_ref].order_code == taken and oracle.may_renumber(tx_ref):
                assert answer != taken
                oracle.renumber(tx_ref, answer)
            return oracle.topups[tx_ref].order_code

        self._call(session, door, play)

    @rule(session=any_session, nth=st.integers(0, 5), topup=any_topup)
    def assigns(self, session: int, nth: int, topup: int) -> None:
        """What is or was in suspense."""
        if self._suspended:
            event_id = list(self._suspended)[nth % len(self._suspended)]
            self._assign(session, event_id, event_id, topup)

    @rule(session=any_session, nth=st.integers(0, 5), topup=any_topup)
    def accepts(self, session: int, nth: int, topup: int) -> None:
        """A conflict, but none about a failure: that brings no money."""
        conflicts = [key for key in self._sessions.oracle().conflicts if key[0] not in self._failed]
        if conflicts:
            conflict = conflicts[nth % len(conflicts)]
            event_id = self._run(doors.conflict_id(self._sessions.observer, conflict))
            assert event_id is not None
            self._assign(session, event_id, conflict, topup)

    @rule(session=any_session)
    def commits(self, session: int) -> None:
        if chosen := self._in_transaction(session):
            self._run(self._sessions.commit(chosen))
            self._changed = True

    @rule(session=any_session)
    def rolls_back(self, session: int) -> None:
        if chosen := self._in_transaction(session):
            self._run(self._sessions.roll_back(chosen))

    @invariant()
    def the_books_are_right(self) -> None:
        """Whenever another transaction has committed."""
        self._tally.steps += 1
        if self._changed:
            self._changed = False
            self._run(self._check())

    def teardown(self) -> None:
        self._run(self._sessions.end())
        self._run(self._check())
        self._tally.histories += 1
        self._tally.waited += self._sessions.waited
        self._tally.entries += len(self._sessions.journal)

    async def _check(self) -> None:
        oracle, observer = self._sessions.oracle(), self._sessions.observer
        assert await recorded(observer, oracle, self._before) == expected(oracle)
        for proof in (DRIFT, UNBALANCED):
            assert (await observer.execute(proof)).rowcount == 0
        self._learn(oracle)

    def _learn(self, oracle: Oracle) -> None:
        """What others may refer to: it has committed."""
        self._suspended |= dict.fromkeys(oracle.in_suspense)
        known = {topup.tx_ref for topup in self._topups}
        for entry in self._sessions.journal:
            topup = entry.answer
            if entry.session is None and isinstance(topup, Topup) and topup.tx_ref not in known:
                self._topups.append(topup)
                self._facts.add(topup)
        for index, topup in enumerate(self._topups):
            order_code = oracle.topups[topup.tx_ref].order_code
            if order_code != self._facts.order_code(index):
                self._facts.renumber(index, order_code)

    def _fact(self, step: Told) -> Fact:
        """About top-ups that are there; of two in a description the order would matter.

        A transfer that names an order names nothing else: if that code is given up while the
        transfer waits for the lock, it goes to suspense, whatever its description says. One without
        a reference goes there in any case, and may name what it likes.
        """
        there = len(self._topups)
        if isinstance(step, PaysUnknownOrder):
            return self._facts.of(replace(step, described=[n % there for n in step.described[:1]]))
        step = replace(step, topup=step.topup % there)
        if isinstance(step, PaysWithoutReference):
            return self._facts.of(replace(step, described=[n % there for n in step.described]))
        if isinstance(step, Pays | Fails):
            step = replace(step, link_of=step.link_of % there)
        fact = self._facts.of(step)
        data = {name: fact.data[name] for name in fact.data if name != "description_tx_refs"}
        return replace(fact, data=data)

    def _call(self, number: int, door: Door, play: Play) -> None:
        """By a session that is not waiting; one always is, for somebody holds the locks."""
        free = self._sessions.free
        self._run(self._sessions.call(free[number % len(free)], door, play))

    def _in_transaction(self, number: int) -> Session | None:
        """One that may end its transaction, if there is one."""
        open_ones = [session for session in self._sessions.free if session.in_transaction]
        return open_ones[number % len(open_ones)] if open_ones else None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def _assign(self, session: int, event_id: UUID, waiting: Any, topup: int) -> None:
        tx_ref = self._topups[topup % len(self._topups)].tx_ref
        self._call(
            session,
            lambda door: doors.assign(door, event_id, tx_ref),
            lambda oracle, _: oracle.assign(waiting, tx_ref),
        )
