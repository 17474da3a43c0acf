"""Drives a storm: the payers at napvi and the money at the bank."""

import asyncio
import math
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.errors import ConfigurationError
from app.payos.simulator import Simulator
from app.payos.simulator.bank import Order, UnknownOrder
from app.payos.simulator.storm.payer import NapviRefused, Payer
from app.payos.simulator.storm.tally import Payment, Tally, Wallet

TOPUPS_PER_PAYER = 10  # napvi limits how many a user may have open
REGISTERING_AT_ONCE = 4  # a password costs a processor core for a while
PAYING_AT_ONCE = 32
LOOK_SECONDS_MIN, LOOK_SECONDS_MAX = 0.05, 1.0
AMOUNTS = range(10_001, 500_000, 2)  # odd: the halves of no amount look alike


@dataclass(frozen=True, slots=True)
class Storm:
    """`patience_seconds`: from the last payment until every one must be settled. `settled` is
    called for each."""

    simulator: Simulator
    napvi_url: str
    payments: int
    patience_seconds: float
    settled: Callable[[], None]

    async def run(self) -> Tally:
        """Raises ConfigurationError, NapviRefused when napvi cannot be stormed."""
        tally = Tally(_payments(self.payments, self.simulator.plan.seed))
        payers = await self._register(math.ceil(self.payments / TOPUPS_PER_PAYER))
        try:
            await self._pay_and_watch(tally.payments, payers)
            await self._count(tally, payers)
        finally:
            await asyncio.gather(*(payer.leave() for payer in payers))
        return tally

    async def _register(self, count: int) -> list[Payer]:
        run = secrets.token_hex(4)
        payers = [Payer(self.napvi_url, f"storm-{run}-{number}") for number in range(count)]
        await payers[0].register()  # alone: what is wrong with napvi shows once
        places = asyncio.Semaphore(REGISTERING_AT_ONCE)

        async def register(payer: Payer) -> None:
            async with places:
                await payer.register()

        await asyncio.gather(*(register(payer) for payer in payers[1:]))
        return payers

    async def _pay_and_watch(self, payments: Sequence[Payment], payers: Sequence[Payer]) -> None:
        """The first payment goes alone: a napvi that asks the real PayOS shall make one link."""
        places = asyncio.Semaphore(PAYING_AT_ONCE)
        watches: list[asyncio.Task[None]] = []

        async def pay(payment: Payment, payer: Payer) -> None:
            async with places:
                await self._pay(payment, payer)
            if payment.order is not None:
                watches.append(asyncio.create_task(self._watch(payment, payer)))

        whose = [payers[number % len(payers)] for number in range(len(payments))]
        try:
            await pay(payments[0], whose[0])
            await asyncio.gather(*map(pay, payments[1:], whose[1:]))
            await self.simulator.courier.settle()
            if watches:
                await asyncio.wait(watches, timeout=self.patience_seconds)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _pay(self, payment: Payment, payer: Payer) -> None:
        try:
            topup = await payer.open_topup(payment.amount)
        except NapviRefused as problem:
            payment.complaint = str(problem)
            return
        try:
            order = self.simulator.orders.find(str(topup["order_code"]))
        except UnknownOrder:
            complaint = f"of {self.napvi_url} is not the address of this simulator."
            raise ConfigurationError("PAYOS_BASE_URL", complaint, "Start napvi with it.") from None
        payment.tx_ref, payment.order = topup["tx_ref"], order
        payment.paid_at = time.monotonic()
        if not order.transfers:
            await self._transfer(payment, order)
        if order.amount_remaining and payment.pays_the_rest:
            await self._transfer(payment, order)

    async def _transfer(self, payment: Payment, order: Order) -> None:
        await self.simulator.cashier.take(order, order.amount_remaining)
        payment.paid_at = time.monotonic()

    async def _watch(self, payment: Payment, payer: Payer) -> None:
        """Looks until the payer sees what the bank saw, as far as napvi can know whose it is."""
        pause = LOOK_SECONDS_MIN
        while await payer.amount_paid(payment.tx_ref) not in payment.may_be_seen:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LOOK_SECONDS_MAX)
        payment.seen_at = time.monotonic()
        self.settled()

    async def _count(self, tally: Tally, payers: Sequence[Payer]) -> None:
        orders = {order.order_code: order for order in self.simulator.orders}
        for payer in payers:
            received = [t for code in payer.order_codes for t in orders[code].transfers]
            paid = sum(transfer.amount for transfer in received)
            nameless = sum(transfer.amount for transfer in received if transfer.nameless)
            tally.wallets.append(Wallet(payer.name, paid, nameless, await payer.balance()))
        own = [order for order in orders.values() if not order.foreign]
        tally.bank_total = sum(order.amount_paid for order in own)
        tally.foreign_total = sum(o.amount_paid for o in orders.values() if o.foreign)
        tally.transfers = sum(len(order.transfers) for order in own)


def _payments(count: int, seed: int) -> list[Payment]:
    chance = random.Random(f"{seed}/payments")  # noqa: S311
    return [Payment(chance.choice(AMOUNTS), chance.random() < 0.5) for _ in range(count)]
