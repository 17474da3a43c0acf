"""What a command does with the database of the installation, through a pool such as `serve` has."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.database.migrate import check
from app.database.pool import APP_ROLE, Database
from app.installation import database
from app.settings import Settings

T = TypeVar("T")


def on_database(
    settings: Settings,
    work: Callable[[Database], Coroutine[Any, Any, T]],
    *,
    connections: int = 1,
    statement_seconds: float | None = None,
    as_auditor: bool = False,
) -> T:
    """The result of `work`. Raises NapviError.

    `statement_seconds`: of one that may take longer than a payment may. `as_auditor`: the role of
    DATABASE_URL stays what it is, and need not read more than schema audit.
    """
    if statement_seconds is not None:
        settings = settings.model_copy(update={"statement_timeout_seconds": statement_seconds})

    async def connected(url: str) -> T:
        await check(url, reads_audit_only=as_auditor)
        pool = Database(url, connections, settings, role=None if as_auditor else APP_ROLE)
        await pool.open()
        try:
            return await work(pool)
        finally:
            await pool.close()

    with database(settings, borrow=True) as url:
        return asyncio.run(connected(url))
