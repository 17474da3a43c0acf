"""What the ledger must come to, told a second time: in Python, from docs/events.md, one fact
after the other. It knows nothing of batches, locks and SQL.
"""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from app.model import EventType, Fact, Outcome, Status, Topup, TxRef, UserId
from tests.laws.alike import is_by_get, may_be_one
from tests.laws.expected import CLOSED_AS, Expected

CLEARING, SUSPENSE = "payos:clearing", "suspense"
EXPIRY_SECONDS = 900.0
Answer = tuple[Outcome, TxRef | None, int | None]
ConflictKey = tuple[UUID, int, int, bool]
"""The event id that was taken or held, and what came under it: order code and amount; and whether
accepting it takes that event id: what is held, and whatever else it is told as while it is.
"""


class Oracle:
    def __init__(self) -> None:
        self.topups: dict[TxRef, Expected] = {}
        self.entries: defaultdict[UserId, list[tuple[int, int]]] = defaultdict(list)
        self.accounts: Counter[str] = Counter()
        """What the postings of each system account sum to, in đồng."""
        self.in_suspense: dict[UUID, int] = {}
        self.notes: dict[UUID, str] = {}
        """By which rule a fact was matched, or why not."""
        self._recorded: dict[UUID, tuple[tuple[int, int], Answer]] = {}
        self._transfers: list[tuple[TxRef | None, dict[str, Any]]] = []
        self._conflicts: dict[ConflictKey, Answer] = {}
        self._told: dict[ConflictKey, tuple[TxRef | None, dict[str, Any]]] = {}
        self._held: dict[UUID, ConflictKey] = {}
        self._assigned: dict[UUID | ConflictKey, Answer] = {}

    def balance(self, user_id: UserId) -> int:
        return sum(amount for amount, _ in self.entries[user_id])

    @property
    def conflicts(self) -> list[ConflictKey]:
        return list(self._conflicts)

    def open(self, topup: Topup, idempotency_key: str | None = None) -> None:
        self.topups[topup.tx_ref] = Expected(
            topup.user_id, topup.order_code, topup.amount, EXPIRY_SECONDS, idempotency_key
        )
        self._log(topup.tx_ref, EventType.TOPUP_OPENED)

    def may_renumber(self, tx_ref: TxRef) -> bool:
        topup = self.topups[tx_ref]
        return topup.link is None and topup.status == Status.PENDING

    def renumber(self, tx_ref: TxRef, order_code: int) -> bool:
        """Whether the top-up may take this code."""
        if not self.may_renumber(tx_ref):
            return False
        self.topups[tx_ref].order_code = order_code
        self._log(tx_ref, EventType.TOPUP_RENUMBERED)
        return True

    def append(self, fact: Fact) -> Answer:
        tx_ref, note = self._match(fact)
        content = (fact.data.get("order_code", 0), fact.data.get("amount", 0))
        known = self._judge_repeat(fact, content, tx_ref)
        if known is not None:
            return known

        if fact.type == EventType.PAYMENT_RECEIVED:
            self._transfers.append((tx_ref, fact.data))
        if tx_ref is None:
            answer: Answer = (Outcome.SUSPENSE, None, None)
            if fact.type == EventType.PAYMENT_RECEIVED:
                self.in_suspense[fact.event_id] = fact.data["amount"]
                self._post(CLEARING, SUSPENSE, fact.data["amount"])
        else:
            self._apply(self.topups[tx_ref], fact, note == "order_code")
            answer = (Outcome.APPLIED, tx_ref, self._log(tx_ref, fact.type))
        self._recorded[fact.event_id] = content, answer
        if note is not None:
            self.notes[fact.event_id] = note
        return answer

    def assign(self, waiting: UUID | ConflictKey, tx_ref: TxRef) -> Answer | None:
        """What is in suspense leaves it; a conflict brings new money. None: refused."""
        if waiting in self._assigned:
            answer = self._assigned[waiting]
            return (Outcome.DUPLICATE, *answer[1:]) if answer[1] == tx_ref else None
        if not isinstance(waiting, UUID) and waiting[3] and waiting[0] in self._recorded:
            return None
        if isinstance(waiting, UUID):
            self._pay(self.topups[tx_ref], self.in_suspense.pop(waiting), SUSPENSE)
        else:
            self._pay(self.topups[tx_ref], waiting[2], CLEARING)
        answer = Outcome.APPLIED, tx_ref, self._log(tx_ref, EventType.SUSPENSE_ASSIGNED)
        self._assigned[waiting] = answer
        if not isinstance(waiting, UUID) and waiting[3]:
            self._recorded[waiting[0]] = waiting[1:3], answer
            self._transfers.append(self._told[waiting])
        return answer

    def _match(self, fact: Fact) -> tuple[TxRef | None, str | None]:
        """The top-up, and the rule that found it; or why none. A fact may name it itself."""
        if fact.tx_ref is not None:
            return fact.tx_ref, None
        if "unmatchable" in fact.data:
            return None, fact.data["unmatchable"]
        tx_ref = self._with_code(fact.data["order_code"])
        if tx_ref is None:
            return self._match_description(fact.data)
        if self._is_foreign(self.topups[tx_ref], fact.data):
            return None, "payment_link_id.foreign"
        return tx_ref, "order_code"

    def _with_code(self, order_code: int) -> TxRef | None:
        owners = [ref for ref, topup in self.topups.items() if topup.order_code == order_code]
        return owners[0] if owners else None

    def _is_foreign(self, topup: Expected, data: dict[str, Any]) -> bool:
        """Another's order: by its link; before there is one, by what its text names, else by the
        amount that a webhook tells.
        """
        if topup.link is not None:
            return bool(topup.link != data["payment_link_id"])
        named = data.get("description_tx_refs")
        if named is None or any(tx_ref in self.topups for tx_ref in named):
            return False
        return bool(named) or (not is_by_get(data) and data["amount"] != topup.amount)

    def _match_description(self, data: dict[str, Any]) -> tuple[TxRef | None, str]:
        waiting = [
            tx_ref
            for tx_ref in data.get("description_tx_refs", [])
            if tx_ref in self.topups
            and self.topups[tx_ref].status == Status.PENDING
            and self.topups[tx_ref].amount == data["amount"]
        ]
        if len(waiting) == 1:
            return waiting[0], "description"
        return None, "description.ambiguous" if waiting else "order_code.unknown"

    def _may_be_known(self, fact: Fact, tx_ref: TxRef | None) -> bool:
        """Whether a transfer of this order and link is on record that may be it."""
        if fact.type != EventType.PAYMENT_RECEIVED:
            return False
        code = fact.data["order_code"]
        homes = {tx_ref, self._with_code(code), *fact.data.get("description_tx_refs", [])} - {None}
        return any(
            (other in homes or (other is None and data["order_code"] == code))
            and data["payment_link_id"] == fact.data["payment_link_id"]
            and may_be_one(data, fact.data)
            for other, data in self._transfers
        )

    def _judge_repeat(
        self, fact: Fact, content: tuple[int, int], tx_ref: TxRef | None
    ) -> Answer | None:
        """None: it is new."""
        if fact.event_id in self._recorded:
            before, answer = self._recorded[fact.event_id]
            if content == before:
                return (Outcome.DUPLICATE, *answer[1:])
            return self._contradict(fact, (fact.event_id, *content, False), tx_ref)
        key = (fact.event_id, *content, True)
        if self._held.get(fact.event_id, key) != key:
            return self._contradict(fact, key, tx_ref)
        if self._may_be_known(fact, tx_ref):
            self._held[fact.event_id] = key
            return self._conflict(fact, key, tx_ref)
        return None

    def _contradict(self, fact: Fact, key: ConflictKey, tx_ref: TxRef | None) -> Answer:
        """What was told before, while the transfer was held, is not told anew when it is not."""
        before = (*key[:3], True)
        is_known = before in self._conflicts and before != self._held.get(fact.event_id)
        return self._conflict(fact, before if is_known else key, tx_ref)

    def _conflict(self, fact: Fact, key: ConflictKey, tx_ref: TxRef | None) -> Answer:
        if key in self._conflicts:
            return (Outcome.DUPLICATE, *self._conflicts[key][1:])
        seq = None if tx_ref is None else self._log(tx_ref, EventType.PAYMENT_CONFLICT)
        if key[3] and tx_ref is not None and not is_by_get(fact.data):
            self.topups[tx_ref].doubtful = True
        self._told[key] = tx_ref, fact.data
        self._conflicts[key] = Outcome.CONFLICT, tx_ref, seq
        return self._conflicts[key]

    def _apply(self, topup: Expected, fact: Fact, by_order_code: bool) -> None:
        if fact.type == EventType.TOPUP_LINKED:
            topup.link_to(fact.data)
        elif fact.type == EventType.PAYMENT_RECEIVED:
            if by_order_code:
                topup.link = topup.link or fact.data["payment_link_id"]
            self._pay(topup, fact.data["amount"], CLEARING)
        else:
            topup.close(CLOSED_AS[fact.type])

    def _pay(self, topup: Expected, amount: int, source: str) -> None:
        topup.credit(amount)
        balance_after = self.balance(topup.user_id) + amount
        self.entries[topup.user_id].append((amount, balance_after))
        self._post(source, f"wallet:{topup.user_id}", amount)

    def _post(self, source: str, target: str, amount: int) -> None:
        self.accounts[source] -= amount
        self.accounts[target] += amount

    def _log(self, tx_ref: TxRef, type: EventType) -> int:
        topup = self.topups[tx_ref]
        balance = self.balance(topup.user_id)
        told = (topup.seq + 1, type, topup.status, topup.amount_paid, topup.late, balance)
        topup.history.append(told)
        return topup.seq
