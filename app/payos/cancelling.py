"""A payer calls a top-up off: PayOS closes it first, then it is closed here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.model import Status, TxRef
from app.reconciliation import Findings, Order


class Canceller:
    """`orders` tells how top-ups stand, `cancel` closes one at PayOS and here."""

    def __init__(
        self,
        orders: Callable[[Sequence[TxRef]], Awaitable[list[Order]]],
        cancel: Callable[[Order], Awaitable[Findings]],
    ) -> None:
        self._orders = orders
        self._cancel = cancel
        self._under_way: dict[TxRef, asyncio.Task[None]] = {}

    async def cancel(self, tx_ref: TxRef) -> None:
        """Returns when the top-up is closed, or has its money. Whoever asks meanwhile shares the
        call; one that no longer waits for its first money stays as it is.

        Goes on to its end when the callers are cancelled. Raises PayOSFailed, DatabaseUnavailable;
        the top-up stays pending, and may be cancelled again.
        """
        task = self._under_way.get(tx_ref)
        if task is None:
            task = asyncio.create_task(self._close(tx_ref))
            self._under_way[tx_ref] = task
            task.add_done_callback(self._forget)
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Returns when every call under way is answered and recorded."""
        if self._under_way:
            await asyncio.wait(self._under_way.values())

    async def _close(self, tx_ref: TxRef) -> None:
        for order in await self._orders([tx_ref]):
            if order.status is Status.PENDING:
                await self._cancel(order)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._under_way = {
            ref: other for ref, other in self._under_way.items() if other is not task
        }
        if not task.cancelled():
            task.exception()  # seen: nobody may be waiting any more
