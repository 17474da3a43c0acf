"""The SQL of exports: where one has to end, and its rows, a read at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

from app.database.pool import Database
from app.database.refusals import refusals
from app.errors import ExportRefused

ROWS_PER_READ = 1_000

HORIZON = "SELECT events_id, ledger_id FROM audit.export_horizon(%s)"
EVENTS: LiteralString = """
    SELECT
        id, event_id, recorded_at, recorded_on, occurred_at, tx_ref, seq, type, user_id, amount,
        order_code, reference, matched_by, unmatched, told_by, reason, assigned_by, data
    FROM audit.events WHERE id > %s AND id <= %s ORDER BY id LIMIT %s
"""
LEDGER: LiteralString = """
    SELECT
        id, recorded_at, recorded_on, event_id, tx_ref, account, user_id, amount, balance_after
    FROM audit.ledger WHERE id > %s AND id <= %s ORDER BY id LIMIT %s
"""
REFUSALS = MappingProxyType(
    {
        "TU022": "Transactions that write have not ended: {detail}. Their rows would be missing. "
        "Run it again, or with a longer --wait.",
        "42501": "Grant topup_auditor to the role of DATABASE_URL: it may not read schema audit.",
        "TU023": "Export from the primary: a standby does not know who writes.",
    }
)
"""By SQLSTATE, what a person is told; docs/errors.md lists them."""


@dataclass(frozen=True)
class ExportedEvent:
    """The columns are described in the database. Source: audit.events."""

    id: int
    event_id: UUID
    recorded_at: datetime
    recorded_on: date
    occurred_at: datetime
    tx_ref: str | None
    seq: int | None
    type: str
    user_id: int | None
    amount: int | None
    order_code: int | None
    reference: str | None
    matched_by: str | None
    unmatched: str | None
    told_by: str | None
    reason: str | None
    assigned_by: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class ExportedEntry:
    """The columns are described in the database. Source: audit.ledger."""

    id: int
    recorded_at: datetime
    recorded_on: date
    event_id: UUID
    tx_ref: str | None
    account: str
    user_id: int | None
    amount: int
    balance_after: int | None


Row = ExportedEvent | ExportedEntry
QUERIES = MappingProxyType[type[Row], LiteralString]({ExportedEvent: EVENTS, ExportedEntry: LEDGER})


@dataclass(frozen=True, slots=True)
class Horizon:
    """Every row up to these ids is visible, or will never be. Source: audit.export_horizon."""

    events_id: int
    ledger_id: int

    def of(self, kind: type[Row]) -> int:
        return self.events_id if kind is ExportedEvent else self.ledger_id


class Exports:
    """Source of truth: the schema `audit`. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def horizon(self, wait_seconds: float) -> Horizon:
        """Waits at most so long for those who write. Raises ExportRefused."""
        with refusals(REFUSALS, ExportRefused):
            [horizon] = await self._database.rows(Horizon, HORIZON, (wait_seconds,))
        return horizon

    async def rows(self, kind: type[Row], since: int, until: int) -> AsyncIterator[list[Row]]:
        """Those with since < id <= until, by id, at most ROWS_PER_READ at once.

        `until` lies within the horizon: there nothing changes, so no snapshot is held.
        """
        while since < until:
            values = (since, until, ROWS_PER_READ)
            rows: list[Row] = await self._database.rows(kind, QUERIES[kind], values)
            if not rows:
                return
            yield rows
            since = rows[-1].id
