"""Asking PayOS again and again: the loop itself, against the schedule as the database keeps it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from app.database.reconciliation import Checks
from app.errors import PayOSRefused, PayOSTimeout
from app.metrics.labels import CheckOutcome
from app.metrics.metrics import Metrics
from app.payos.rounds import Rounds
from app.reconciliation import Findings, Order
from app.settings import Settings
from tests.payments import Process, open_process
from tests.web.line import eventually

TICK_SECONDS, LEASE_SECONDS = 0.01, 2.0
SOON = "0.05,0.1,0.2,0.4,0.8,1.6,3.2,600"  # an opening may outlast the first steps
Check = Callable[[Order, Findings], Awaitable[object]]


@asynccontextmanager
async def walking(
    database_url: str, check: Check, metrics: Metrics, **changes: Any
) -> AsyncIterator[tuple[Process, Rounds]]:
    quick = {"reconcile_tick_seconds": TICK_SECONDS, "reconcile_nudge_seconds": TICK_SECONDS}
    settings = Settings.load(**quick | changes)
    async with open_process(database_url, **changes) as process:
        rounds = Rounds(Checks(process.database, settings), check, settings, metrics)
        rounds.start()
        try:
            yield process, rounds
        finally:
            await rounds.stop()


def unanswered(metrics: Metrics) -> float | None:
    labels: dict[str, str] = {"outcome": CheckOutcome.UNANSWERED}
    return metrics.registry.get_sample_value("napvi_payos_checks_total", labels)


async def test_the_refusal_of_one_order_does_not_slow_the_questions_about_others(
    database_url: str,
) -> None:
    asked = 0

    async def refuse(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise PayOSRefused("no")

    limits = {"reconcile_schedule_seconds": SOON, "reconcile_backoff_seconds_max": 600.0}
    async with walking(database_url, refuse, Metrics(), **limits) as (process, _):
        for _ in range(4):
            await process.topup()
        await eventually(lambda: asked >= 20)


async def test_what_was_recorded_counts_though_the_next_call_fails(database_url: str) -> None:
    metrics = Metrics()

    async def fail(_: Order, findings: Findings) -> None:
        findings.recovered.append(50_000)
        findings.held += 1
        raise PayOSTimeout

    def counted(name: str) -> float | None:
        return metrics.registry.get_sample_value(f"napvi_{name}_total")

    limits = {"reconcile_schedule_seconds": SOON}
    async with walking(database_url, fail, metrics, **limits) as (process, _):
        await process.topup()
        await eventually(lambda: bool(unanswered(metrics)))
        assert counted("transfers_recovered")
        assert counted("transfers_held")


async def test_a_question_that_outlives_its_lease_takes_nothing_from_the_next_one(
    database_url: str,
) -> None:
    """The next one is still known when the process stops, and broken off."""
    released, second_ended = asyncio.Event(), asyncio.Event()
    metrics = Metrics()
    asked = 0

    async def hang(*_: object) -> None:
        nonlocal asked
        asked += 1
        first = asked == 1
        try:
            return await asyncio.Future()
        finally:
            if first:
                await released.wait()
            else:
                second_ended.set()

    limits = {"reconcile_schedule_seconds": "600,1200", "reconcile_lease_seconds": LEASE_SECONDS}
    async with walking(database_url, hang, metrics, **limits) as (process, rounds):
        tx_ref = (await process.topup()).tx_ref

        def asked_once() -> bool:
            rounds.nudge(tx_ref)  # in vain just after the opening
            return asked == 1

        await eventually(asked_once)
        await eventually(lambda: asked == 2)
        released.set()
        await eventually(lambda: unanswered(metrics) == 1)
        assert not second_ended.is_set()
        await rounds.stop()
        assert second_ended.is_set()
