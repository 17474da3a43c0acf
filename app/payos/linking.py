"""From an open top-up to its payment link: a call to PayOS, and its answer in the log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

from app.errors import DatabaseUnavailable
from app.model import Appended, EventType, Fact, Opened, PaymentLink, Topup, TxRef
from app.payos.gateway import Gateway, OrderCodeTaken
from app.payos.transfer import event_id

ORDER_CODES_TRIED_MAX = 3

log = logging.getLogger(__name__)


class Linker:
    """Makes payment links. PayOS tells a QR code only once, so its answer must not be lost.

    `renumber(tx_ref, taken_order_code)` commits the next order code and gives the top-up;
    `release(tx_ref, request_id)` gives back the claim of the request.
    """

    def __init__(
        self,
        gateway: Gateway,
        append: Callable[[Fact], Awaitable[Appended]],
        renumber: Callable[[TxRef, int], Awaitable[Topup]],
        release: Callable[[TxRef, UUID], Awaitable[None]],
    ) -> None:
        self._gateway = gateway
        self._append = append
        self._renumber = renumber
        self._release = release
        self._under_way: set[asyncio.Task[None]] = set()

    async def link(self, opened: Opened, page_url: str) -> None:
        """Returns when the link is recorded, or when the top-up needs none any more.

        Goes on to its end when the caller is cancelled. Raises PayOSRefused, PayOSTimeout,
        DatabaseUnavailable; the top-up stays pending, and may be linked again.
        """
        task = asyncio.create_task(self._link(opened, page_url))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Returns when every call under way is answered and recorded."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _link(self, opened: Opened, page_url: str) -> None:
        try:
            await self._record_link(opened.topup, page_url)
        finally:
            try:
                await self._release(opened.topup.tx_ref, opened.request_id)
            except DatabaseUnavailable:
                log.warning("event=topup.claim_kept tx_ref=%s", opened.topup.tx_ref)  # it expires

    async def _record_link(self, topup: Topup, page_url: str) -> None:
        for tries_left in reversed(range(ORDER_CODES_TRIED_MAX)):
            if not topup.needs_link:
                return
            try:
                link = await self._create(topup, page_url)
            except OrderCodeTaken:
                topup = await self._renumber(topup.tx_ref, topup.order_code)
                log.warning(
                    "event=topup.renumbered tx_ref=%s order_code=%d", topup.tx_ref, topup.order_code
                )
                if not tries_left:
                    raise
            else:
                await self._append(linked(topup.tx_ref, link))
                return

    async def _create(self, topup: Topup, page_url: str) -> PaymentLink:
        return await self._gateway.create_link(
            order_code=topup.order_code,
            amount_vnd=topup.amount,
            description=topup.tx_ref,
            return_url=page_url,
            cancel_url=page_url,
            expires_at=topup.expires_at,
        )


def linked(tx_ref: TxRef, link: PaymentLink) -> Fact:
    """The fact that PayOS has `link` for a top-up; a second one counts if it tells a QR code."""
    return Fact(
        event_id=event_id(EventType.TOPUP_LINKED, tx_ref, link.qr_code),
        type=EventType.TOPUP_LINKED,
        data=asdict(link),
        occurred_at=datetime.now(UTC),
        tx_ref=tx_ref,
    )
