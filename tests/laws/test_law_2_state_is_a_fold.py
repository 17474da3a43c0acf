"""Law 2: whatever happens in whatever order, the projections are the fold of the log; and the
fold is what the documents say, however the facts were cut into batches.
"""

from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings

from app.model import Fact, Outcome, Topup
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
from tests.laws.oracle import Answer, ConflictKey, Oracle
from tests.payments import Process, connected, drift, query

TOPUPS = """
    SELECT t.tx_ref, t.user_id, t.order_code, t.amount, t.payment_link_id, t.checkout_url,
        t.amount_paid, t.status, t.late, t.seq, c.seq, x.seq
    FROM topup.topups AS t
    LEFT JOIN topup.events AS c ON c.tx_ref = t.tx_ref AND c.recorded_at = t.confirmed_at
    LEFT JOIN topup.events AS x ON x.tx_ref = t.tx_ref AND x.recorded_at = t.closed_at
    WHERE t.tx_ref = ANY (%s) AND t.opened_at = (
        SELECT e.recorded_at FROM topup.events AS e WHERE e.tx_ref = t.tx_ref AND e.seq = 1
    )
"""
WALLETS = """
    SELECT
        w.user_id, w.balance, w.version,
        array_agg(ARRAY[l.amount, l.balance_after] ORDER BY l.id)
    FROM topup.wallets AS w LEFT JOIN topup.ledger_entries AS l ON l.user_id = w.user_id
    WHERE w.user_id = ANY (%s) GROUP BY w.user_id ORDER BY w.user_id
"""
IN_SUSPENSE = """
    SELECT coalesce(sum(l.amount), 0) FROM topup.ledger_entries AS l WHERE l.account = 'suspense'
"""
CONFLICT = """
    SELECT event_id FROM topup.events
    WHERE
        type = 'payment.conflict' AND data ->> 'conflicts_with' = %s::text
        AND (data ->> 'order_code')::bigint = %s AND (data ->> 'amount')::bigint = %s
"""
REFUSED_ASSIGNMENT = "TU008"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories())
async def test_every_history_folds_to_what_the_documents_say(
    process: Process, database_url: str, history: History
) -> None:
    users = [await process.user() for _ in range(USERS)]
    topups = [
        await process.topup(amount, users[owner])
        for amount, owner in zip(AMOUNTS, history.owners, strict=True)
    ]
    [(suspense_before,)] = await query(database_url, IN_SUSPENSE)
    oracle = Oracle()
    for topup in topups:
        oracle.open(topup)

    await play(history, process, database_url, topups, oracle)

    assert await recorded_topups(database_url, oracle) == expected_topups(oracle)
    assert await query(database_url, WALLETS, users) == expected_wallets(oracle, users)
    assert await query(database_url, IN_SUSPENSE) == [
        (suspense_before + sum(oracle.in_suspense.values()),)
    ]
    assert await recorded_updates(process, oracle) == {
        tx_ref: expected.history for tx_ref, expected in oracle.topups.items()
    }
    assert await drift(database_url) == []


async def play(
    history: History, process: Process, url: str, topups: list[Topup], oracle: Oracle
) -> None:
    """Applies the steps to the database and to the oracle; their answers must be equal."""
    facts = Facts(topups)
    batch: list[Fact] = []
    suspended: list[Fact] = []
    conflicts: list[ConflictKey] = []

    async def flush() -> None:
        answers = [oracle.append(fact) for fact in batch]
        assert (await appended(process, batch) if batch else []) == answers
        suspended.extend(
            fact
            for fact, (outcome, _, _) in zip(batch, answers, strict=True)
            if outcome == Outcome.SUSPENSE and fact.event_id in oracle.in_suspense
        )
        conflicts.extend(
            (fact.event_id, fact.data["order_code"], fact.data["amount"])
            for fact, (outcome, _, _) in zip(batch, answers, strict=True)
            if outcome == Outcome.CONFLICT
        )
        batch.clear()

    for step, together in zip(history.steps, history.together, strict=True):
        if not together or isinstance(step, Assigns | Accepts | Renumbers) or is_ambiguous(step):
            await flush()
        match step:
            case Assigns(nth, index) if nth < len(suspended):
                event_id, tx_ref = suspended[nth].event_id, topups[index].tx_ref
                assert await assigned(url, event_id, tx_ref) == oracle.assign(event_id, tx_ref)
            case Accepts(nth, index) if nth < len(conflicts):
                [(event_id,)] = await query(url, CONFLICT, *conflicts[nth])
                expected = oracle.assign(conflicts[nth], topups[index].tx_ref)
                assert await assigned(url, event_id, topups[index].tx_ref) == expected
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


async def assigned(url: str, event_id: object, tx_ref: str) -> Answer | None:
    async with connected(url, "topup_app") as connection:
        try:
            cursor = await connection.execute(
                "SELECT outcome, tx_ref, seq FROM topup.assign_suspense(%s, %s, 'test', 'Lan')",
                (event_id, tx_ref),
            )
        except psycopg.Error as error:
            assert error.sqlstate == REFUSED_ASSIGNMENT
            return None
        [(outcome, assigned_to, seq)] = await cursor.fetchall()
        return Outcome(outcome), assigned_to, seq


async def recorded_topups(url: str, oracle: Oracle) -> list[tuple[Any, ...]]:
    return sorted(await query(url, TOPUPS, list(oracle.topups)))


def expected_topups(oracle: Oracle) -> list[tuple[Any, ...]]:
    return sorted(
        (
            tx_ref,
            topup.user_id,
            topup.order_code,
            topup.amount,
            topup.link,
            topup.checkout_url,
            topup.amount_paid,
            topup.status,
            topup.late,
            topup.seq,
            topup.confirmed_seq,
            topup.closed_seq,
        )
        for tx_ref, topup in oracle.topups.items()
    )


def expected_wallets(oracle: Oracle, users: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (
            user,
            oracle.balance(user),
            len(oracle.entries[user]),
            [list(entry) for entry in oracle.entries[user]] or [[None, None]],
        )
        for user in users
    ]


async def recorded_updates(process: Process, oracle: Oracle) -> dict[Any, list[tuple[Any, ...]]]:
    """The history of each top-up as a stream would send it, from its first event on."""
    updates = await process.store.read_updates(dict.fromkeys(oracle.topups, 0))
    return {
        tx_ref: [
            (u.seq, u.type, u.status, u.amount_paid, u.late, u.wallet_balance)
            for u in updates
            if u.tx_ref == tx_ref
        ]
        for tx_ref in oracle.topups
    }
