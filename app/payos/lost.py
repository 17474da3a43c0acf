"""Orders that PayOS has and a restored database does not know: their top-ups came after the dump.

Order codes come from a sequence, so the lost ones follow the greatest that is known. Whose they
are nobody knows any more: what was paid is recorded and waits in suspense, under the tx_ref that
the payer has; what can still be paid is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from app.errors import PayOSFailed
from app.model import Appended, Fact, Outcome
from app.payos.answers import PENDING, UNDERPAID, LinkState
from app.payos.gateway import Gateway
from app.payos.patience import Patience
from app.payos.refusal import RefusedWithCode

LOST = "Don hang khong con"  # "no such order any more": shown to a payer who opens the link
PAYABLE = (PENDING, UNDERPAID)


@dataclass(frozen=True, slots=True)
class LostTransfer:
    """Money of a lost top-up, in đồng; `tx_refs` are those its text names."""

    fact: Fact
    outcome: Outcome
    amount: int
    tx_refs: list[str]


@dataclass(slots=True)
class LostOrders:
    """What a search brought. `failed`: why PayOS did not answer about a code, or did not close
    its order."""

    asked: int = 0
    latest: int = 0
    orders: int = 0
    closed: int = 0
    unreadable: int = 0
    transfers: list[LostTransfer] = field(default_factory=list)
    failed: dict[int, PayOSFailed] = field(default_factory=dict)


class LostOrderSearch:
    """`known` are codes that belong to a top-up; `append` as for the reconciler; `patience` for
    when PayOS takes no calls.

    May be repeated: each transfer has the event id that its webhook would have given it.
    """

    def __init__(
        self,
        gateway: Gateway,
        append: Callable[[Fact], Awaitable[Appended]],
        channel: str,
        known: set[int],
        patience: Patience,
    ) -> None:
        self._gateway = gateway
        self._append = append
        self._channel = channel
        self._known = known
        self._patience = patience
        self.found = LostOrders()

    async def walk(self, first: int, unknown_max: int, at_once: int) -> LostOrders:
        """Asks about codes from `first` on, until PayOS knew none of `unknown_max` in a row.

        Raises DatabaseUnavailable, AskingStopped; then the rest is found next time.
        """
        self.found.latest = first - 1
        code = first
        while code <= self.found.latest + unknown_max:
            window = range(code, code + at_once)
            await asyncio.gather(*(self._ask(each) for each in window if each not in self._known))
            code = window.stop
        return self.found

    async def _ask(self, code: int) -> None:
        found = self.found
        found.asked += 1
        state = None
        try:
            state = await self._find(code)
            if state is not None:
                found.latest = max(found.latest, code)
                state = await self._closed(state) or state
        except PayOSFailed as problem:
            found.failed[code] = problem
        if state is not None:  # what was paid counts, though the order is still open
            found.orders += 1
            await self._record(state)

    async def _find(self, code: int) -> LinkState | None:
        return await self._patience.answer(partial(self._gateway.find_link, code))

    async def _closed(self, state: LinkState) -> LinkState | None:
        """How it stands when nobody can pay it any more. Raises PayOSFailed while somebody can."""
        if state.status not in PAYABLE:
            return state
        cancel = partial(self._gateway.cancel_link, state.order_code, LOST)
        try:
            closed = await self._patience.answer(cancel)
        except RefusedWithCode:  # it was paid in between
            now = await self._find(state.order_code)
            if now is not None and now.status in PAYABLE:
                raise
            return now
        self.found.closed += 1
        return closed

    async def _record(self, state: LinkState) -> None:
        self.found.unreadable += state.unreadable_transfers
        for transfer in state.transfers:
            fact = state.fact(transfer, self._channel)
            appended = await self._append(fact)
            tx_refs = list(fact.data["description_tx_refs"])
            self.found.transfers.append(
                LostTransfer(fact, appended.outcome, transfer.amount, tx_refs)
            )
