"""What reconciliation needs around it: a real database, and a PayOS whose books a test may open."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from quart import request

from app.database.reconciliation import Checks
from app.http.addresses import topup_page
from app.model import Appended, Fact, Opened, Topup
from app.payos.gateway import Gateway
from app.payos.linking import Linker
from app.payos.reconcile import Reconciler
from app.payos.simulator import create_simulator
from app.payos.simulator.bank import Order, Orders, Transfer
from app.payos.simulator.wire import webhook_data
from app.payos.webhook import read_webhook
from app.reconciliation import Findings
from app.settings import Settings
from tests.payments import Process, open_process, query
from tests.payos.calling import gateway_to
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, signed_body

PAGE = "https://shop.example/wallet/topup"


@dataclass
class Desk:
    """The reconciler at work. `payos`: the orders of the other side; `calls`: what it was asked."""

    process: Process
    payos: Orders
    calls: list[tuple[str, str]]
    gateway: Gateway
    linker: Linker
    reconciler: Reconciler
    book: Checks
    url: str

    async def append(self, fact: Fact) -> Appended:
        [appended] = await self.process.store.append_events([fact])
        return appended

    async def open(self, amount: int = 50_000, linked: bool = True) -> tuple[Topup, Order]:
        """A top-up, with its order at PayOS; not `linked`: the answer was lost."""
        topup = await self.process.topup(amount)
        if linked:
            await self.link(topup)
        else:
            await self.gateway.create_link(
                topup.order_code,
                amount,
                topup.tx_ref,
                PAGE,
                PAGE,
                topup.opened_at,
                topup.expires_at,
            )
        return topup, self.payos.find(str(topup.order_code))

    async def link(self, topup: Topup) -> None:
        """As after an init."""
        await self.linker.link(Opened(topup, uuid4()), PAGE)

    async def abandon(self, amount: int = 50_000) -> Topup:
        """A top-up whose process died before it called PayOS, long enough ago."""
        user = await self.process.user()
        opened = await self.process.openings.open(user, amount, None)
        await self.process.openings.release(opened.topup.tx_ref, opened.request_id)
        return opened.topup

    async def hear(self, order: Order, transfer: Transfer) -> Appended:
        """The webhook of this transfer arrives."""
        body = signed_body(webhook_data(order, transfer))
        return await self.append(read_webhook(body, [CHECKSUM_KEY], CLIENT_ID).fact)

    async def check(self, topup: Topup) -> Findings:
        [order] = await self.book.orders([topup.tx_ref])
        return await self.reconciler.check(order)

    async def cancel(self, topup: Topup) -> Findings:
        """The payer calls it off."""
        [order] = await self.book.orders([topup.tx_ref])
        return await self.reconciler.cancel(order)

    async def state(self, topup: Topup) -> Topup:
        return await self.process.store.topup(topup.user_id, topup.tx_ref)

    async def balance(self, topup: Topup) -> int:
        return (await self.process.store.wallet(topup.user_id)).balance

    async def let_expire(self, topup: Topup, order: Order | None = None) -> None:
        """The time to pay is over, here, and at PayOS if its `order` is given.

        The event is changed along, so that the top-up is still its fold.
        """
        await query(
            self.url,
            """
            WITH unlocked AS (SELECT set_config('session_replication_role', 'replica', false)),
            shifted AS (
                UPDATE topup.events AS e SET data = data || '{"expiry_seconds": -60}'
                FROM unlocked WHERE e.tx_ref = %s AND e.seq = 1 RETURNING e.recorded_at
            )
            UPDATE topup.topups SET expires_at = shifted.recorded_at - interval '60 s'
            FROM shifted WHERE tx_ref = %s RETURNING 1
            """,
            topup.tx_ref,
            topup.tx_ref,
        )
        if order is not None:
            order.expires_at = datetime.now(UTC) - timedelta(seconds=1)


def under_another_reference(order: Order) -> None:
    """From now on GET tells the latest transfer under a reference that its webhook did not have."""
    order.transfers[-1] = replace(order.transfers[-1], listed_as="another reference")


Serve = Callable[[Any], Awaitable[str]]


@asynccontextmanager
async def desk(serve: Serve, database_url: str, **changes: Any) -> AsyncIterator[Desk]:
    settings = Settings.load(**changes)
    calls = list[tuple[str, str]]()
    payos = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY)

    @payos.before_request
    async def note() -> None:
        calls.append((request.method, request.path))

    url = await serve(payos)
    async with (
        gateway_to(url) as gateway,
        open_process(database_url, **changes) as process,
    ):

        async def append(fact: Fact) -> Appended:
            [appended] = await process.store.append_events([fact])
            return appended

        page_url = partial(topup_page, settings.public_url) if settings.public_url else None
        linker = Linker(gateway, append, process.openings, page_url)
        yield Desk(
            process,
            payos.orders,
            calls,
            gateway,
            linker,
            Reconciler(gateway, append, CLIENT_ID, linker.resume),
            Checks(process.database, settings),
            database_url,
        )
