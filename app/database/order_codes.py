"""The SQL of order codes after a restore: which are known, and which are not given any more."""

import psycopg

from app.database.pool import Database
from app.errors import ConfigurationError

LATEST = "SELECT max(order_code) FROM topup.topups"
KNOWN = "SELECT order_code FROM topup.topups WHERE order_code BETWEEN %s AND %s"
SKIP = "SELECT topup.skip_order_codes(%s)"
TOO_FAR = "TU026"


class OrderCodes:
    """Source of truth: topup.topups. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> int | None:
        """The greatest code of any top-up; None before the first."""
        code: int | None = await self._database.value(LATEST, ())
        return code

    async def known(self, first: int, last: int) -> set[int]:
        """Those from `first` to `last` that belong to a top-up."""
        return set(await self._database.column(KNOWN, (first, last)))

    async def skip(self, past: int) -> None:
        """Every code given from now on is greater. Raises ConfigurationError for a slip of the hand
        that would use up too many (TU026)."""
        try:
            await self._database.execute(SKIP, (past,))
        except psycopg.Error as error:
            if error.sqlstate != TOO_FAR:
                raise
            complaint = f"{past} lies more than ten million order codes beyond the last one given."
            raise ConfigurationError("--from", complaint, "Look at the code again.") from error
