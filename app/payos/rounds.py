"""Asks PayOS about every top-up whose time has come, as long as the process runs.

Each process tries; topup.claim_checks sees to it that one at a time takes work, and that PayOS
is asked about few top-ups at once however many processes there are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from app.errors import DatabaseUnavailable, PayOSFailed, PayOSRefused
from app.metrics.labels import CheckOutcome
from app.metrics.metrics import Metrics
from app.model import TxRef
from app.reconciliation import Findings, Order
from app.settings import Settings
from app.tasks import Repeated

log = logging.getLogger(__name__)

CLAIM_SHARE = 0.9  # of its lease that a question may take; then somebody else asks
NUDGES_WAITING_MAX = 1_000
DOUBLINGS_MAX = 16


class Book(Protocol):
    """Where it is written down what to ask about: app.database.reconciliation.Checks."""

    async def claim(self) -> list[Order]: ...

    async def finish(self, tx_ref: TxRef, answered: bool) -> None: ...

    async def nudge(self, tx_refs: Sequence[TxRef]) -> None: ...

    async def hasten(self, tx_refs: Sequence[TxRef]) -> None: ...

    async def overdue_seconds(self) -> float: ...


class Rounds:
    """The rounds of one process. Belongs to the event loop. `check(order, findings)` asks about one
    and adds what that brought, also where it raises."""

    def __init__(
        self,
        book: Book,
        check: Callable[[Order, Findings], Awaitable[object]],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._book = book
        self._check = check
        self._settings = settings
        self._metrics = metrics
        self._nudged: set[TxRef] = set()
        self._hastened: set[TxRef] = set()
        self._asking: dict[TxRef, asyncio.Task[None]] = {}
        self._unanswered = 0  # in a row
        failed = metrics.reconciler_failures.inc
        self._walking = Repeated("reconciler", self._round, self._pause, failed, log)

    def start(self) -> None:
        """Unless NAPVI_RECONCILE is off."""
        if self._settings.reconcile:
            self._walking.start()

    async def stop(self) -> None:
        """Breaks off, and gives back what was claimed. What fails to be is free after the lease."""
        broken_off = dict(self._asking)
        for task in broken_off.values():
            task.cancel()
        await self._walking.stop()
        if broken_off:
            await asyncio.wait(broken_off.values())
        for tx_ref in broken_off:
            try:
                await self._book.finish(tx_ref, answered=False)
            except DatabaseUnavailable:
                return

    def nudge(self, tx_ref: TxRef) -> None:
        """Somebody waits for the money of this one. Costs the caller nothing."""
        if len(self._nudged) < NUDGES_WAITING_MAX:
            self._nudged.add(tx_ref)

    def hasten(self, tx_ref: TxRef) -> None:
        """Somebody has perhaps called this one off at PayOS, which sends no webhook about that."""
        if len(self._hastened) < NUDGES_WAITING_MAX:
            self._hastened.add(tx_ref)

    async def _round(self) -> None:
        hastened, self._hastened = self._hastened, set()
        if hastened:
            await self._book.hasten(list(hastened))
        nudged, self._nudged = self._nudged, set()
        if nudged:
            await self._book.nudge(list(nudged))
        for order in await self._book.claim():
            task = asyncio.create_task(self._ask(order))
            self._asking[order.tx_ref] = task
            task.add_done_callback(partial(self._forget, order.tx_ref))
        self._metrics.check_overdue_seconds.set(await self._book.overdue_seconds())

    def _forget(self, tx_ref: TxRef, task: asyncio.Task[None]) -> None:
        if self._asking.get(tx_ref) is task:  # not one that began when the lease was over
            del self._asking[tx_ref]

    async def _pause(self, failures: int) -> None:
        """To the next tick, longer the more often nobody answered; not while there is work."""
        tick = self._settings.reconcile_tick_seconds
        failures = max(failures, self._unanswered)
        if failures:
            longer = tick * 2 ** min(failures, DOUBLINGS_MAX)
            await asyncio.sleep(min(longer, self._settings.reconcile_backoff_seconds_max))
        elif self._asking:
            await asyncio.wait(
                self._asking.values(), timeout=tick, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(tick)

    async def _ask(self, order: Order) -> None:
        """Never raises: what went wrong is counted, and the question comes again."""
        try:
            outcome = await self._answer(order)
            await self._book.finish(order.tx_ref, outcome is not CheckOutcome.UNANSWERED)
        except Exception as error:  # the claim ends by itself
            outcome = CheckOutcome.FAILED
            surprise = None if isinstance(error, DatabaseUnavailable) else error
            reason = type(error).__name__
            told = (reason, order.tx_ref)
            log.error("event=reconcile.failed reason=%s tx_ref=%s", *told, exc_info=surprise)
        self._metrics.checks.labels(outcome).inc()

    async def _answer(self, order: Order) -> CheckOutcome:
        findings = Findings()
        try:
            async with asyncio.timeout(CLAIM_SHARE * self._settings.reconcile_lease_seconds):
                await self._check(order, findings)
        except (PayOSFailed, TimeoutError) as problem:
            if not isinstance(problem, PayOSRefused):  # that is about this order alone
                self._unanswered += 1
            told = (type(problem).__name__, order.tx_ref)
            log.warning("event=reconcile.unanswered reason=%s tx_ref=%s", *told)
            return CheckOutcome.UNANSWERED
        finally:  # the next question finds them recorded
            self._metrics.transfers_recovered.inc(len(findings.recovered + findings.suspended))
            self._metrics.transfers_held.inc(findings.held)
        self._unanswered = 0
        return findings.outcome
