"""The SQL of signed webhooks that no event came of: each method is one statement."""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.database.pool import Database
from app.database.refusals import refusals
from app.errors import DismissalRefused

UNREAD = "SELECT body_sha256, fault, received_at FROM audit.unread_bodies ORDER BY received_at"
DISMISS = "SELECT topup.dismiss_body(decode(%s, 'hex'), %s, %s)"
REFUSALS = MappingProxyType(
    {
        "TU009": "Say with --reason why nothing has to come of it.",
        "TU017": "Say with --by who dismisses it.",
        "TU025": "No such body waits. `bodies list` shows what does.",
    }
)
"""By SQLSTATE, what a person is told; docs/errors.md lists them."""


@dataclass(frozen=True, slots=True)
class UnreadBody:
    """A signed webhook that no event came of; the hash in hex. Source: audit.unread_bodies."""

    body_sha256: str
    fault: str
    received_at: datetime


class UnreadBodies:
    """Source of truth: topup.payos_bodies. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> list[UnreadBody]:
        """Oldest first."""
        return await self._database.rows(UnreadBody, UNREAD, ())

    async def dismiss(self, body_sha256: str, reason: str, dismissed_by: str) -> bool:
        """Whether it is new that nothing has to come of it. Raises DismissalRefused."""
        values = (body_sha256, reason, dismissed_by)
        with refusals(REFUSALS, DismissalRefused):
            dismissed: bool = await self._database.value(DISMISS, values)
        return dismissed
