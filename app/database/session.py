"""What every session with the database is told: its role, its limits, how it reads and writes.

A database or a role may have other defaults than PostgreSQL. Those that money depends on are not
left to them.
"""

from psycopg import sql

from app.settings import Settings

# PayOS and payers hear of what was committed: a crash must not take it back. Any other level waits
# for the disk at least, and may be stricter than we would be.
DURABLE = """
    SELECT set_config('synchronous_commit', 'on', {})
    WHERE current_setting('synchronous_commit') = 'off'
"""


def session_statement(settings: Settings, role: str | None, *, local: bool) -> sql.Composed:
    """Takes the role and the limits, for the session or for the transaction that has just begun."""
    values: dict[str, sql.Composable] = {
        # What is judged under a lock has to be seen after the wait for it: topup.lock_topups.
        "transaction_isolation" if local else "default_transaction_isolation": sql.Literal(
            "read committed"
        ),
        "lock_timeout": sql.Literal(int(settings.lock_timeout_seconds * 1000)),
        "statement_timeout": sql.Literal(int(settings.statement_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": sql.Literal(
            int(settings.statement_timeout_seconds * 2000)
        ),
        "timezone": sql.Literal("UTC"),
        # As psycopg writes arrays, and reads moments and durations.
        "array_nulls": sql.Literal("on"),
        "datestyle": sql.Literal("ISO"),
        "intervalstyle": sql.Literal("postgres"),
        # For topup.check_schedule, which a trigger calls, and for topup.next_watched_check.
        "napvi.check_schedule": sql.Literal(settings.reconcile_schedule_seconds),
        "napvi.watched_seconds": sql.Literal(str(settings.reconcile_watched_seconds)),
    }
    if role is not None:
        values["role"] = sql.Identifier(role)
    scope = sql.SQL("LOCAL" if local else "SESSION")
    statements: list[sql.Composable] = [
        sql.SQL("SET {} {} TO {}").format(scope, sql.Identifier(*name.split(".")), value)
        for name, value in values.items()
    ]
    # A query: after the isolation, which is set before the first.
    return sql.SQL("; ").join([*statements, sql.SQL(DURABLE).format(sql.Literal(local))])
