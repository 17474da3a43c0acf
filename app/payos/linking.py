"""From an open top-up to its payment link: one call to PayOS, and its answer in the log."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime

from app.model import Appended, EventType, Fact, PaymentLink, Topup, TxRef
from app.payos.gateway import Gateway
from app.payos.transfer import event_id


class Linker:
    """Makes payment links. PayOS tells a QR code only once, so its answer must not be lost."""

    def __init__(self, gateway: Gateway, append: Callable[[Fact], Awaitable[Appended]]) -> None:
        self._gateway = gateway
        self._append = append
        self._under_way: dict[TxRef, asyncio.Task[None]] = {}

    async def link(self, topup: Topup, page_url: str) -> None:
        """Returns when the link is recorded. Whoever asks meanwhile shares the call.

        Goes on to its end when the callers are cancelled. Raises PayOSRefused, PayOSTimeout,
        DatabaseUnavailable; the top-up stays pending, and may be linked again.
        """
        task = self._under_way.get(topup.tx_ref)
        if task is None:
            task = asyncio.create_task(self._link(topup, page_url))
            self._under_way[topup.tx_ref] = task
            task.add_done_callback(lambda _: self._under_way.pop(topup.tx_ref))
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Returns when every call under way is answered and recorded."""
        if self._under_way:
            await asyncio.wait(self._under_way.values())

    async def _link(self, topup: Topup, page_url: str) -> None:
        link = await self._gateway.create_link(
            order_code=topup.order_code,
            amount_vnd=topup.amount,
            description=topup.tx_ref,
            return_url=page_url,
            cancel_url=page_url,
            expires_at=topup.expires_at,
        )
        await self._append(linked(topup.tx_ref, link))


def linked(tx_ref: TxRef, link: PaymentLink) -> Fact:
    """The fact that PayOS has `link` for a top-up; a second one counts if it tells a QR code."""
    return Fact(
        event_id=event_id(EventType.TOPUP_LINKED, tx_ref, link.qr_code),
        type=EventType.TOPUP_LINKED,
        data=asdict(link),
        occurred_at=datetime.now(UTC),
        tx_ref=tx_ref,
    )
