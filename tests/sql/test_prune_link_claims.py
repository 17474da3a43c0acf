"""prune_link_claims: what a process that died had claimed is forgotten when it is over."""

import asyncio

import pytest

from app.errors import IdempotencyInFlight
from tests.payments import Process, connected, query

PRUNE = "SELECT topup.prune_link_claims(500)"


async def prune(url: str) -> int:
    async with connected(url, "topup_app") as connection:
        row = await (await connection.execute(PRUNE)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_claim_that_is_over_goes_and_one_that_holds_stays(
    database_url: str, process: Process
) -> None:
    user = await process.user()
    dead = (await process.openings.open(user, 50_000, "dead")).topup
    await process.openings.open(user, 50_000, "alive")
    await query(
        database_url,
        "UPDATE topup.link_claims SET expires_at = clock_timestamp() WHERE tx_ref = %s RETURNING 1",
        dead.tx_ref,
    )
    assert await prune(database_url) == 1
    with pytest.raises(IdempotencyInFlight):
        await process.openings.open(user, 50_000, "alive")
    assert (await process.openings.open(user, 50_000, "dead")).topup == dead


async def test_who_opens_a_top_up_and_who_prunes_do_not_wait_for_each_other(
    database_url: str, process: Process
) -> None:
    user = await process.user()
    await process.openings.open(user, 50_000, "dead")
    await query(database_url, "UPDATE topup.link_claims SET expires_at = now() RETURNING 1")
    async with connected(database_url, "topup_app") as slow, slow.transaction():
        await slow.execute(PRUNE)
        async with asyncio.timeout(60):
            assert await prune(database_url) == 0
            await process.openings.open(user, 50_000, "another")
    assert await query(database_url, "SELECT count(*) FROM topup.link_claims") == [(1,)]
