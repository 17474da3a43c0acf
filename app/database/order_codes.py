"""The SQL of order codes after a restore: which are known, and which are not given any more."""

import psycopg
from psycopg import AsyncConnection

from app.database.pool import Database
from app.errors import ConfigurationError

LATEST = "SELECT max(order_code) AS code FROM topup.topups"
KNOWN = "SELECT order_code AS code FROM topup.topups WHERE order_code BETWEEN %s AND %s"
SKIP = "SELECT topup.skip_order_codes(%s)"
TOO_FAR = "TU026"


class OrderCodes:
    """Source of truth: topup.topups. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> int | None:
        """The greatest code of any top-up; None before the first."""
        [code] = await self._database.rows(_code, LATEST, ())
        return code

    async def known(self, first: int, last: int) -> set[int]:
        """Those from `first` to `last` that belong to a top-up."""
        codes = await self._database.rows(_code, KNOWN, (first, last))
        return {code for code in codes if code is not None}

    async def skip(self, past: int) -> None:
        """Every code given from now on is greater. Raises ConfigurationError for a slip of the hand
        that would use up too many (TU026)."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(SKIP, (past,))

        try:
            await self._database.run(work)
        except psycopg.Error as error:
            if error.sqlstate != TOO_FAR:
                raise
            complaint = f"{past} lies more than ten million order codes beyond the last one given."
            raise ConfigurationError("--from", complaint, "Look at the code again.") from error


def _code(*, code: int | None) -> int | None:
    return code
