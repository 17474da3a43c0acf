"""Calls an address as PayOS would, to see whether our webhook is what answers."""

import asyncio
import json
from typing import Any

import httpx

from app.errors import WebhookNotConfirmed
from app.payos.ping import PING
from app.payos.remedies import OTHER_KEY, TOO_SLOW, Answer, remedy_of_answer, remedy_of_text
from app.payos.signature import sign

BODY_BYTES_MAX = 64 * 1024
PROBLEM = "urn:napvi:problem:"
HEADERS = {"Content-Type": "application/json"}


async def probe(url: str, checksum_key: str, patience_seconds: float) -> None:
    """Returns when napvi answers at `url` and takes what `checksum_key` signs.

    First without a signature, which only napvi refuses in its way; then with the public sample of
    PayOS, which moves no money. Raises WebhookNotConfirmed with the remedy.
    """
    sample = {"code": "00", "desc": "success", "success": True, "data": PING}
    signed = json.dumps({**sample, "signature": sign(PING, checksum_key)}).encode()
    async with httpx.AsyncClient(timeout=patience_seconds) as client:
        answer = await _answer(client, url, b"{}", patience_seconds)
        if answer.problem not in {"invalid_request", "invalid_signature"}:
            raise WebhookNotConfirmed(f"{url}: {remedy_of_answer(answer)}")
        answer = await _answer(client, url, signed, patience_seconds)
    if answer.problem == "invalid_signature":
        raise WebhookNotConfirmed(f"{url}: {OTHER_KEY.format(whose='the one that is set here')}")
    if answer.status != httpx.codes.OK:
        raise WebhookNotConfirmed(f"{url}: {remedy_of_answer(answer)}")


async def _answer(
    client: httpx.AsyncClient, url: str, body: bytes, patience_seconds: float
) -> Answer:
    """Raises WebhookNotConfirmed when there is none."""
    try:
        async with (
            asyncio.timeout(patience_seconds),
            client.stream("POST", url, content=body, headers=HEADERS) as response,
        ):
            return await _read(response)
    except (TimeoutError, httpx.TimeoutException):
        remedy = TOO_SLOW
    except (httpx.RequestError, httpx.InvalidURL) as error:
        found = remedy_of_text(str(error))
        remedy = found or f"it cannot be called ({str(error) or type(error).__name__})."
    raise WebhookNotConfirmed(f"{url}: {remedy}")


async def _read(response: httpx.Response) -> Answer:
    received = bytearray()
    async for chunk in response.aiter_bytes():
        received += chunk
        if len(received) > BODY_BYTES_MAX:
            break
    content_type = response.headers.get("Content-Type", "")
    location = response.headers.get("Location", "")
    problem = _problem(bytes(received)) if "problem+json" in content_type else None
    return Answer(response.status_code, content_type, location, problem)


def _problem(body: bytes) -> str | None:
    """The code of one of our own problem documents."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    kind = document.get("type") if isinstance(document, dict) else None
    ours = isinstance(kind, str) and kind.startswith(PROBLEM)
    return str(kind).removeprefix(PROBLEM) if ours else None
