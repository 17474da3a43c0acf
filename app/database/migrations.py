"""Whether the database still has the migrations that this code was written for.

A process starts on no other database (`migrate.check`); one may be restored under it all the same.
"""

from app.database.pool import Database
from app.database.schema_files import read_schema_files

MISSING = """
    SELECT needed.path FROM unnest(%b::text[]) AS needed (path)
    WHERE NOT EXISTS (SELECT FROM topup.schema_files AS f WHERE f.path = needed.path)
"""


class Migrations:
    """Those of sql/migrations. Source of truth: topup.schema_files."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = [file.path for file in read_schema_files().migrations]

    async def are_applied(self) -> bool:
        """Whether all of them are; more may be, of a release that is being rolled out.

        Raises DatabaseUnavailable.
        """
        return not await self._database.column(MISSING, (self._needed,))
