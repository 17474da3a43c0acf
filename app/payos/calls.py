"""One call to PayOS: bounded, logged, and with every failure turned into one of two problems."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import payos

from app.errors import InvalidRequest, PayOSRefused, PayOSTimeout
from app.payos.fields import Fields

NO_ANSWER = (TimeoutError, payos.ConnectionError, payos.ConnectionTimeoutError, httpx.RequestError)

UNREADABLE = (
    payos.PayOSError,
    InvalidRequest,
    AttributeError,
    TypeError,
    ValueError,
    RecursionError,
)
"""A refusal, or what escapes from the SDK over an answer without envelope or signature, or not
of JSON."""

DESCRIPTION_CHARACTERS_MAX = 200

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


class RefusedWithCode(PayOSRefused):
    """PayOS said no. `payos_code` is its business code: 20, 214, 231 …

    `explanation`: what it says in place of data, where it says anything. Of a webhook that did
    not answer with 2xx, that is what PayOS met there.
    """

    def __init__(self, payos_code: str, description: str, explanation: str = "") -> None:
        description = description[:DESCRIPTION_CHARACTERS_MAX]
        super().__init__(f"PayOS answered with code {payos_code}: {description}")
        self.payos_code = payos_code
        self.explanation = explanation[:DESCRIPTION_CHARACTERS_MAX]


async def answer_of(
    call: Awaitable[Fields],
    read: Callable[[Fields], Answer],
    operation: str,
    order_code: int | None,
    seconds_max: float,
) -> Answer:
    """What `read` makes of the answer to `call`, an unawaited call of the SDK.

    Raises RefusedWithCode (PayOS decided), PayOSRefused (the answer makes no sense, so PayOS may
    or may not have done it) or PayOSTimeout (no answer; likewise).
    """
    started, outcome = time.monotonic(), "cancelled"
    try:
        async with asyncio.timeout(seconds_max):
            answer = read(await call)
        outcome = "ok"
        return answer
    except NO_ANSWER as error:
        outcome = f"no_answer_{type(error).__name__}"
        raise PayOSTimeout from error
    except UNREADABLE as error:
        problem = _refusal(error)
        outcome = f"refused_{getattr(problem, 'payos_code', type(error).__name__)}"
        raise problem from error
    finally:
        logger.info(
            "event=payos.call operation=%s order_code=%s outcome=%s milliseconds=%d",
            operation,
            order_code,
            outcome,
            (time.monotonic() - started) * 1000,
        )


def _refusal(error: Exception) -> PayOSRefused:
    code = getattr(error, "error_code", None)
    if not isinstance(code, str) or (getattr(error, "status_code", None) or 0) >= 500:
        return PayOSRefused("PayOS gave an answer that cannot be read.")
    description = str(getattr(error, "error_desc", None) or "no reason given")
    return RefusedWithCode(code, description, _explanation(getattr(error, "response", None)))


def _explanation(response: httpx.Response | None) -> str:
    """The text in the envelope's `data`; "" where it is none."""
    try:
        data = response.json()["data"] if response is not None else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return data if isinstance(data, str) else ""
