"""A payer's browser at napvi: registers, opens top-ups, looks how they stand."""

import asyncio
import secrets
from typing import Any

import httpx

from app.errors import NapviError

OPENING_ATTEMPTS_MAX = 12
PAUSE_SECONDS = 0.5
WORTH_TRYING_AGAIN = frozenset({409, 429, 502, 503, 504})
TIMEOUT_SECONDS = 60.0
CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=64)


class NapviRefused(NapviError):
    """napvi does not do what a payer needs; the message says what it answered."""


class Payer:
    """One user and what he has opened: order code and tx_ref are of napvi's choosing."""

    def __init__(self, napvi_url: str, name: str) -> None:
        self.name = name
        self.order_codes: list[int] = []
        self._client = httpx.AsyncClient(
            base_url=napvi_url, timeout=TIMEOUT_SECONDS, limits=CONNECTIONS, trust_env=False
        )

    async def register(self) -> None:
        """Raises NapviRefused, also when no login is kept over this address."""
        account = {"username": self.name, "password": secrets.token_urlsafe()}
        await self._post("/api/auth/register", account)
        me = await self._client.get("/api/auth/me")
        if me.is_error:
            remedy = "Over plain HTTP it needs NAPVI_COOKIE_SECURE=false."
            raise NapviRefused(f"napvi keeps no login: {me.status_code}. {remedy}")

    async def open_topup(self, amount: int) -> dict[str, Any]:
        """Under one Idempotency-Key, whatever happens on the way. Raises NapviRefused."""
        headers = {"Idempotency-Key": secrets.token_urlsafe()}
        topup = await self._post("/api/topup/init", {"amount": amount}, headers)
        self.order_codes.append(int(topup["order_code"]))
        return topup

    async def amount_paid(self, tx_ref: str) -> int | None:
        """What the page of the top-up shows; None if napvi does not answer just now."""
        return await self._number("/api/topup/status", "amount_paid", tx_ref=tx_ref)

    async def balance(self) -> int | None:
        return await self._number("/api/wallet", "balance")

    async def leave(self) -> None:
        await self._client.aclose()

    async def _post(
        self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Tries again as a good client does: what may pass, after the pause that was asked for."""
        said = ""
        for attempt in range(1, OPENING_ATTEMPTS_MAX + 1):
            try:
                answer = await self._client.post(path, json=body, headers=headers)
            except httpx.TransportError as error:
                said, pause = type(error).__name__, PAUSE_SECONDS * attempt
            else:
                if answer.is_success:
                    return dict(answer.json())
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code not in WORTH_TRYING_AGAIN:
                    break
                pause = _pause(answer, attempt)
            await asyncio.sleep(pause)
        raise NapviRefused(f"napvi answered to {path}: {said}")

    async def _number(self, path: str, name: str, **query: str) -> int | None:
        try:
            answer = await self._client.get(path, params=query)
        except httpx.TransportError:
            return None
        return int(answer.json()[name]) if answer.is_success else None


def _pause(answer: httpx.Response, attempt: int) -> float:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else PAUSE_SECONDS * attempt
