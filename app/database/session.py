"""What every session with the database is told: its role, its limits, its time zone."""

from psycopg import sql

from app.settings import Settings


def session_statement(settings: Settings, role: str | None, *, local: bool) -> sql.Composed:
    """Takes the role and the limits, for the session or for the transaction."""
    values: dict[str, sql.Composable] = {
        "lock_timeout": sql.Literal(int(settings.lock_timeout_seconds * 1000)),
        "statement_timeout": sql.Literal(int(settings.statement_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": sql.Literal(
            int(settings.statement_timeout_seconds * 2000)
        ),
        "timezone": sql.Literal("UTC"),
        # For topup.check_schedule, which a trigger calls, and for topup.next_watched_check.
        "napvi.check_schedule": sql.Literal(settings.reconcile_schedule_seconds),
        "napvi.watched_seconds": sql.Literal(str(settings.reconcile_watched_seconds)),
    }
    if role is not None:
        values["role"] = sql.Identifier(role)
    scope = sql.SQL("LOCAL" if local else "SESSION")
    return sql.SQL("; ").join(
        sql.SQL("SET {} {} TO {}").format(scope, sql.Identifier(*name.split(".")), value)
        for name, value in values.items()
    )
