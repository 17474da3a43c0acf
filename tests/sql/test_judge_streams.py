"""judge_streams: one verdict on each stream that is asked for."""

import asyncio
from typing import Any, LiteralString

import pytest

from app.model import EventType
from tests.payments import GRACE_SECONDS, Process, about, query, transfer
from tests.sql.streams import IDLE_SECONDS, Asked, Payer, columns, come

JUDGE = """
    SELECT o.stream_id, o.verdict, o.user_id FROM unnest(
        topup.judge_streams(%s, %s, %s, %s, %s, %s)
    ) AS o
    ORDER BY o.stream_id
"""
ROUNDS = 30


async def judge(
    url: str, *asked: Asked, grace_seconds: float = GRACE_SECONDS
) -> list[tuple[Any, ...]]:
    """(stream_id, verdict, user_id) of each."""
    return await query(url, JUDGE, *columns(asked), IDLE_SECONDS, grace_seconds)


async def verdict_on(url: str, asked: Asked, grace_seconds: float = GRACE_SECONDS) -> str:
    [(_, verdict, _)] = await judge(url, asked, grace_seconds=grace_seconds)
    return str(verdict)


async def change_session(url: str, payer: Payer, change: LiteralString) -> None:
    await query(
        url,
        f"UPDATE topup.sessions SET {change} WHERE session_hash = %s RETURNING 1",
        payer.session_hash,
    )


@pytest.fixture
async def anna(process: Process, database_url: str) -> Payer:
    return await come(database_url, process)


async def test_each_answer_belongs_to_its_stream(
    process: Process, database_url: str, anna: Payer
) -> None:
    ben = await come(database_url, process)
    nobody = Asked(3, bytes(32), anna.topup.tx_ref)
    assert await judge(database_url, ben.asks(9), anna.asks(1), nobody, anna.asks(5)) == [
        (1, "open", anna.user_id),
        (3, "not_logged_in", None),
        (5, "open", anna.user_id),
        (9, "open", ben.user_id),
    ]


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = clock_timestamp()",
        "expires_at = clock_timestamp()",
        "last_seen_at = clock_timestamp() - interval '1801 seconds'",
    ],
)
async def test_a_login_that_has_ended_opens_nothing(
    database_url: str, anna: Payer, change: LiteralString
) -> None:
    assert await verdict_on(database_url, anna.asks(1)) == "open"
    await change_session(database_url, anna, change)
    assert await judge(database_url, anna.asks(1)) == [(1, "not_logged_in", None)]


async def test_a_foreign_top_up_looks_like_an_unknown_one(
    process: Process, database_url: str, anna: Payer
) -> None:
    ben = await come(database_url, process)
    foreign = Asked(1, ben.session_hash, anna.topup.tx_ref, 1)
    unknown = Asked(1, ben.session_hash, "T00000000", 1)
    assert await judge(database_url, foreign) == await judge(database_url, unknown)
    assert await judge(database_url, foreign) == [(1, "not_found", ben.user_id)]


@pytest.mark.parametrize(
    ("after", "verdict"), [(None, "open"), (1, "open"), (2, "finished"), (3, "open")]
)
async def test_a_confirmed_top_up_is_finished_for_who_has_seen_its_end(
    process: Process, database_url: str, anna: Payer, after: int | None, verdict: str
) -> None:
    await process.store.append_events([transfer(anna.topup.order_code, 50_000)])
    assert await verdict_on(database_url, anna.asks(1, after)) == verdict


@pytest.mark.parametrize(("grace_seconds", "verdict"), [(900, "open"), (0, "finished")])
async def test_a_top_up_closed_without_money_is_finished_after_the_grace(
    process: Process, database_url: str, anna: Payer, grace_seconds: float, verdict: str
) -> None:
    await process.store.append_events([about(anna.topup.tx_ref, EventType.TOPUP_CANCELLED)])
    assert await verdict_on(database_url, anna.asks(1, 2), grace_seconds) == verdict


@pytest.mark.parametrize("paid", [[], [1_000]])
async def test_a_top_up_that_waits_for_money_is_never_finished(
    process: Process, database_url: str, anna: Payer, paid: list[int]
) -> None:
    for amount in paid:
        await process.store.append_events([transfer(anna.topup.order_code, amount)])
    assert await verdict_on(database_url, anna.asks(1, 1 + len(paid)), 0) == "open"


async def test_a_login_is_kept_awake_at_most_once_a_minute(database_url: str, anna: Payer) -> None:
    seen = "SELECT xmin::text, clock_timestamp() - last_seen_at < '10 s' FROM topup.sessions"
    await change_session(database_url, anna, "last_seen_at = last_seen_at - interval '61 s'")
    before = await query(database_url, seen)
    await judge(database_url, anna.asks(1), anna.asks(2))
    [awake] = await query(database_url, seen)
    assert before != [awake]
    assert awake[1] is True
    await change_session(database_url, anna, "last_seen_at = last_seen_at - interval '50 s'")
    before = await query(database_url, seen)
    await judge(database_url, anna.asks(1))
    assert await query(database_url, seen) == before


async def test_the_same_logins_in_any_order_do_not_deadlock(
    process: Process, database_url: str
) -> None:
    """All of them have to be kept awake, so each is written."""
    payers = [await come(database_url, process) for _ in range(8)]
    asked = [payer.asks(n) for n, payer in enumerate(payers)]
    for _ in range(ROUNDS):
        await query(
            database_url,
            "UPDATE topup.sessions SET last_seen_at = last_seen_at - interval '61 s' RETURNING 1",
        )
        await asyncio.gather(
            *(judge(database_url, *order) for order in (asked, asked[::-1], asked, asked[::-1]))
        )


async def test_gaps_are_judged_like_strangers(database_url: str, anna: Payer) -> None:
    assert await judge(
        database_url,
        Asked(1, None, anna.topup.tx_ref),
        Asked(2, anna.session_hash, None),
        Asked(None, None, None),
    ) == [
        (1, "not_logged_in", None),
        (2, "not_found", anna.user_id),
        (None, "not_logged_in", None),
    ]


async def test_no_stream_is_no_verdict(database_url: str) -> None:
    assert await query(database_url, JUDGE, [], [], [], [], IDLE_SECONDS, GRACE_SECONDS) == []
