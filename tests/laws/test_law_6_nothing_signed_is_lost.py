"""Law 6: whatever is odd about a fact, it is recorded, and its neighbours are not harmed."""

import json
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.model import Appended, EventType, Fact, Outcome, TxRef
from tests.payments import (
    A_MOMENT,
    APPEND,
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    Element,
    Process,
    about,
    append_raw,
    connected,
    drift,
    element,
    failure,
    linked,
    query,
    transfer,
)

MOMENT = A_MOMENT.isoformat()
UNMATCHED = "SELECT data ->> 'unmatched' FROM topup.events WHERE event_id = %s"


async def append(process: Process, *facts: Fact) -> list[Appended]:
    return await process.store.append_events(facts)


async def assert_in_suspense(process: Process, url: str, fact: Fact, reason: str) -> None:
    [answer] = await append(process, fact)
    assert (answer.outcome, answer.tx_ref, answer.seq) == (Outcome.SUSPENSE, None, None)
    assert await query(url, UNMATCHED, fact.event_id) == [(reason,)]
    assert await query(
        url,
        "SELECT amount FROM topup.ledger_entries WHERE event_id = %s AND account = 'suspense'",
        fact.event_id,
    ) == [(fact.data["amount"],)]


async def test_an_unknown_order(process: Process, database_url: str) -> None:
    fact = transfer(UNKNOWN_ORDER, 7_000)
    await assert_in_suspense(process, database_url, fact, "order_code.unknown")


async def test_no_reference(process: Process, database_url: str) -> None:
    topup = await process.topup()
    fact = transfer(topup.order_code, 7_000, unmatchable="reference.missing")
    await assert_in_suspense(process, database_url, fact, "reference.missing")


async def test_a_foreign_payment_link(process: Process, database_url: str) -> None:
    topup = await process.topup()
    await append(process, linked(topup.tx_ref))
    fact = transfer(topup.order_code, 7_000, link=FOREIGN_LINK)
    await assert_in_suspense(process, database_url, fact, "payment_link_id.foreign")


async def test_a_link_that_is_foreign_to_the_first_payment(
    process: Process, database_url: str
) -> None:
    """The webhook may come before the answer that tells the link: then the first one holds."""
    topup = await process.topup()
    await append(process, transfer(topup.order_code, 7_000))
    fact = transfer(topup.order_code, 7_000, link=FOREIGN_LINK)
    await assert_in_suspense(process, database_url, fact, "payment_link_id.foreign")


@pytest.mark.parametrize("first", [EventType.TOPUP_LINKED, EventType.PAYMENT_RECEIVED])
async def test_a_link_that_is_foreign_to_a_neighbour_in_the_same_batch(
    process: Process, first: EventType
) -> None:
    topup = await process.topup()
    own = transfer(topup.order_code, 7_000)
    answers = await append(
        process,
        linked(topup.tx_ref) if first == EventType.TOPUP_LINKED else own,
        transfer(topup.order_code, 7_000, link=FOREIGN_LINK),
        transfer(topup.order_code, 7_000),
    )
    outcomes = [answer.outcome for answer in answers]
    assert outcomes == [Outcome.APPLIED, Outcome.SUSPENSE, Outcome.APPLIED]


async def test_the_same_transfer_with_another_amount(process: Process, database_url: str) -> None:
    topup = await process.topup(50_000)
    fact = transfer(topup.order_code, 20_000, "FT-same")
    other = transfer(topup.order_code, 30_000, "FT-same")
    await append(process, fact)
    [answer] = await append(process, other)
    assert (answer.outcome, answer.seq) == (Outcome.CONFLICT, 3)
    assert (await process.store.wallet(topup.user_id)).balance == 20_000
    assert await query(
        database_url,
        """
        SELECT type, data ->> 'amount', data ->> 'conflicts_with' FROM topup.events WHERE seq = 3
        """,
    ) == [("payment.conflict", "30000", str(fact.event_id))]
    [again] = await append(process, other)
    assert (again.outcome, again.seq) == (Outcome.DUPLICATE, 3)


async def test_the_same_transfer_for_another_order(process: Process) -> None:
    topup, other = await process.topup(), await process.topup()
    answers = await append(
        process,
        transfer(topup.order_code, 20_000, "FT-same"),
        transfer(other.order_code, 20_000, "FT-same"),
    )
    assert [answer.outcome for answer in answers] == [Outcome.APPLIED, Outcome.CONFLICT]
    assert (await process.store.wallet(other.user_id)).balance == 0


async def test_a_conflict_in_suspense(process: Process) -> None:
    answers = await append(
        process,
        transfer(UNKNOWN_ORDER, 20_000, "FT-same"),
        transfer(UNKNOWN_ORDER, 30_000, "FT-same"),
    )
    assert [answer.outcome for answer in answers] == [Outcome.SUSPENSE, Outcome.CONFLICT]


async def test_the_raw_body_is_kept_once_with_its_event(
    process: Process, database_url: str
) -> None:
    known, unknown = transfer((await process.topup()).order_code, 1), transfer(UNKNOWN_ORDER, 2)
    facts = [
        Fact(f.event_id, f.type, f.data, f.occurred_at, body=body)
        for f, body in ((known, b"\x00\xff first"), (unknown, b"second"))
    ]
    await append(process, *facts)
    await append(process, *facts)
    rows = await query(
        database_url,
        "SELECT raw, fault, sha256(raw) = body_sha256 FROM topup.payos_bodies ORDER BY raw",
    )
    assert rows == [(b"\x00\xff first", None, True), (b"second", None, True)]


GOOD = 2
MALFORMED: dict[str, tuple[Element, str]] = {
    name: ((event_id, type, tx_ref, data, occurred_at, None), sqlstate)
    for name, event_id, type, tx_ref, data, occurred_at, sqlstate in [
        ("no event id", None, "payment.received", None, "{}", MOMENT, "23502"),
        ("a bad event id", "nonsense", "payment.received", None, "{}", MOMENT, "22P02"),
        ("no type", str(uuid4()), None, None, '{"amount": 1}', MOMENT, "23502"),
        ("an unknown type", str(uuid4()), "nonsense", None, "{}", MOMENT, "23514"),
        ("no data", str(uuid4()), "payment.received", None, None, MOMENT, "23502"),
        ("data that is no JSON", str(uuid4()), "payment.received", None, "{", MOMENT, "22P02"),
        ("data with NUL", str(uuid4()), "payment.received", None, '"\\u0000"', MOMENT, "22P05"),
        ("data that is a list", str(uuid4()), "payment.received", None, "[]", MOMENT, "23514"),
        ("no amount", str(uuid4()), "payment.received", None, '{"order_code": 1}', MOMENT, "23514"),
        (
            "an order code that is no number",
            str(uuid4()),
            "payment.received",
            None,
            '{"order_code": "one", "amount": 1}',
            MOMENT,
            "22P02",
        ),
        (
            "an order code beyond every number",
            str(uuid4()),
            "payment.received",
            None,
            json.dumps({"order_code": 10**30, "amount": 1}),
            MOMENT,
            "22003",
        ),
        ("no time", str(uuid4()), "payment.received", None, '{"amount": 1}', None, "23502"),
        ("a bad time", str(uuid4()), "payment.received", None, '{"amount": 1}', "later", "22007"),
        ("an unknown top-up", str(uuid4()), "topup.expired", "T0000000Z", "{}", MOMENT, "TU002"),
        ("a top-up event without one", str(uuid4()), "topup.expired", None, "{}", MOMENT, "23514"),
        ("an opening", str(uuid4()), "topup.opened", None, '{"amount": 1}', MOMENT, "TU006"),
        ("a conflict", str(uuid4()), "payment.conflict", None, '{"amount": 1}', MOMENT, "TU006"),
        (
            "an assignment",
            str(uuid4()),
            "suspense.assigned",
            None,
            '{"amount": 1}',
            MOMENT,
            "TU006",
        ),
    ]
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_fact_is_rejected_alone(
    process: Process, database_url: str, name: str
) -> None:
    topup = await process.topup(50_000)
    bad, sqlstate = MALFORMED[name]
    good = [element(transfer(topup.order_code, 1_000)) for _ in range(GOOD)]
    async with connected(database_url, "topup_app") as connection:
        answers = await append_raw(connection, [good[0], bad, good[1]])
    assert answers == [
        ("applied", topup.tx_ref, 2, None),
        ("rejected", None, None, sqlstate),
        ("applied", topup.tx_ref, 3, None),
    ]


async def test_a_batch_of_nothing_but_malformed_facts(process: Process, database_url: str) -> None:
    bad = [element for element, _ in MALFORMED.values()]
    async with connected(database_url, "topup_app") as connection:
        answers = await append_raw(connection, bad)
    assert [(outcome, sqlstate) for outcome, _, _, sqlstate in answers] == [
        ("rejected", sqlstate) for _, sqlstate in MALFORMED.values()
    ]


async def test_text_that_no_database_can_hold_is_rejected_alone(process: Process) -> None:
    topup = await process.topup()
    answers = await append(
        process,
        transfer(topup.order_code, 1_000, text="half a character: \ud800"),
        transfer(topup.order_code, 1_000, text="NUL: \0"),
        transfer(topup.order_code, 1_000, text="nạp ví"),
    )
    outcomes = [answer.outcome for answer in answers]
    assert outcomes == [Outcome.REJECTED, Outcome.REJECTED, Outcome.APPLIED]


@pytest.mark.parametrize("length", [0, 65])
async def test_a_batch_of_another_size_is_a_mistake_of_the_caller(
    process: Process, length: int
) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        await append(process, *(transfer(UNKNOWN_ORDER, 1) for _ in range(length)))
    assert refusal.value.sqlstate == "TU001"


@pytest.mark.parametrize(
    "lengths", [(1, 1, 1, 1, 1, 2), (2, 1, 1, 1, 1, 1), (1, 1, None, 1, 1, 1), (None,) * 6]
)
async def test_arrays_of_different_lengths_are_a_mistake_of_the_caller(
    database_url: str, lengths: tuple[int | None, ...]
) -> None:
    arrays = [None if length is None else [None] * length for length in lengths]
    async with connected(database_url, "topup_app") as connection:
        with pytest.raises(psycopg.Error) as refusal:
            await connection.execute(APPEND, arrays)
    assert refusal.value.sqlstate == "TU001"


@pytest.mark.parametrize("broken", ["next_state", "credit", "project_event", "match_fact"])
async def test_a_broken_schema_is_no_fault_of_a_fact(
    process: Process, database_url: str, broken: str
) -> None:
    """Rejected facts are answered 400, and PayOS would not try again."""
    topup = await process.topup()
    async with connected(database_url) as superuser:
        rename = SQL("ALTER FUNCTION {} RENAME TO gone").format(Identifier("topup", broken))
        await superuser.execute(rename)
        for neighbours in ([], [transfer(topup.order_code, "a lot")]):
            with pytest.raises(psycopg.errors.UndefinedFunction):
                await append(process, *neighbours, transfer(topup.order_code, 1_000))
        restore = SQL("ALTER FUNCTION topup.gone RENAME TO {}").format(Identifier(broken))
        await superuser.execute(restore)
    [answer] = await append(process, transfer(topup.order_code, 1_000))
    assert answer.outcome == Outcome.APPLIED


async def test_a_database_that_only_reads_rejects_nothing(
    process: Process, database_url: str
) -> None:
    """As after a failover: the fact is good, this server is not."""
    topup = await process.topup()
    async with connected(database_url, "topup_app") as connection:
        await connection.execute("SET default_transaction_read_only = on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await append_raw(connection, [element(transfer(topup.order_code, 1_000))])


async def test_a_lock_that_is_held_too_long_rejects_nothing(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    async with (
        connected(database_url) as holder,
        connected(database_url, "topup_app") as connection,
    ):
        await connection.execute("SET lock_timeout = '50ms'")
        async with holder.transaction(force_rollback=True):
            await holder.execute("SELECT FROM topup.topups FOR UPDATE")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await append_raw(connection, [element(transfer(topup.order_code, 1_000))])


async def test_an_event_about_an_unknown_topup_is_rejected_with_its_sqlstate(
    process: Process,
) -> None:
    [answer] = await append(process, about(TxRef("T0000000Z"), EventType.TOPUP_EXPIRED))
    assert answer == Appended(Outcome.REJECTED, None, None, "TU002")


async def test_the_amount_of_what_moves_no_money_may_be_anything(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    failed = failure(UNKNOWN_ORDER, 0)
    facts = [
        replace(failed, data=failed.data | {"amount": 12.5}),
        about(topup.tx_ref, EventType.TOPUP_CANCELLED, amount="1.000"),
    ]
    outcomes = [answer.outcome for answer in await append(process, *facts)]
    assert outcomes == [Outcome.SUSPENSE, Outcome.APPLIED]
    assert await drift(database_url) == []
