"""resume_link: a link that nobody is getting is claimed, and only where it makes sense."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.model import EventType, Opened, Topup
from tests.payments import Process, about, connected, linked, query, transfer

RESUME = "SELECT t.tx_ref FROM topup.resume_link(%s, %s, %s) AS t WHERE t.tx_ref IS NOT NULL"


async def resume(url: str, topup: Topup, request_id: UUID | None = None) -> bool:
    async with connected(url, "topup_app") as connection:
        values = (topup.tx_ref, request_id or uuid4(), 60.0)
        rows = await (await connection.execute(RESUME, values)).fetchall()
    assert rows in ([], [(topup.tx_ref,)])
    return bool(rows)


async def open_claimed(process: Process) -> Opened:
    return await process.openings.open(await process.user(), 50_000, None)


async def abandon(process: Process) -> Topup:
    opened = await open_claimed(process)
    await process.openings.release(opened.topup.tx_ref, opened.request_id)
    return opened.topup


async def test_what_nobody_claims_is_claimed_by_one_of_many(
    process: Process, database_url: str
) -> None:
    topup = await abandon(process)
    assert sum(await asyncio.gather(*(resume(database_url, topup) for _ in range(8)))) == 1


async def test_who_has_the_claim_keeps_it_and_who_died_loses_it(
    process: Process, database_url: str
) -> None:
    opened = await open_claimed(process)
    assert not await resume(database_url, opened.topup)
    assert await resume(database_url, opened.topup, opened.request_id)
    async with connected(database_url) as connection:
        await connection.execute("UPDATE topup.link_claims SET expires_at = clock_timestamp()")
    assert await resume(database_url, opened.topup)


async def expire(process: Process, url: str, topup: Topup) -> None:
    sql = "UPDATE topup.topups SET expires_at = clock_timestamp() WHERE tx_ref = %s RETURNING 1"
    await query(url, sql, topup.tx_ref)


async def link(process: Process, url: str, topup: Topup) -> None:
    await process.store.append_events([linked(topup.tx_ref)])


async def cancel(process: Process, url: str, topup: Topup) -> None:
    await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_CANCELLED)])


async def pay(process: Process, url: str, topup: Topup) -> None:
    await process.store.append_events([transfer(topup.order_code, 10_000)])


@pytest.mark.parametrize(
    "happen", [pytest.param(expire, marks=pytest.mark.breaks_the_laws), link, cancel, pay]
)
async def test_what_needs_no_link_is_not_claimed(
    process: Process, database_url: str, happen: Any
) -> None:
    topup = await abandon(process)
    await happen(process, database_url, topup)
    assert not await resume(database_url, topup)
    assert await query(database_url, "SELECT count(*) FROM topup.link_claims") == [(0,)]
