"""Tells the database and the oracle the same, and keeps what they answered differently."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from psycopg import AsyncConnection

from app.model import Fact, Topup, TxRef, UserId
from tests.laws import doors
from tests.laws.oracle import ConflictKey, Oracle


@dataclass
class Clerk:
    connection: AsyncConnection
    oracle: Oracle = field(default_factory=Oracle)
    differences: list[object] = field(default_factory=list)
    refused: int = 0

    async def open(
        self, tx_ref: str, user_id: UserId, amount_vnd: int, idempotency_key: str | None = None
    ) -> Topup:
        topup = await doors.open_topup(
            self.connection, TxRef(tx_ref), user_id, amount_vnd, idempotency_key
        )
        self.oracle.open(topup, idempotency_key)
        return topup

    async def append(self, *facts: Fact) -> None:
        """As one batch."""
        expected = [self.oracle.append(fact) for fact in facts]
        self._compare(await doors.append(self.connection, facts), expected)

    async def refuse(self, sqlstate: str, fact: Fact) -> None:
        self.refused += 1
        try:
            await doors.append(self.connection, [fact])
        except doors.Rejected as rejected:
            self._compare(rejected.args[0], [sqlstate])
        else:
            self.differences.append(sqlstate)

    async def assign(self, waiting: Fact, topup: Topup) -> None:
        """What lies in suspense."""
        await self._assign(waiting.event_id, waiting.event_id, topup)

    async def accept(self, conflict: ConflictKey, topup: Topup) -> None:
        event_id = await doors.conflict_id(self.connection, conflict)
        if event_id is None:
            self.differences.append(conflict)
        else:
            await self._assign(event_id, conflict, topup)

    async def renumber(self, topup: Topup) -> int:
        """The order code that it has now."""
        told = await doors.renumber(self.connection, topup.tx_ref, topup.order_code)
        renumbered = self.oracle.renumber(topup.tx_ref, told.order_code)
        self._compare(told.order_code != topup.order_code, renumbered)
        return told.order_code

    async def _assign(self, event_id: UUID, waiting: UUID | ConflictKey, topup: Topup) -> None:
        answer = await doors.assign(self.connection, event_id, topup.tx_ref)
        self._compare(answer, self.oracle.assign(waiting, topup.tx_ref))

    def _compare(self, answer: object | Sequence[object], expected: object) -> None:
        if answer != expected:
            self.differences.append((answer, expected))
