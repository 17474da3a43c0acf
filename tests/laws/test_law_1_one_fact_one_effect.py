"""Law 1: the same transfer, delivered any number of times, changes the wallet once."""

import asyncio
from contextlib import AsyncExitStack

from app.database.appender import Appender
from app.model import Appended, Fact, Outcome
from tests.payments import UNKNOWN_ORDER, Process, open_process, query, transfer

COPIES = 20


async def assert_once(url: str, fact: Fact, answers: list[Appended]) -> None:
    outcomes = [answer.outcome for answer in answers]
    assert outcomes.count(Outcome.DUPLICATE) == len(answers) - 1
    assert len({(answer.tx_ref, answer.seq) for answer in answers}) == 1
    assert await query(
        url, "SELECT count(*) FROM topup.events WHERE event_id = %s", fact.event_id
    ) == [(1,)]
    assert await query(
        url,
        "SELECT sum(amount) FROM topup.ledger_entries WHERE event_id = %s AND amount > 0",
        fact.event_id,
    ) == [(fact.data["amount"],)]


async def test_one_after_the_other(process: Process, database_url: str) -> None:
    topup = await process.topup(50_000)
    fact = transfer(topup.order_code, 50_000)
    answers = [(await process.store.append_events([fact]))[0] for _ in range(3)]
    assert answers[0].outcome == Outcome.APPLIED
    await assert_once(database_url, fact, answers)
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_several_times_in_one_batch(process: Process, database_url: str) -> None:
    topup = await process.topup(50_000)
    fact = transfer(topup.order_code, 50_000)
    answers = await process.store.append_events([fact] * COPIES)
    assert answers[0].outcome == Outcome.APPLIED
    await assert_once(database_url, fact, answers)
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_in_parallel_through_several_processes(process: Process, database_url: str) -> None:
    topup = await process.topup(50_000)
    fact = transfer(topup.order_code, 50_000)
    async with AsyncExitStack() as stack:
        appenders = []
        for _ in range(3):
            another = await stack.enter_async_context(open_process(database_url))
            appenders.append(Appender(another.store.append_events, 64, 4096))
        answers = await asyncio.gather(
            *(appenders[copy % 3].append(fact) for copy in range(COPIES))
        )
    await assert_once(database_url, fact, answers)
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_in_parallel_while_no_topup_is_there_to_lock(
    process: Process, database_url: str
) -> None:
    fact = transfer(UNKNOWN_ORDER, 50_000)
    answers = await asyncio.gather(*(process.store.append_events([fact]) for _ in range(COPIES)))
    await assert_once(database_url, fact, [answer for [answer] in answers])


async def test_a_repeat_is_answered_with_what_was_recorded(process: Process) -> None:
    topup = await process.topup(50_000)
    first, second = transfer(topup.order_code, 20_000), transfer(topup.order_code, 30_000)
    await process.store.append_events([first, second])
    again = await process.store.append_events([second, first])
    assert [(answer.outcome, answer.tx_ref, answer.seq) for answer in again] == [
        (Outcome.DUPLICATE, topup.tx_ref, 3),
        (Outcome.DUPLICATE, topup.tx_ref, 2),
    ]


async def test_two_transfers_of_one_order_are_two_facts(process: Process) -> None:
    topup = await process.topup(50_000)
    answers = await process.store.append_events(
        [transfer(topup.order_code, 20_000), transfer(topup.order_code, 20_000)]
    )
    assert [answer.outcome for answer in answers] == [Outcome.APPLIED, Outcome.APPLIED]
    assert (await process.store.wallet(topup.user_id)).balance == 40_000
