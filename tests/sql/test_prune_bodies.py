"""prune_bodies: raw webhooks hold payer data, and are forgotten when nobody needs them any more."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from app.model import Topup
from tests.payments import Process, connected, query, transfer

DAY_SECONDS = 86_400.0
KEPT_SECONDS = 90 * DAY_SECONDS
ROWS_MAX = 500
PRUNE = "SELECT topup.prune_bodies(%s, %s)"
BOOKS = """
    SELECT (SELECT array_agg(e::text ORDER BY e.id) FROM topup.events AS e),
        (SELECT array_agg(l::text ORDER BY l.id) FROM topup.ledger_entries AS l)
"""


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup()


async def pay(process: Process, topup: Topup, *bodies: bytes) -> None:
    for body in bodies:
        fact = transfer(topup.order_code, 1_000)
        told = {**fact.data, "body_sha256": hashlib.sha256(body).hexdigest()}
        await process.store.append_events([replace(fact, body=body, data=told)])


async def grow_older(url: str, seconds: float, *bodies: bytes) -> None:
    await query(
        url,
        """
        UPDATE topup.payos_bodies SET
            received_at = received_at - make_interval(secs => %s),
            dismissed_at = dismissed_at - make_interval(secs => %s)
        WHERE raw = ANY (%s) RETURNING 1
        """,
        seconds,
        seconds,
        list(bodies),
    )


async def prune(url: str, rows_max: int = ROWS_MAX) -> int:
    async with connected(url, "topup_app") as connection:
        row = await (await connection.execute(PRUNE, (KEPT_SECONDS, rows_max))).fetchone()
    assert row is not None
    return int(row[0])


async def kept(url: str) -> set[bytes]:
    return {raw for (raw,) in await query(url, "SELECT raw FROM topup.payos_bodies")}


async def test_what_is_old_enough_goes_and_nothing_younger(
    database_url: str, process: Process, topup: Topup
) -> None:
    await pay(process, topup, b"old", b"nearly", b"new")
    await grow_older(database_url, KEPT_SECONDS + 1, b"old")
    await grow_older(database_url, KEPT_SECONDS - 60, b"nearly")
    assert await prune(database_url) == 1
    assert await kept(database_url) == {b"nearly", b"new"}
    assert await prune(database_url) == 0


async def test_the_books_stay_and_name_what_is_gone(
    database_url: str, process: Process, topup: Topup
) -> None:
    await pay(process, topup, b"old")
    await grow_older(database_url, 2 * KEPT_SECONDS, b"old")
    before = await query(database_url, BOOKS)
    assert await prune(database_url) == 1
    assert await query(database_url, BOOKS) == before
    named = "SELECT data ->> 'body_sha256' FROM topup.events WHERE data ? 'body_sha256'"
    assert await query(database_url, named) == [(hashlib.sha256(b"old").hexdigest(),)]


async def test_what_no_event_came_of_waits_for_a_person_however_long(
    database_url: str, process: Process
) -> None:
    await process.store.keep_body(b"unread", "not understood")
    await grow_older(database_url, 40 * KEPT_SECONDS, b"unread")
    assert await prune(database_url) == 0
    assert await kept(database_url) == {b"unread"}
    assert len(await query(database_url, "SELECT FROM audit.unread_bodies")) == 1


async def test_what_a_person_dismissed_loses_its_bytes_and_keeps_its_row(
    database_url: str, process: Process
) -> None:
    for body in (b"old", b"new"):
        await process.store.keep_body(body, "not understood")
        await query(database_url, "SELECT topup.dismiss_body(sha256(%s), 'no money', 'Lan')", body)
    await grow_older(database_url, KEPT_SECONDS + 1, b"old")
    assert await prune(database_url) == 1
    assert await kept(database_url) == {b"", b"new"}
    assert await prune(database_url) == 0, "what is empty is not emptied again"
    hashes = "SELECT body_sha256, reason FROM audit.dismissed_bodies"
    assert set(await query(database_url, hashes)) == {
        (hashlib.sha256(body).hexdigest(), "no money") for body in (b"old", b"new")
    }


async def test_a_batch_is_no_larger_than_asked_and_takes_the_oldest(
    database_url: str, process: Process, topup: Topup
) -> None:
    await pay(process, topup, b"1", b"2", b"3")
    for age, body in enumerate((b"1", b"2", b"3")):
        await grow_older(database_url, 2 * KEPT_SECONDS - age * DAY_SECONDS, body)
    assert await prune(database_url, rows_max=2) == 2
    assert await kept(database_url) == {b"3"}


async def test_neither_a_webhook_nor_another_process_waits_for_who_prunes(
    database_url: str, process: Process, topup: Topup
) -> None:
    await pay(process, topup, b"old", b"other")
    await grow_older(database_url, 2 * KEPT_SECONDS, b"old", b"other")
    async with connected(database_url, "topup_app") as slow, slow.transaction():
        await slow.execute(PRUNE, (KEPT_SECONDS, 1))
        async with asyncio.timeout(60):
            assert await prune(database_url) == 0
            await pay(process, topup, b"new")
            await process.store.keep_body(b"unread", "not understood")
    assert await prune(database_url) == 1
    assert await kept(database_url) == {b"new", b"unread"}


async def test_who_prunes_waits_for_nobody(
    database_url: str, process: Process, topup: Topup
) -> None:
    await pay(process, topup, b"held", b"free")
    await grow_older(database_url, 2 * KEPT_SECONDS, b"held", b"free")
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.payos_bodies WHERE raw = 'held' FOR UPDATE")
        async with asyncio.timeout(60):
            assert await prune(database_url) == 1
    assert await kept(database_url) == {b"held"}
