"""Whoever comes to the API: nobody in particular, or somebody with a login and a paid top-up."""

import secrets
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import httpx
import requests

from app.accounts.login import COOKIE
from tests.services import PASSWORD, PayOS

PATIENCE_SECONDS = 30.0


def connection() -> requests.Session:
    """For requests that have only the cookies they are given."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


@dataclass
class Payer:
    """Logs in again whenever a request has ended the login."""

    url: str
    account: dict[str, str] = field(
        default_factory=lambda: {
            "username": f"payer-{secrets.token_hex(6)}",
            "password": PASSWORD,
        }
    )
    _login: str | None = None

    def register(self) -> None:
        self._log_in("register")

    @property
    def cookies(self) -> dict[str, str]:
        if self._login is None:
            self._log_in("login")
        assert self._login is not None
        return {COOKIE: self._login}

    def forget_login(self) -> None:
        self._login = None

    def topup(self) -> dict[str, object]:
        """A new one, with a payment link."""
        cookies = self.cookies
        with self._client() as client:
            client.cookies.update(cookies)
            answer = client.post("/api/topup/init", json={"amount": 50_000})
        assert answer.status_code == 201, answer.text
        topup: dict[str, object] = answer.json()
        return topup

    def _log_in(self, how: str) -> None:
        with self._client() as client:
            answer = client.post(f"/api/auth/{how}", json=self.account)
            assert answer.is_success, answer.text
            self._login = client.cookies[COOKIE]

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_SECONDS)


def pay(simulator: PayOS, topup: dict[str, object]) -> None:
    """All of it, at the bank; PayOS has told the service when this returns."""
    url = f"{simulator.url}/simulator/links/{topup['order_code']}/pay"
    body = {"amount": topup["amount"]}
    answer = httpx.post(url, json=body, trust_env=False, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200, answer.text
