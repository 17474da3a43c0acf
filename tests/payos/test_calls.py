"""How many calls there are at once, when there are none, and what is counted of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.errors import PayOSTimeout, PayOSUnavailable
from app.metrics.labels import PayOSOperation, PayOSOutcome
from app.metrics.metrics import Metrics
from app.payos.breaker import BreakerOpen
from app.payos.bulkhead import BulkheadFull
from app.payos.calls import PayOSCaller
from app.payos.refusal import RefusedWithCode
from tests.payos.calling import STATE, answering, create, envelope, gateway_to, http
from tests.payos.test_breaker import Clock
from tests.ports import held_port
from tests.web.line import eventually

REFUSAL = http(b'{"code":"20","desc":"no"}')


class Hanging:
    """A PayOS that takes every call, says nothing to a POST, and answers a GET."""

    def __init__(self) -> None:
        self.url = ""
        self.posts = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(envelope(STATE))
        else:
            self.posts += 1
            await reader.read()
        writer.close()


@pytest.fixture
async def hanging() -> AsyncIterator[Hanging]:
    payos = Hanging()
    server = await asyncio.start_server(payos.talk, "127.0.0.1", 0)
    async with server:
        payos.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield payos


@asynccontextmanager
async def nowhere() -> AsyncIterator[str]:
    """An address where nobody listens."""
    with held_port() as port:
        yield f"http://127.0.0.1:{port}"


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    """The calls that there were, by operation and outcome."""
    found = {
        (operation.value, outcome.value): metrics.registry.get_sample_value(
            "napvi_payos_calls_total", {"operation": operation, "outcome": outcome}
        )
        for operation in PayOSOperation
        for outcome in PayOSOutcome
    }
    assert None not in found.values()
    return {labels: count for labels, count in found.items() if count}


def gauge(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"napvi_payos_{name}")


async def test_so_many_call_so_many_wait_and_more_fail_at_once(hanging: Hanging) -> None:
    metrics = Metrics()
    limits: dict[str, Any] = {
        "payos_calls_at_once": 2,
        "payos_calls_waiting_max": 1,
        "payos_wait_seconds_max": 600.0,
    }
    async with gateway_to(hanging.url, metrics, **limits) as gateway:
        calls = [asyncio.create_task(create(gateway, order_code=code)) for code in (1, 2, 3)]
        await eventually(lambda: hanging.posts == 2)
        with pytest.raises(BulkheadFull) as refusal:
            await create(gateway, order_code=4)
        assert refusal.value.retry_after_seconds
        assert gauge(metrics, "calls_in_flight") == 2
        calls[0].cancel()
        await eventually(lambda: hanging.posts == 3)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    assert gauge(metrics, "calls_in_flight") == 0
    assert counted(metrics) == {("create", "no_place"): 1, ("create", "cancelled"): 3}


async def test_who_waits_too_long_for_a_place_is_told_to_come_again(hanging: Hanging) -> None:
    limits: dict[str, Any] = {"payos_calls_at_once": 1, "payos_wait_seconds_max": 0.05}
    async with gateway_to(hanging.url, **limits) as gateway:
        first = asyncio.create_task(create(gateway))
        await eventually(lambda: hanging.posts == 1)
        for _ in range(3):
            with pytest.raises(BulkheadFull):
                await create(gateway)
        first.cancel()
        await asyncio.wait([first])
    assert hanging.posts == 1


async def test_payers_who_fill_their_places_leave_the_background_its_own(hanging: Hanging) -> None:
    limits: dict[str, Any] = {"payos_calls_at_once": 1, "payos_calls_waiting_max": 0}
    async with gateway_to(hanging.url, **limits) as gateway:
        payer = asyncio.create_task(create(gateway))
        await eventually(lambda: hanging.posts == 1)
        with pytest.raises(BulkheadFull):
            await create(gateway)
        assert await gateway.find_link(5001) is not None
        payer.cancel()
        await asyncio.wait([payer])


async def test_a_background_that_fills_its_places_leaves_payers_theirs(hanging: Hanging) -> None:
    limits: dict[str, Any] = {"payos_background_calls_at_once": 1, "payos_calls_waiting_max": 0}
    async with gateway_to(hanging.url, **limits) as gateway:
        cancelling = asyncio.create_task(gateway.cancel_link(5001, "huỷ"))
        await eventually(lambda: hanging.posts == 1)
        with pytest.raises(BulkheadFull):
            await gateway.find_link(5001)
        payer = asyncio.create_task(create(gateway))
        await eventually(lambda: hanging.posts == 2)
        for call in (cancelling, payer):
            call.cancel()
        await asyncio.wait([cancelling, payer])


async def test_a_background_that_fills_its_places_leaves_payers_who_cancel_theirs(
    hanging: Hanging,
) -> None:
    limits: dict[str, Any] = {"payos_background_calls_at_once": 1, "payos_calls_waiting_max": 0}
    async with gateway_to(hanging.url, **limits) as gateway:
        in_background = asyncio.create_task(gateway.cancel_link(5001, "huỷ"))
        await eventually(lambda: hanging.posts == 1)
        payer = asyncio.create_task(gateway.cancel_link(5002, "huỷ", PayOSCaller.PAYER))
        await eventually(lambda: hanging.posts == 2)
        assert await gateway.find_link(5001, PayOSCaller.PAYER) is not None
        for call in (in_background, payer):
            call.cancel()
        await asyncio.wait([in_background, payer])


@pytest.mark.parametrize("silent", PayOSCaller)
async def test_the_silence_that_one_kind_of_caller_meets_stops_none_of_the_other(
    silent: PayOSCaller,
) -> None:
    metrics = Metrics()
    (other,) = set(PayOSCaller) - {silent}
    async with (
        answering(None, envelope(STATE)) as url,
        gateway_to(url, metrics, payos_breaker_no_answers=1) as gateway,
    ):
        with pytest.raises(PayOSTimeout):
            await gateway.find_link(5001, silent)
        with pytest.raises(BreakerOpen):
            await gateway.find_link(5001, silent)
        assert await gateway.find_link(5001, other) is not None
    opened = (gauge(metrics, "breaker_open"), gauge(metrics, "background_breaker_open"))
    assert opened == ((1, 0) if silent is PayOSCaller.PAYER else (0, 1))


async def test_a_payos_that_cannot_be_reached_is_soon_not_asked_and_after_a_pause_again() -> None:
    metrics, clock = Metrics(), Clock()
    limits: dict[str, Any] = {"payos_breaker_no_answers": 2, "payos_breaker_pause_seconds": 30.0}
    async with nowhere() as url, gateway_to(url, metrics, clock, **limits) as gateway:
        for _ in range(2):
            with pytest.raises(PayOSTimeout):
                await gateway.find_link(5001)
        assert gauge(metrics, "background_breaker_open") == 1
        for ask in (gateway.find_link(5001), gateway.confirm_webhook("x")):
            with pytest.raises(BreakerOpen) as refusal:
                await ask
            assert refusal.value.retry_after_seconds == 30
        assert gauge(metrics, "call_seconds_count") == 2
        clock.seconds += 30
        with pytest.raises(PayOSTimeout):
            await gateway.find_link(5001)
        with pytest.raises(BreakerOpen):
            await gateway.find_link(5001)
    assert counted(metrics) == {
        ("find", "no_answer"): 3,
        ("find", "breaker_open"): 2,
        ("confirm_webhook", "breaker_open"): 1,
    }


async def test_a_payos_that_answers_again_is_asked_by_everybody() -> None:
    metrics, clock = Metrics(), Clock()
    silent_then_not = (None, None, REFUSAL, envelope(STATE))
    async with (
        answering(*silent_then_not) as url,
        gateway_to(url, metrics, clock, payos_breaker_no_answers=2) as gateway,
    ):
        with pytest.raises(PayOSTimeout):
            await create(gateway)
        with pytest.raises(PayOSUnavailable):
            await create(gateway)
        clock.seconds += 3600
        with pytest.raises(RefusedWithCode):
            await create(gateway)
        assert gauge(metrics, "breaker_open") == 0
        assert await gateway.find_link(5001) is not None


async def test_a_link_is_not_asked_about_where_the_breaker_has_opened_meanwhile() -> None:
    metrics = Metrics()
    async with (
        answering(None) as url,
        gateway_to(url, metrics, payos_breaker_no_answers=1) as gateway,
    ):
        with pytest.raises(PayOSTimeout):
            await create(gateway)
    assert counted(metrics) == {("create", "no_answer"): 1, ("find", "breaker_open"): 1}


@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
@pytest.mark.parametrize("seconds", ["60", "soon"])
async def test_a_payos_that_asks_for_a_pause_with_its_error_holds_no_place(
    name: str, seconds: str
) -> None:
    if (name, seconds) == ("X-RateLimit-Reset", "60"):
        seconds = str(int(time.time()) + 60)  # a point in time
    metrics = Metrics()
    down = http(b"down", 503, f"{name}: {seconds}\r\n")
    async with (
        answering(down, envelope(STATE)) as url,
        gateway_to(url, metrics, payos_retries=1) as gateway,
        asyncio.timeout(4),  # the SDK waits 0.5 s
    ):
        assert await gateway.find_link(5001) is not None
    assert counted(metrics) == {("find", "ok"): 1}


async def test_neither_refusals_nor_nonsense_stop_the_calls() -> None:
    metrics = Metrics()
    answers = (REFUSAL, http(b"<html>"), http(b"", 502), REFUSAL, envelope(STATE))
    async with (
        answering(*answers) as url,
        gateway_to(url, metrics, payos_breaker_no_answers=1) as gateway,
    ):
        for _ in range(4):
            with pytest.raises(Exception, match="PayOS"):
                await gateway.find_link(5001)
        assert await gateway.find_link(5001) is not None
    assert counted(metrics) == {
        ("find", "refused"): 2,
        ("find", "unreadable"): 2,
        ("find", "ok"): 1,
    }
    assert gauge(metrics, "call_seconds_count") == 5
