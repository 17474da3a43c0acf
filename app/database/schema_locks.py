"""Waiting for locks on tables: not for long, and saying for whom.

Whoever wants a lock on a table is in front of everybody who comes after: while a migration waits
for a long query to end, payments wait for the migration. A swap of a rebuild is no better: while it
waits for one table, it holds others.
"""

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

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


async def limit_waiting(connection: AsyncConnection[object]) -> None:
    """From now to the end of the transaction, waiting raises psycopg.errors.LockNotAvailable."""
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'".encode())


async def holders(connection: AsyncConnection[object]) -> str:
    """Who has had locks for longer than a moment, as pid, role and application name."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        found = await (await cursor.execute(HOLDERS)).fetchall()
    named = [f"pid {pid} ({role}, {name or 'without a name'})" for pid, role, name in found]
    return ", ".join(named) or "somebody who is gone now"
