"""The calls to PayOS: bounded in number and time, counted, logged; each failure is one problem."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

import httpx
import payos
from prometheus_client import Gauge

from app.errors import InvalidRequest, PayOSRefused, PayOSTimeout, PayOSUnavailable, Problem
from app.metrics.labels import PayOSOperation, PayOSOutcome
from app.metrics.metrics import Metrics
from app.payos.breaker import Breaker, BreakerOpen, Clock
from app.payos.bulkhead import Bulkhead, BulkheadFull
from app.payos.fields import Fields
from app.payos.refusal import NOT_LET_IN, RefusedWithCode
from app.payos.response_hook import RateLimited
from app.settings import Settings

NO_ANSWER = (TimeoutError, payos.ConnectionError, payos.ConnectionTimeoutError, httpx.RequestError)

UNREADABLE = (
    payos.PayOSError,
    httpx.DecodingError,
    InvalidRequest,
    AttributeError,
    TypeError,
    ValueError,
    RecursionError,
)
"""A refusal, or what escapes from the SDK over an answer without envelope or signature, or not
of JSON."""

NOT_MADE = MappingProxyType[type[Problem], PayOSOutcome](
    {
        BreakerOpen: PayOSOutcome.BREAKER_OPEN,
        BulkheadFull: PayOSOutcome.NO_PLACE,
        RateLimited: PayOSOutcome.RATE_LIMITED,
    }
)

Answer = TypeVar("Answer")
Call = Callable[[], Awaitable[Fields]]

logger = logging.getLogger(__name__)


class PayOSCaller(StrEnum):
    """Who waits for the answer. Neither kind takes places from the other, or learns of its
    breaker."""

    PAYER = "payer"
    BACKGROUND = "background"


@dataclass(frozen=True)
class Line:
    """What one kind of callers shares."""

    bulkhead: Bulkhead
    breaker: Breaker


class Calls:
    """Every call of one process. Payers and the background have a line each: places and a breaker
    of their own."""

    def __init__(
        self, settings: Settings, metrics: Metrics, call_seconds_max: float, now: Clock
    ) -> None:
        def line(at_once: int, open_gauge: Gauge) -> Line:
            return Line(
                Bulkhead(
                    at_once, settings.payos_calls_waiting_max, settings.payos_wait_seconds_max
                ),
                Breaker(
                    settings.payos_breaker_no_answers,
                    settings.payos_breaker_pause_seconds,
                    open_gauge.set,
                    now,
                ),
            )

        self._lines = {
            PayOSCaller.PAYER: line(settings.payos_calls_at_once, metrics.payos_breaker_open),
            PayOSCaller.BACKGROUND: line(
                settings.payos_background_calls_at_once, metrics.payos_background_breaker_open
            ),
        }
        self._metrics = metrics
        self._call_seconds_max = call_seconds_max

    async def answer(
        self,
        call: Call,
        read: Callable[[Fields], Answer],
        operation: PayOSOperation,
        order_code: int | None,
        caller: PayOSCaller,
    ) -> Answer:
        """What `read` makes of the answer to `call`, a call of the SDK.

        Raises PayOSUnavailable (nothing was done), RefusedWithCode (PayOS decided), PayOSRefused
        (the answer makes no sense, so PayOS may or may not have done it) or PayOSTimeout (no
        answer; likewise).
        """
        outcome, reason = PayOSOutcome.CANCELLED, "-"
        started = time.monotonic()
        line = self._lines[caller]
        try:
            async with line.bulkhead.slot():
                answer = read(await self._made(call, line.breaker))
            outcome = PayOSOutcome.OK
            return answer
        except PayOSUnavailable as problem:
            outcome = NOT_MADE[type(problem)]
            raise
        except (*NO_ANSWER, *UNREADABLE) as error:
            outcome, reason, problem_of_ours = _judge(error)
            raise problem_of_ours from error
        finally:
            self._metrics.payos_calls.labels(operation, outcome).inc()
            logger.info(
                "event=payos.call operation=%s order_code=%s outcome=%s reason=%s milliseconds=%d",
                operation,
                order_code,
                outcome,
                reason,
                (time.monotonic() - started) * 1000,
            )

    async def _made(self, call: Call, breaker: Breaker) -> Fields:
        """The answer to a call that the breaker lets through, in bounded time."""
        probe = breaker.enter()
        with (
            self._metrics.payos_calls_in_flight.track_inprogress(),
            self._metrics.payos_call_seconds.time(),
        ):
            try:
                async with asyncio.timeout(self._call_seconds_max):
                    fields = await call()
            except asyncio.CancelledError:
                breaker.given_up(probe)
                raise
            except Exception as error:
                if _is_silence(error):
                    breaker.not_answered(probe)
                else:
                    breaker.answered()
                raise
            breaker.answered()
            return fields


def _is_silence(error: Exception) -> bool:
    """httpx counts a body in an unknown encoding among the failures of a connection."""
    return isinstance(error, NO_ANSWER) and not isinstance(error, httpx.DecodingError)


def _judge(error: Exception) -> tuple[PayOSOutcome, str, Problem]:
    """What is counted, what is logged, what the caller gets."""
    name = type(error).__name__
    if _is_silence(error):
        return PayOSOutcome.NO_ANSWER, name, PayOSTimeout()
    code = getattr(error, "error_code", None)
    status = getattr(error, "status_code", None) or 0
    if not isinstance(code, str) and status in NOT_LET_IN:  # a gateway's own words, no envelope
        code = str(status)
    if not isinstance(code, str) or status >= 500:
        problem = PayOSRefused("PayOS gave an answer that cannot be read.")
        return PayOSOutcome.UNREADABLE, name, problem
    description = str(getattr(error, "error_desc", None) or "no reason given")
    explanation = _explanation(getattr(error, "response", None))
    return PayOSOutcome.REFUSED, code, RefusedWithCode(code, description, explanation, status)


def _explanation(response: httpx.Response | None) -> str:
    """The text in the envelope's `data`; "" where it is none."""
    try:
        data = response.json()["data"] if response is not None else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return data if isinstance(data, str) else ""
