"""Looks at each answer of PayOS before the SDK reads it.

The SDK knows one checksum key, compares in variable time and signs some data as the Node SDK does
not; while a key is rotated an answer may be signed with another one. So the signatures are checked
here, and the SDK is not asked to.
"""

import json
from collections.abc import Callable, Mapping, Sequence

import httpx

from app.errors import PayOSUnavailable
from app.payos.signature import verify
from app.payos.transfer import SUCCESS

UNSIGNED_PATHS = ("/confirm-webhook",)
PAUSES = ("Retry-After", "X-RateLimit-Reset")
"""With a server error the SDK would obey these within the call, for up to a minute."""

PAUSE_SECONDS = 10
PAUSE_SECONDS_MAX = 3600


class RateLimited(PayOSUnavailable):
    """PayOS answered 429. To obey it within a call would hold the place of others."""


class UnsignedAnswer(ValueError):
    """The signature of an answer is missing, or is of none of our keys."""


class ResponseHook:
    """A response hook of httpx. `on_signed` is told the position of the key, 1 the first."""

    def __init__(self, keys: Sequence[str], on_signed: Callable[[int], None]) -> None:
        self._keys = keys
        self._on_signed = on_signed

    async def receive(self, response: httpx.Response) -> None:
        """Reads the body; takes the headers away that would make the SDK hold a place. Raises
        RateLimited, UnsignedAnswer.

        What is no good answer in any other way is left to the SDK.
        """
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RateLimited(retry_after_seconds=_pause_seconds(response.headers))
        for name in PAUSES:
            response.headers.pop(name, None)
        await response.aread()
        if response.is_success and not response.request.url.path.endswith(UNSIGNED_PATHS):
            self._check(response.content)

    def _check(self, body: bytes) -> None:
        try:
            envelope = json.loads(body)
        except (ValueError, RecursionError):
            return
        if not isinstance(envelope, Mapping) or envelope.get("code") != SUCCESS:
            return
        data, signature = envelope.get("data"), envelope.get("signature")
        if not isinstance(data, Mapping):
            return
        if not isinstance(signature, str):
            raise UnsignedAnswer("signature missing")
        position = verify(data, signature, self._keys)
        if position is None:
            raise UnsignedAnswer("signature wrong")
        self._on_signed(position)


def _pause_seconds(headers: httpx.Headers) -> int:
    asked = headers.get("Retry-After", "")
    if asked.isascii() and asked.isdecimal() and len(asked) < 10 and int(asked) > 0:
        return min(int(asked), PAUSE_SECONDS_MAX)
    return PAUSE_SECONDS
