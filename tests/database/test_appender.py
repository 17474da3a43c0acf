"""Natural batching on a real database: who comes alone waits for nobody, others go together."""

import asyncio
from collections.abc import Sequence

import pytest

from app.database.appender import Appender
from app.database.connections import Away
from app.database.pool import Stalled
from app.errors import DatabaseUnavailable
from app.model import Appended, Fact, Outcome, Topup
from tests.payments import (
    Process,
    connected,
    grow_impatient,
    open_process,
    query,
    transfer,
)

HOLD_WALLET = "SELECT FROM topup.wallets WHERE user_id = %s FOR UPDATE"
HOLD = "SELECT FROM topup.topups WHERE tx_ref = %s FOR UPDATE"


class Gate:
    """Stands before Store.append_events: notes each batch, and lets it through when `opened`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.batches: list[int] = []
        self.arrived = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def append_events(self, facts: Sequence[Fact]) -> list[Appended]:
        self.batches.append(len(facts))
        self.arrived.set()
        await self.opened.wait()
        return await self._process.store.append_events(facts)


@pytest.fixture
def gate(process: Process) -> Gate:
    return Gate(process)


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(10**9)


def payments(topup: Topup, number: int) -> list[Fact]:
    return [transfer(topup.order_code, 1_000) for _ in range(number)]


async def begun(appender: Appender, facts: Sequence[Fact]) -> list[asyncio.Task[Appended]]:
    """Tasks that have handed over their facts."""
    tasks = [asyncio.create_task(appender.append(fact)) for fact in facts]
    await asyncio.sleep(0)
    return tasks


async def test_a_fact_alone_goes_at_once(gate: Gate, topup: Topup) -> None:
    appender = Appender(gate.append_events, 64, 4096)
    for fact in payments(topup, 3):
        assert (await appender.append(fact)).outcome == Outcome.APPLIED
    assert gate.batches == [1, 1, 1]


async def test_facts_that_come_while_one_commits_go_together_in_their_order(
    gate: Gate, topup: Topup
) -> None:
    appender = Appender(gate.append_events, 64, 4096)
    gate.opened.clear()
    first = await begun(appender, payments(topup, 1))
    await gate.arrived.wait()
    rest = await begun(appender, payments(topup, 10))
    gate.opened.set()
    answers = await asyncio.gather(*first, *rest)
    assert gate.batches == [1, 10]
    assert [answer.seq for answer in answers] == list(range(2, 13))


async def test_a_batch_has_its_limit(gate: Gate, topup: Topup) -> None:
    appender = Appender(gate.append_events, 64, 4096)
    answers = await asyncio.gather(*await begun(appender, payments(topup, 150)))
    assert gate.batches == [64, 64, 22]
    assert [answer.seq for answer in answers] == list(range(2, 152))


async def test_each_caller_gets_its_own_answer(
    gate: Gate, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    topups = [await process.topup(1_000) for _ in range(5)]
    facts = [transfer(topup.order_code, 1_000) for topup in topups]
    bad = transfer(topups[0].order_code, "a lot")
    appender = Appender(gate.append_events, 64, 4096)
    answers = await asyncio.gather(*(appender.append(fact) for fact in [*facts, bad, facts[0]]))
    assert [answer.tx_ref for answer in answers[:5]] == [topup.tx_ref for topup in topups]
    assert [answer.outcome for answer in answers[5:]] == [Outcome.REJECTED, Outcome.DUPLICATE]
    rejected = f"event=append.rejected type={bad.type} event_id={bad.event_id} tx_ref=None"
    assert caplog.messages == [f"{rejected} sqlstate={answers[5].sqlstate}"]


async def test_a_cancelled_caller_does_not_stop_the_append(
    gate: Gate, process: Process, topup: Topup
) -> None:
    appender = Appender(gate.append_events, 64, 4096)
    gate.opened.clear()
    callers = await begun(appender, payments(topup, 3))
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    assert all(caller.cancelled() for caller in callers)
    gate.opened.set()
    await appender.drain()
    assert (await process.store.wallet(topup.user_id)).balance == 3_000


async def test_the_neighbours_of_a_cancelled_caller_get_their_answers(
    gate: Gate, topup: Topup
) -> None:
    appender = Appender(gate.append_events, 64, 4096)
    gate.opened.clear()
    first, second, third = await begun(appender, payments(topup, 3))
    second.cancel()
    gate.opened.set()
    answers = await asyncio.gather(first, third)
    assert [answer.seq for answer in answers] == [2, 4]
    assert (await appender.append(payments(topup, 1)[0])).seq == 5


async def test_the_queue_is_bounded_and_takes_more_when_it_has_room(
    gate: Gate, process: Process, topup: Topup
) -> None:
    appender = Appender(gate.append_events, 2, 3)
    gate.opened.clear()
    under_way = await begun(appender, payments(topup, 1))
    await gate.arrived.wait()
    waiting = await begun(appender, payments(topup, 3))
    with pytest.raises(DatabaseUnavailable):
        await appender.append(payments(topup, 1)[0])
    gate.opened.set()
    await asyncio.gather(*under_way, *waiting)
    assert gate.batches == [1, 2, 1]
    assert (await appender.append(payments(topup, 1)[0])).outcome == Outcome.APPLIED
    assert (await process.store.wallet(topup.user_id)).balance == 5_000


async def test_a_failure_is_told_to_everybody_in_the_batch_and_the_next_one_goes(
    process: Process, topup: Topup
) -> None:
    failures = iter([DatabaseUnavailable()])

    async def append_events(facts: Sequence[Fact]) -> list[Appended]:
        for failure in failures:
            raise failure
        return await process.store.append_events(facts)

    appender = Appender(append_events, 2, 4096)
    answers = await asyncio.gather(
        *await begun(appender, payments(topup, 4)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2 + [Appended] * 2
    assert (await process.store.wallet(topup.user_id)).balance == 2_000


async def test_behind_a_lock_that_stays_waits_only_who_is_about_that_topup(
    database_url: str,
) -> None:
    async with (
        open_process(database_url, lock_timeout_seconds=0.05) as process,
        connected(database_url) as holder,
    ):
        stuck, free = [await process.topup(10**9) for _ in range(2)]
        facts = [
            fact
            for pair in zip(payments(stuck, 2), payments(free, 2), strict=True)
            for fact in pair
        ]
        gate = Gate(process)
        appender = Appender(gate.append_events, 64, 4096)
        async with holder.transaction():
            await holder.execute(HOLD, (stuck.tx_ref,))
            answers = await asyncio.gather(*await begun(appender, facts), return_exceptions=True)
        assert [getattr(answer, "seq", None) for answer in answers] == [None, 2, None, 3]
        assert [type(answer) for answer in answers[::2]] == [Stalled] * 2
        assert gate.batches == [4, 2, 2]
        again = await asyncio.gather(*(appender.append(fact) for fact in facts))
    duplicate, applied = Outcome.DUPLICATE, Outcome.APPLIED
    assert [answer.outcome for answer in again] == [applied, duplicate] * 2


async def test_who_shares_a_batch_with_many_that_are_stuck_gets_a_connection_in_its_turn(
    database_url: str,
) -> None:
    async with (
        open_process(database_url, lock_timeout_seconds=0.3) as process,
        connected(database_url) as holder,
    ):
        user = await process.user()
        stuck = [await process.topup(user_id=user) for _ in range(6)]
        free = await process.topup()
        facts = [fact for topup in [*stuck, free] for fact in payments(topup, 1)]
        appender = Appender(process.store.append_events, 64, 4096, parts_at_once=2)
        grow_impatient(process.store._append, 0.5)  # shorter than two would hold a connection
        async with holder.transaction():
            await holder.execute(HOLD_WALLET, (user,))
            answers = await asyncio.gather(*await begun(appender, facts), return_exceptions=True)
        assert [type(answer) for answer in answers] == [Stalled] * 6 + [Appended]


async def test_without_a_database_nobody_waits_for_the_batch_before(topup: Topup) -> None:
    asked = 0

    async def append_events(_: Sequence[Fact]) -> list[Appended]:
        nonlocal asked
        asked += 1
        raise Away

    appender = Appender(append_events, 2, 4096)
    answers = await asyncio.gather(
        *await begun(appender, payments(topup, 7)), return_exceptions=True
    )
    assert ([type(answer) for answer in answers], asked) == ([Away] * 7, 1)


async def test_drained_means_answered(gate: Gate, topup: Topup) -> None:
    appender = Appender(gate.append_events, 2, 4096)
    await appender.drain()
    tasks = await begun(appender, payments(topup, 5))
    await appender.drain()
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)


async def test_several_processes_pay_the_same_topup(
    process: Process, database_url: str, topup: Topup
) -> None:
    async with open_process(database_url) as another:
        appenders = [Appender(each.store.append_events, 64, 4096) for each in (process, another)]
        facts = payments(topup, 200)
        answers = await asyncio.gather(
            *(appenders[n % 2].append(fact) for n, fact in enumerate([*facts, *facts]))
        )
    outcomes = [answer.outcome for answer in answers]
    assert outcomes.count(Outcome.APPLIED) == outcomes.count(Outcome.DUPLICATE) == 200
    seqs = sorted({answer.seq for answer in answers if answer.seq})
    assert seqs == list(range(2, 202))
    assert await query(database_url, "SELECT balance FROM topup.wallets") == [(200_000,)]
