"""The connections of a pool: who may wait for one, also while there is none.

psycopg_pool keeps those who waited in vain in its queue until a connection comes. With its own
`max_waiting` it refuses everybody once they are that many, and only who is let in starts the
attempt to connect that would end it: after an outage that was long enough it never does.
"""

from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from app.errors import DatabaseUnavailable


class Away(DatabaseUnavailable):
    """There was no connection at all for as long as one may be waited for."""


class Connections(AsyncConnectionPool[AsyncConnection]):
    """`waiting_max` may wait for a connection; while the database is away one at a time, and the
    others are refused at once: it asks for all of them.
    """

    def __init__(self, url: str, *, waiting_max: int, **options: Any) -> None:
        super().__init__(url, open=False, **options)
        self._waiting_max = waiting_max
        self._asking = 0
        self._lent = 0
        self._away = False

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:  # noqa: ASYNC109 as its base has it
        """Raises Away, DatabaseUnavailable."""
        if self._asking >= (1 if self._away else self._waiting_max):
            raise Away if self._away else DatabaseUnavailable
        self._asking += 1
        try:
            connection = await super().getconn(timeout)
        except PoolTimeout as error:
            self._away = self._lent == 0
            raise (Away if self._away else DatabaseUnavailable) from error
        finally:
            self._asking -= 1
        self._away = False
        self._lent += 1
        return connection

    async def putconn(self, conn: AsyncConnection) -> None:
        self._lent -= 1
        await super().putconn(conn)
