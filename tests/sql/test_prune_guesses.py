"""prune_guesses: wrong passwords are forgotten when the name was left alone long enough."""

import asyncio

from tests.payments import connected, query

KEPT_SECONDS = 86_400.0
PRUNE = "SELECT topup.prune_guesses(%s, %s)"


async def guess(url: str, name: str, *, over_seconds: float) -> None:
    """The next one might have been tried `over_seconds` ago."""
    await query(url, "SELECT topup.count_guess(sha256(%s), 5, 1, 30)", name.encode())
    await query(
        url,
        """
        UPDATE topup.login_guesses SET next_at = clock_timestamp() - make_interval(secs => %s)
        WHERE name_hash = sha256(%s) RETURNING 1
        """,
        over_seconds,
        name.encode(),
    )


async def prune(url: str, rows_max: int = 500) -> int:
    async with connected(url, "topup_app") as connection:
        row = await (await connection.execute(PRUNE, (KEPT_SECONDS, rows_max))).fetchone()
    assert row is not None
    return int(row[0])


async def left(url: str, *names: str) -> set[str]:
    rows = await query(
        url,
        """
        SELECT n.name FROM unnest(%s::text[]) AS n (name)
        INNER JOIN topup.login_guesses AS g ON g.name_hash = sha256(n.name::bytea)
        """,
        list(names),
    )
    return {name for (name,) in rows}


async def test_what_is_old_goes_and_nothing_younger(database_url: str) -> None:
    await guess(database_url, "old", over_seconds=KEPT_SECONDS + 1)
    await guess(database_url, "young", over_seconds=KEPT_SECONDS - 60)
    await guess(database_url, "waits", over_seconds=-30)
    assert await prune(database_url) == 1
    assert await left(database_url, "old", "young", "waits") == {"young", "waits"}


async def test_a_batch_is_no_larger_than_asked_and_takes_the_oldest(database_url: str) -> None:
    for age, name in enumerate(("one", "two", "three")):
        await guess(database_url, name, over_seconds=2 * KEPT_SECONDS - age)
    assert await prune(database_url, rows_max=2) == 2
    assert await left(database_url, "one", "two", "three") == {"three"}


async def test_nobody_who_logs_in_or_prunes_waits_for_who_prunes(database_url: str) -> None:
    await guess(database_url, "old", over_seconds=2 * KEPT_SECONDS)
    async with connected(database_url, "topup_app") as slow, slow.transaction():
        await slow.execute(PRUNE, (KEPT_SECONDS, 500))
        async with asyncio.timeout(60):
            assert await prune(database_url) == 0
            await guess(database_url, "another", over_seconds=0)
    assert await left(database_url, "old", "another") == {"another"}
