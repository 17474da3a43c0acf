"""What the ledger must come to, told a second time: in Python, from docs/events.md, one fact
after the other. It knows nothing of batches, locks and SQL.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.model import EventType, Fact, Outcome, Status, Topup, TxRef, UserId

OPENED, RENUMBERED, LINKED, RECEIVED, FAILED = (
    EventType.TOPUP_OPENED,
    EventType.TOPUP_RENUMBERED,
    EventType.TOPUP_LINKED,
    EventType.PAYMENT_RECEIVED,
    EventType.PAYMENT_FAILED,
)
CLOSED_AS = {
    EventType.PAYMENT_FAILED: Status.FAILED,
    EventType.TOPUP_CANCELLED: Status.CANCELLED,
    EventType.TOPUP_EXPIRED: Status.EXPIRED,
}
Answer = tuple[Outcome, TxRef | None, int | None]
ConflictKey = tuple[UUID, int, int]
"""The event id that was taken, and what came under it: order code and amount."""


@dataclass
class Expected:
    """A top-up. `*_seq` name the event whose recording is the time in question."""

    user_id: UserId
    order_code: int
    amount: int
    link: str | None = None
    checkout_url: str | None = None
    amount_paid: int = 0
    status: Status = Status.PENDING
    late: bool = False
    confirmed_seq: int | None = None
    closed_seq: int | None = None
    history: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return len(self.history)

    def credit(self, amount: int) -> None:
        self.late = self.late or self.status in CLOSED_AS.values()
        self.closed_seq = None
        self.amount_paid += amount
        if self.amount_paid < self.amount:
            self.status = Status.UNDERPAID
        else:
            self.status = Status.CONFIRMED
            self.confirmed_seq = self.confirmed_seq or self.seq + 1

    def close(self, status: Status) -> None:
        if self.status == Status.PENDING:
            self.status, self.closed_seq = status, self.seq + 1


class Oracle:
    def __init__(self) -> None:
        self.topups: dict[TxRef, Expected] = {}
        self.entries: defaultdict[UserId, list[tuple[int, int]]] = defaultdict(list)
        self.in_suspense: dict[UUID, int] = {}
        self._recorded: dict[UUID, tuple[tuple[int, int], Answer]] = {}
        self._conflicts: dict[ConflictKey, Answer] = {}
        self._assigned: dict[UUID | ConflictKey, Answer] = {}

    def balance(self, user_id: UserId) -> int:
        return sum(amount for amount, _ in self.entries[user_id])

    def open(self, topup: Topup) -> None:
        self.topups[topup.tx_ref] = Expected(topup.user_id, topup.order_code, topup.amount)
        self._log(topup.tx_ref, OPENED)

    def renumber(self, tx_ref: TxRef, order_code: int) -> bool:
        """Whether the top-up may take this code."""
        topup = self.topups[tx_ref]
        if topup.link is not None or topup.status != Status.PENDING:
            return False
        topup.order_code = order_code
        self._log(tx_ref, RENUMBERED)
        return True

    def append(self, fact: Fact) -> Answer:
        tx_ref, by_order_code = self._match(fact)
        content = (fact.data.get("order_code", 0), fact.data.get("amount", 0))
        if fact.event_id in self._recorded:
            before, answer = self._recorded[fact.event_id]
            if content == before:
                return (Outcome.DUPLICATE, *answer[1:])
            return self._conflict((fact.event_id, *content), tx_ref)

        if tx_ref is None:
            answer = (Outcome.SUSPENSE, None, None)
            if fact.type == RECEIVED:
                self.in_suspense[fact.event_id] = fact.data["amount"]
        else:
            self._apply(self.topups[tx_ref], fact, by_order_code)
            answer = (Outcome.APPLIED, tx_ref, self._log(tx_ref, fact.type))
        self._recorded[fact.event_id] = content, answer
        return answer

    def assign(self, waiting: UUID | ConflictKey, tx_ref: TxRef) -> Answer | None:
        """What is in suspense leaves it; a conflict brings new money. None: refused."""
        if waiting in self._assigned:
            answer = self._assigned[waiting]
            return (Outcome.DUPLICATE, *answer[1:]) if answer[1] == tx_ref else None
        amount = self.in_suspense.pop(waiting) if isinstance(waiting, UUID) else waiting[2]
        self._pay(self.topups[tx_ref], amount)
        seq = self._log(tx_ref, EventType.SUSPENSE_ASSIGNED)
        self._assigned[waiting] = Outcome.APPLIED, tx_ref, seq
        return self._assigned[waiting]

    def _match(self, fact: Fact) -> tuple[TxRef | None, bool]:
        """The top-up, and whether the order code found it."""
        if fact.tx_ref is not None:
            return fact.tx_ref, False
        if "unmatchable" in fact.data:
            return None, False
        for tx_ref, topup in self.topups.items():
            if topup.order_code == fact.data["order_code"]:
                foreign = topup.link not in (None, fact.data["payment_link_id"])
                return (None, False) if foreign else (tx_ref, True)
        waiting = [
            tx_ref
            for tx_ref in fact.data.get("description_tx_refs", [])
            if tx_ref in self.topups
            and self.topups[tx_ref].status == Status.PENDING
            and self.topups[tx_ref].amount == fact.data["amount"]
        ]
        return (waiting[0] if len(waiting) == 1 else None), False

    def _conflict(self, key: ConflictKey, tx_ref: TxRef | None) -> Answer:
        if key in self._conflicts:
            return (Outcome.DUPLICATE, *self._conflicts[key][1:])
        seq = None if tx_ref is None else self._log(tx_ref, EventType.PAYMENT_CONFLICT)
        self._conflicts[key] = Outcome.CONFLICT, tx_ref, seq
        return self._conflicts[key]

    def _apply(self, topup: Expected, fact: Fact, by_order_code: bool) -> None:
        if fact.type == LINKED:
            topup.link = topup.link or fact.data["payment_link_id"]
            topup.checkout_url = fact.data["checkout_url"]
        elif fact.type == RECEIVED:
            if by_order_code:
                topup.link = topup.link or fact.data["payment_link_id"]
            self._pay(topup, fact.data["amount"])
        else:
            topup.close(CLOSED_AS[fact.type])

    def _pay(self, topup: Expected, amount: int) -> None:
        topup.credit(amount)
        balance_after = self.balance(topup.user_id) + amount
        self.entries[topup.user_id].append((amount, balance_after))

    def _log(self, tx_ref: TxRef, type: EventType) -> int:
        topup = self.topups[tx_ref]
        topup.history.append(
            (
                topup.seq + 1,
                type,
                topup.status,
                topup.amount_paid,
                topup.late,
                self.balance(topup.user_id),
            )
        )
        return topup.seq
