"""renumber_topup: another order code, while nobody can have paid under the old one."""

import asyncio

import psycopg
import pytest

from app.model import EventType, Outcome, Topup, TxRef
from tests.payments import (
    Process,
    about,
    append_raw,
    connected,
    drift,
    element,
    linked,
    query,
    transfer,
)

RENUMBER = "SELECT t.order_code, t.seq FROM topup.renumber_topup(%s, %s) AS t"
WAITS = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


async def renumber(url: str, tx_ref: TxRef, taken: int) -> tuple[int, int]:
    """The order code and the seq that the top-up has then."""
    async with connected(url, "topup_app") as connection:
        [row] = await (await connection.execute(RENUMBER, (tx_ref, taken))).fetchall()
        return row[0], row[1]


async def test_it_takes_the_next_order_code(process: Process, database_url: str) -> None:
    topup = await process.topup()
    order_code, seq = await renumber(database_url, topup.tx_ref, topup.order_code)
    assert (order_code > topup.order_code, seq) == (True, 2)
    assert await query(database_url, "SELECT type, data FROM topup.events WHERE seq = 2") == [
        ("topup.renumbered", {"order_code": order_code})
    ]
    assert await drift(database_url) == []


async def test_once_for_each_code_that_was_taken(process: Process, database_url: str) -> None:
    """Also when two ask at once, or one asks again because the answer was lost."""
    topup = await process.topup()
    answers = await asyncio.gather(
        *(renumber(database_url, topup.tx_ref, topup.order_code) for _ in range(8))
    )
    assert len(set(answers)) == 1
    order_code, _ = answers[0]
    assert (await renumber(database_url, topup.tx_ref, order_code))[1] == 3


async def test_codes_that_others_have_are_passed_over(process: Process, database_url: str) -> None:
    """The sequence was set back, as by a careless restore."""
    topup, *others = [await process.topup() for _ in range(4)]
    await query(database_url, "SELECT setval('topup.order_codes', %s)", topup.order_code)
    order_code, seq = await renumber(database_url, topup.tx_ref, topup.order_code)
    assert (order_code, seq) == (max(other.order_code for other in others) + 1, 2)
    assert await drift(database_url) == []


async def refuse(process: Process, url: str, topup: Topup) -> None:
    before = await process.store.topup(topup.user_id, topup.tx_ref)
    await renumber(url, topup.tx_ref, topup.order_code)
    assert await process.store.topup(topup.user_id, topup.tx_ref) == before


async def test_it_keeps_its_code_when_it_has_a_link(process: Process, database_url: str) -> None:
    topup = await process.topup()
    await process.store.append_events([linked(topup.tx_ref)])
    await refuse(process, database_url, topup)


@pytest.mark.parametrize("amount", [20_000, 50_000])
async def test_it_keeps_its_code_when_money_came(
    process: Process, database_url: str, amount: int
) -> None:
    topup = await process.topup()
    await process.store.append_events([transfer(topup.order_code, amount)])
    await refuse(process, database_url, topup)


@pytest.mark.parametrize("type", [EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED])
async def test_it_keeps_its_code_when_it_is_closed(
    process: Process, database_url: str, type: EventType
) -> None:
    topup = await process.topup()
    await process.store.append_events([about(topup.tx_ref, type)])
    await refuse(process, database_url, topup)


async def test_an_unknown_topup_is_refused(process: Process, database_url: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        await renumber(database_url, TxRef("T0000000Z"), 1_000)
    assert refusal.value.sqlstate == "TU002"


async def test_money_under_the_old_code_is_a_strangers(process: Process) -> None:
    topup = await process.topup()
    renumbered = await process.openings.renumber(topup.tx_ref, topup.order_code)
    stray, own = (transfer(code, 1_000) for code in (topup.order_code, renumbered.order_code))
    answers = await process.store.append_events([stray, own])
    assert [(answer.outcome, answer.tx_ref) for answer in answers] == [
        (Outcome.SUSPENSE, None),
        (Outcome.APPLIED, topup.tx_ref),
    ]


async def test_money_that_was_matched_before_the_code_was_given_up_is_a_strangers_too(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    stray = element(transfer(topup.order_code, 1_000))
    async with (
        connected(database_url, "topup_app") as renumbering,
        connected(database_url, "topup_app") as paying,
    ):
        async with renumbering.transaction():
            await renumbering.execute(RENUMBER, (topup.tx_ref, topup.order_code))
            payment = asyncio.create_task(append_raw(paying, [stray]))
            while await query(database_url, WAITS, paying.info.backend_pid) == [(False,)]:
                assert not payment.done()
        assert await payment == [("suspense", None, None, None)]
    assert await query(
        database_url, "SELECT data ->> 'unmatched' FROM topup.events WHERE tx_ref IS NULL"
    ) == [("order_code.unknown",)]
