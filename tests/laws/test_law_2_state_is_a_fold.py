"""Law 2: whatever happens in whatever order, the projections are the fold of the log; and the
fold is what the documents say, however the facts were cut into batches.
"""

from uuid import UUID

from hypothesis import HealthCheck, given, settings

from app.model import Fact, Outcome, Topup, TxRef
from tests.laws.books import expected, read_accounts, recorded
from tests.laws.doors import assign, conflict_id
from tests.laws.histories import (
    AMOUNTS,
    USERS,
    Accepts,
    Assigns,
    Facts,
    History,
    PaysUnknownOrder,
    Renumbers,
    Step,
    histories,
)
from tests.laws.oracle import Answer, Oracle
from tests.payments import Process, connected, drift


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
async def test_every_history_folds_to_what_the_documents_say(
    process: Process, database_url: str, history: History
) -> None:
    users = [await process.user() for _ in range(USERS)]
    topups = [
        await process.topup(amount, users[owner])
        for amount, owner in zip(AMOUNTS, history.owners, strict=True)
    ]
    oracle = Oracle()
    for topup in topups:
        oracle.open(topup)
    async with connected(database_url) as connection:
        before = await read_accounts(connection)
        await play(history, process, database_url, topups, oracle)
        assert await recorded(connection, oracle, before) == expected(oracle)
    assert await drift(database_url) == []


async def play(
    history: History, process: Process, url: str, topups: list[Topup], oracle: Oracle
) -> None:
    """Applies the steps to the database and to the oracle; their answers must be equal."""
    facts = Facts(topups)
    batch: list[Fact] = []
    suspended: list[Fact] = []

    async def flush() -> None:
        answers = [oracle.append(fact) for fact in batch]
        assert (await appended(process, batch) if batch else []) == answers
        suspended.extend(
            fact
            for fact, (outcome, _, _) in zip(batch, answers, strict=True)
            if outcome == Outcome.SUSPENSE and fact.event_id in oracle.in_suspense
        )
        batch.clear()

    for step, together in zip(history.steps, history.together, strict=True):
        if not together or isinstance(step, Assigns | Accepts | Renumbers) or is_ambiguous(step):
            await flush()
        match step:
            case Assigns(nth, index) if nth < len(suspended):
                event_id, tx_ref = suspended[nth].event_id, topups[index].tx_ref
                assert await assigned(url, event_id, tx_ref) == oracle.assign(event_id, tx_ref)
            case Accepts(nth, index) if nth < len(oracle.conflicts):
                async with connected(url) as connection:
                    conflict = await conflict_id(connection, oracle.conflicts[nth])
                assert conflict is not None
                answer = oracle.assign(oracle.conflicts[nth], topups[index].tx_ref)
                assert await assigned(url, conflict, topups[index].tx_ref) == answer
            case Renumbers(index):
                tx_ref, before = topups[index].tx_ref, facts.order_code(index)
                order_code = (await process.openings.renumber(tx_ref, before)).order_code
                assert oracle.renumber(tx_ref, order_code) == (order_code != before)
                facts.renumber(index, order_code)
            case Assigns() | Accepts():
                pass  # nothing waits yet
            case _:
                batch.append(facts.of(step))
    await flush()


def is_ambiguous(step: Step) -> bool:
    """The one thing that a batch may change: which of two described top-ups still wait is asked
    before its first fact, and in doubt the money stays in suspense.
    """
    return isinstance(step, PaysUnknownOrder) and len(step.described) > 1


async def appended(process: Process, batch: list[Fact]) -> list[Answer]:
    answers = await process.store.append_events(batch)
    return [(answer.outcome, answer.tx_ref, answer.seq) for answer in answers]


async def assigned(url: str, event_id: UUID, tx_ref: TxRef) -> Answer | None:
    async with connected(url, "topup_app") as connection:
        return await assign(connection, event_id, tx_ref)
