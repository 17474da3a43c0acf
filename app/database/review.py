"""The SQL of what waits for a person: each method is one statement."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from app.database.pool import Database
from app.database.refusals import refusals
from app.errors import AssignmentRefused, TopupNotFound
from app.model import TxRef

SUSPENSE = """
    SELECT
        event_id, reference, amount, order_code, payment_link_id, why, transaction_at,
        recorded_at, age, candidates
    FROM audit.suspense ORDER BY recorded_at LIMIT %s
"""
CONFLICTS = """
    SELECT
        event_id, tx_ref, reference, amount, order_code, recorded_event_id, recorded_tx_ref,
        recorded_amount, why, transaction_at, recorded_at, age
    FROM audit.conflicts WHERE state = 'open' ORDER BY recorded_at LIMIT %s
"""
TOTALS = """
    SELECT
        r.suspense_transfers, r.suspense_vnd, r.conflicts_open,
        (
            SELECT coalesce(sum(c.amount), 0)::bigint
            FROM audit.conflicts AS c WHERE c.state = 'open'
        ) AS conflicts_vnd
    FROM audit.review_counts AS r
"""
COUNTS = """
    SELECT suspense_transfers, suspense_vnd, conflicts_open, bodies_unread
    FROM audit.review_counts
"""
ASSIGN = "SELECT outcome, tx_ref, seq FROM topup.assign_suspense(%s, %s, %s, %s)"
REFUSALS = MappingProxyType(
    {
        "TU007": "No money waits under {event_id}. `suspense list` shows what does.",
        "TU008": "{event_id} was assigned to {detail} before. An assignment is never taken back.",
        "TU009": "Say with --reason why the money belongs there.",
        "TU016": "The transfer of {event_id} has been recorded meanwhile as event {detail}, so "
        "there is nothing to accept. If that one is in suspense, assign it.",
        "TU017": "Say with --by who assigns the money.",
    }
)
"""By SQLSTATE, what a person is told; docs/errors.md lists them."""


@dataclass(frozen=True, slots=True)
class SuspenseTransfer:
    """Money without a top-up, in đồng. Source: audit.suspense."""

    event_id: UUID
    reference: str | None
    amount: int
    order_code: int | None
    payment_link_id: str | None
    why: str | None
    transaction_at: datetime | None
    recorded_at: datetime
    age: timedelta
    candidates: list[TxRef]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A transfer that was not credited, because of the recorded one. Source: audit.conflicts."""

    event_id: UUID
    tx_ref: TxRef | None
    reference: str | None
    amount: int
    order_code: int | None
    recorded_event_id: UUID | None
    recorded_tx_ref: TxRef | None
    recorded_amount: int | None
    why: str
    transaction_at: datetime | None
    recorded_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """How much waits for a person. Source: audit.review_counts."""

    suspense_transfers: int
    suspense_vnd: int
    conflicts_open: int
    bodies_unread: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How long the two lists are, and their sums in đồng."""

    suspense_transfers: int
    suspense_vnd: int
    conflicts_open: int
    conflicts_vnd: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where the money went; `outcome` is applied, or duplicate when it had gone there before."""

    outcome: str
    tx_ref: TxRef
    seq: int


class Review:
    """Source of truth: the views of the schema `audit`. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def suspense(self, rows_max: int) -> list[SuspenseTransfer]:
        """Oldest first."""
        return await self._database.rows(SuspenseTransfer, SUSPENSE, (rows_max,))

    async def conflicts(self, rows_max: int) -> list[Conflict]:
        """Those that are open, oldest first."""
        return await self._database.rows(Conflict, CONFLICTS, (rows_max,))

    async def totals(self) -> Totals:
        """Of all, also of what a list leaves out."""
        [totals] = await self._database.rows(Totals, TOTALS, ())
        return totals

    async def counts(self) -> ReviewCounts:
        [counts] = await self._database.rows(ReviewCounts, COUNTS, ())
        return counts

    async def assign(
        self, event_id: UUID, tx_ref: TxRef, reason: str, assigned_by: str
    ) -> Assignment:
        """Credits a transfer in suspense, or one of a conflict. Raises AssignmentRefused."""
        values = (event_id, tx_ref, reason, assigned_by)
        try:
            with refusals(REFUSALS, AssignmentRefused, event_id=event_id):
                [assignment] = await self._database.rows(Assignment, ASSIGN, values)
        except TopupNotFound:
            raise AssignmentRefused(f"There is no top-up {tx_ref}.") from None
        return assignment
