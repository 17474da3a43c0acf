"""What the tests of the HTTP surface share: a running service and people who use it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.web.service import Napvi, Payer, running


@pytest.fixture
def cheap_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed for real, with less memory and time than is good for production."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("app.accounts.passwords.PasswordHasher", cheap)


@pytest.fixture
def service_settings() -> dict[str, Any]:
    """Other than those of `running`; a test module or a parametrization overrides this."""
    return {}


@pytest.fixture
async def napvi(
    database_url: str, cheap_hasher: None, service_settings: dict[str, Any]
) -> AsyncIterator[Napvi]:
    async with running(database_url, **service_settings) as napvi:
        yield napvi


@pytest.fixture
def limits() -> dict[str, Any]:
    """Settings of the `hasty` one; a parametrization overrides this."""
    return {"lock_timeout_seconds": 0.05}


@pytest.fixture
async def hasty(
    database_url: str, cheap_hasher: None, limits: dict[str, Any]
) -> AsyncIterator[Napvi]:
    """On the same database, a service that waits for nothing: to be asked where something holds it
    up. Elsewhere a slow moment would be enough."""
    async with running(database_url, **limits) as hasty:
        yield hasty


@pytest.fixture
async def payer(napvi: Napvi) -> AsyncIterator[Payer]:
    async with napvi.payer() as payer:
        yield payer


@pytest.fixture
async def topup(payer: Payer) -> dict[str, Any]:
    """What init answered: pending, with a payment link."""
    return await payer.open()
