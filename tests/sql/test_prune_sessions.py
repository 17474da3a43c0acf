"""prune_sessions: logins that are long over are forgotten, however they ended."""

import asyncio

from tests.payments import Process, connected, query

KEPT_SECONDS = 30 * 86_400.0
ABSOLUTE_SECONDS = 43_200.0
PRUNE = "SELECT topup.prune_sessions(%s, %s)"


async def log_in(url: str, process: Process, name: str, *, over_seconds: float) -> None:
    """A login whose absolute expiry was `over_seconds` ago."""
    await query(
        url,
        "SELECT topup.open_session(sha256(%s), %s, %s)",
        name.encode(),
        await process.user(),
        -over_seconds,
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
        INNER JOIN topup.sessions AS s ON s.session_hash = sha256(n.name::bytea)
        """,
        list(names),
    )
    return {name for (name,) in rows}


async def test_what_is_long_over_goes_and_nothing_younger(
    database_url: str, process: Process
) -> None:
    await log_in(database_url, process, "old", over_seconds=KEPT_SECONDS + 1)
    await log_in(database_url, process, "over", over_seconds=KEPT_SECONDS - 60)
    await log_in(database_url, process, "open", over_seconds=-ABSOLUTE_SECONDS)
    await log_in(database_url, process, "revoked", over_seconds=-ABSOLUTE_SECONDS)
    await query(database_url, "SELECT topup.revoke_session(sha256('revoked'))")
    assert await prune(database_url) == 1
    assert await left(database_url, "old", "over", "open", "revoked") == {
        "over",
        "open",
        "revoked",
    }


async def test_a_batch_is_no_larger_than_asked_and_takes_the_oldest(
    database_url: str, process: Process
) -> None:
    for age, name in enumerate(("one", "two", "three")):
        await log_in(database_url, process, name, over_seconds=2 * KEPT_SECONDS - age)
    assert await prune(database_url, rows_max=2) == 2
    assert await left(database_url, "one", "two", "three") == {"three"}


async def test_nobody_who_logs_in_or_prunes_waits_for_who_prunes(
    database_url: str, process: Process
) -> None:
    await log_in(database_url, process, "old", over_seconds=2 * KEPT_SECONDS)
    async with connected(database_url, "topup_app") as slow, slow.transaction():
        await slow.execute(PRUNE, (KEPT_SECONDS, 500))
        async with asyncio.timeout(60):
            assert await prune(database_url) == 0
            await log_in(database_url, process, "open", over_seconds=-ABSOLUTE_SECONDS)
    assert await left(database_url, "old", "open") == {"open"}


async def test_a_look_that_finds_nothing_does_not_read_the_table(
    database_url: str, process: Process
) -> None:
    await query(
        database_url,
        """
        INSERT INTO topup.sessions (session_hash, user_id, expires_at)
        SELECT sha256(n::text::bytea), %s, clock_timestamp() + interval '1 h'
        FROM generate_series(1, 5000) AS n RETURNING 1
        """,
        await process.user(),
    )
    async with connected(database_url) as connection:
        await connection.execute("ANALYZE topup.sessions")
        await connection.execute(PRUNE, (KEPT_SECONDS, 500))
        reads = """
            SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
            WHERE relid = 'topup.sessions'::regclass
        """
        async with connection.transaction():
            await connection.execute(PRUNE, (KEPT_SECONDS, 500))
            [(rows,)] = await (await connection.execute(reads)).fetchall()
    assert rows < 100, "the planner looks at the ends of the index"
