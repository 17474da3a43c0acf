"""From an open top-up to its payment link: a call to PayOS, and its answer in the log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from app.errors import DatabaseUnavailable
from app.model import Appended, EventType, Fact, Opened, PaymentLink, Topup, TxRef
from app.payos.calls import PayOSCaller
from app.payos.gateway import Gateway, OrderCodeTaken
from app.payos.transfer import event_id

ORDER_CODES_TRIED_MAX = 3

T = TypeVar("T")

log = logging.getLogger(__name__)


class Claims(Protocol):
    """Who makes which link: app.database.openings.Openings."""

    async def resume(self, tx_ref: TxRef) -> Opened | None: ...

    async def renumber(self, tx_ref: TxRef, taken_order_code: int) -> Topup: ...

    async def release(self, tx_ref: TxRef, request_id: UUID) -> None: ...


class Linker:
    """Makes payment links. PayOS tells a QR code only once, so its answer must not be lost.

    `page_url`: where PayOS sends a payer back to; None: only the payer's request tells.
    """

    def __init__(
        self,
        gateway: Gateway,
        append: Callable[[Fact], Awaitable[Appended]],
        claims: Claims,
        page_url: Callable[[TxRef], str] | None,
    ) -> None:
        self._gateway = gateway
        self._append = append
        self._claims = claims
        self._page_url = page_url
        self._under_way: set[asyncio.Task[Any]] = set()

    async def link(
        self, opened: Opened, page_url: str, caller: PayOSCaller = PayOSCaller.PAYER
    ) -> None:
        """Returns when the link is recorded, or when the top-up needs none any more.

        Goes on to its end when the caller is cancelled. Raises PayOSFailed, DatabaseUnavailable;
        the top-up stays pending, and may be linked again.
        """
        await self._to_its_end(self._link(opened, page_url, caller))

    async def open(
        self, opening: Coroutine[Any, Any, Opened], page_url: Callable[[TxRef], str]
    ) -> Opened:
        """Opens a top-up, which claims its link, and gets that: as `link`, and raises what
        `opening` raises. A payer who leaves between the two would leave the claim behind.
        """
        return await self._to_its_end(self._open(opening, page_url))

    async def resume(self, tx_ref: TxRef) -> bool:
        """Makes the link that nobody waits for, as `link`; under another order code where PayOS
        has somebody else's order. False: it needs none, somebody is making it, or there is no
        `page_url`.
        """
        if self._page_url is None:
            return False
        opened = await self._claims.resume(tx_ref)
        if opened is None:
            return False
        await self.link(opened, self._page_url(tx_ref), PayOSCaller.BACKGROUND)
        return True

    async def finish(self) -> None:
        """Returns when every call under way is answered and recorded."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _open(
        self, opening: Coroutine[Any, Any, Opened], page_url: Callable[[TxRef], str]
    ) -> Opened:
        opened = await opening
        await self._link(opened, page_url(opened.topup.tx_ref), PayOSCaller.PAYER)
        return opened

    async def _link(self, opened: Opened, page_url: str, caller: PayOSCaller) -> None:
        try:
            await self._record_link(opened.topup, page_url, caller)
        finally:
            try:
                await self._claims.release(opened.topup.tx_ref, opened.request_id)
            except DatabaseUnavailable:
                log.warning("event=topup.claim_kept tx_ref=%s", opened.topup.tx_ref)  # it expires

    async def _record_link(self, topup: Topup, page_url: str, caller: PayOSCaller) -> None:
        for tries_left in reversed(range(ORDER_CODES_TRIED_MAX)):
            if not topup.needs_link:
                return
            try:
                link = await self._create(topup, page_url, caller)
            except OrderCodeTaken:
                topup = await self._claims.renumber(topup.tx_ref, topup.order_code)
                log.warning(
                    "event=topup.renumbered tx_ref=%s order_code=%d", topup.tx_ref, topup.order_code
                )
                if not tries_left:
                    raise
            else:
                await self._append(linked(topup.tx_ref, link))
                return

    async def _create(self, topup: Topup, page_url: str, caller: PayOSCaller) -> PaymentLink:
        return await self._gateway.create_link(
            order_code=topup.order_code,
            amount_vnd=topup.amount,
            description=topup.tx_ref,
            return_url=page_url,
            cancel_url=page_url,
            opened_at=topup.opened_at,
            expires_at=topup.expires_at,
            caller=caller,
        )


def link_seconds_max(gateway: Gateway, statement_timeout_seconds: float) -> float:
    """How long `link` may take; whoever takes longer is dead."""
    return ORDER_CODES_TRIED_MAX * (gateway.create_seconds_max + statement_timeout_seconds)


def linked(tx_ref: TxRef, link: PaymentLink) -> Fact:
    """The fact that PayOS has `link` for a top-up; a second one counts if it tells a QR code."""
    return Fact(
        event_id=event_id(EventType.TOPUP_LINKED, tx_ref, link.qr_code),
        type=EventType.TOPUP_LINKED,
        data=asdict(link),
        occurred_at=datetime.now(UTC),
        tx_ref=tx_ref,
    )
