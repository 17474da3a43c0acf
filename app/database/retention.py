"""The SQL of forgetting: what has been kept long enough, a small batch in each commit."""

from collections.abc import Mapping
from typing import LiteralString

from app.database.pool import Database
from app.metrics.labels import Pruned
from app.settings import Settings

SECONDS_PER_DAY = 86_400.0
BODIES: LiteralString = "SELECT topup.prune_bodies(%s, %s)"
SESSIONS: LiteralString = "SELECT topup.prune_sessions(%s, %s)"
GUESSES: LiteralString = "SELECT topup.prune_guesses(%s, %s)"
LINK_CLAIMS: LiteralString = "SELECT topup.prune_link_claims(%s)"


class Retention:
    """Source of truth: the times in the rows, against the clock of the database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._rows_max = rows_max = settings.prune_rows_max
        kept_bodies = settings.bodies_kept_days * SECONDS_PER_DAY
        kept_sessions = settings.sessions_kept_days * SECONDS_PER_DAY
        kept_guesses = settings.guesses_kept_days * SECONDS_PER_DAY
        self._statements: Mapping[Pruned, tuple[LiteralString, tuple[object, ...]]] = {
            Pruned.BODIES: (BODIES, (kept_bodies, rows_max)),
            Pruned.SESSIONS: (SESSIONS, (kept_sessions, rows_max)),
            Pruned.GUESSES: (GUESSES, (kept_guesses, rows_max)),
            Pruned.LINK_CLAIMS: (LINK_CLAIMS, (rows_max,)),
        }

    async def prune(self, kind: Pruned) -> tuple[int, bool]:
        """How many rows one commit removed, and whether there may be more.

        Nothing while another process prunes. Raises DatabaseUnavailable.
        """
        rows: int = await self._database.value(*self._statements[kind])
        return rows, rows >= self._rows_max
