"""What the account tests see of napvi: what a browser sees."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from quart import Quart, Response
from quart.typing import TestHTTPConnectionProtocol

ANNA = {"username": "anna", "password": "mật khẩu của anna"}
COOKIE = "__Host-napvi_session"


@dataclass
class Browser:
    """A client with a cookie jar that speaks HTTPS, as a browser does."""

    app: Quart

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    async def get(self, path: str, **options: Any) -> Response:
        return await self.client.get(path, scheme="https", **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Response:
        """Sends `body` as JSON, unless `options` say otherwise."""
        if "data" not in options:
            options["json"] = body
        return await self.client.post(path, scheme="https", **options)

    async def register(self, account: dict[str, str] = ANNA) -> Response:
        return await self.post("/api/auth/register", account)

    async def log_in(self, account: dict[str, str] = ANNA) -> Response:
        return await self.post("/api/auth/login", account)

    @asynccontextmanager
    async def logging_in(self) -> AsyncIterator[TestHTTPConnectionProtocol]:
        """Anna's login, sent but not answered: the client may still leave."""
        headers = {"Content-Type": "application/json"}
        async with self.client.request(
            "/api/auth/login", method="POST", headers=headers, scheme="https"
        ) as connection:
            await connection.send(json.dumps(ANNA).encode())
            await connection.send_complete()
            yield connection

    async def log_out(self) -> Response:
        return await self.post("/api/auth/logout", {})

    async def me(self) -> Response:
        return await self.get("/api/auth/me")

    @property
    def cookie(self) -> str:
        jar = self.client.cookie_jar
        assert jar is not None
        return next(str(cookie.value) for cookie in jar if cookie.name == COOKIE)

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.client.set_cookie("localhost", COOKIE, value, secure=True)
