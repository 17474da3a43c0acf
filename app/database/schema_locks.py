"""Waiting for locks on tables: not for long, and saying for whom.

Whoever wants a lock on a table is in front of everybody who comes after: while a migration waits
for a long query to end, payments wait for the migration. A swap of a rebuild is no better: while it
waits for one table, it holds others.
"""

from psycopg import AsyncConnection
from psycopg.rows import scalar_row, tuple_row

# For each lock. Less than a payment waits for one (NAPVI_LOCK_TIMEOUT_SECONDS), so that behind
# one wait it comes late, not back; more than deadlock_timeout, when an autovacuum gives way.
LOCK_SECONDS_MAX = 2
PAUSE_SECONDS = 3  # for those who queued up meanwhile

HOLDERS = """
    SELECT DISTINCT a.pid, a.usename, a.application_name
    FROM pg_stat_activity AS a
    INNER JOIN pg_locks AS l ON l.pid = a.pid AND l.granted
    INNER JOIN pg_class AS c ON c.oid = l.relation
    WHERE
        l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
        AND c.relnamespace = ANY (ARRAY[to_regnamespace('topup'), to_regnamespace('audit')])
        AND coalesce(a.xact_start < clock_timestamp() - interval '1 second', true)
        AND a.pid <> pg_backend_pid()
    ORDER BY a.pid
"""
# Where whoever opens, pays or reads a top-up begins, holding nothing yet.
IS_THERE = "SELECT to_regclass('topup.topups') IS NOT NULL"
STOP = "LOCK TABLE topup.topups IN ACCESS EXCLUSIVE MODE"


async def limit_waiting(connection: AsyncConnection[object]) -> None:
    """From now to the end of the transaction, waiting raises psycopg.errors.LockNotAvailable."""
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'".encode())


async def stop_topups(connection: AsyncConnection[object]) -> None:
    """From now to the end of the transaction nobody who opens or pays a top-up is half-way.

    Any table may be locked then, in any order. Raises psycopg.errors.LockNotAvailable,
    DeadlockDetected.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(IS_THERE)
        if await cursor.fetchone():
            await cursor.execute(STOP)


async def holders(connection: AsyncConnection[object]) -> str:
    """Who has had locks for longer than a moment, as pid, role and application name."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        found = await (await cursor.execute(HOLDERS)).fetchall()
    named = [f"pid {pid} ({role}, {name or 'without a name'})" for pid, role, name in found]
    return ", ".join(named) or "somebody who is gone now"
