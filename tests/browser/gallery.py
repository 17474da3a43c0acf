"""A wallet in which a top-up has come to every end that there is."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

from playwright.async_api import BrowserContext

from app.model import EventType, Fact, TxRef
from app.representations import Account
from tests.payments import Process, about, failure, transfer
from tests.services import PASSWORD, Service

AMOUNT = 100_000

Opened = Mapping[str, Any]
"""What /api/topup/init answered."""


def paid(topup: Opened, amount: int = AMOUNT) -> Fact:
    return transfer(topup["order_code"], amount, link=_link(topup))


def nameless(topup: Opened) -> Fact:
    """The bank gave no reference: what comes beside it may be the same money, and is held."""
    return transfer(topup["order_code"], AMOUNT, link=_link(topup), unmatchable="reference.missing")


def failed(topup: Opened) -> Fact:
    return failure(topup["order_code"], AMOUNT, link=_link(topup))


def cancelled(topup: Opened) -> Fact:
    return about(TxRef(topup["tx_ref"]), EventType.TOPUP_CANCELLED)


def expired(topup: Opened) -> Fact:
    return about(TxRef(topup["tx_ref"]), EventType.TOPUP_EXPIRED)


ENDS: dict[str, Callable[[Opened], list[Fact]]] = {
    "waiting": lambda _: [],
    "underpaid": lambda topup: [paid(topup, 60_000)],
    "review": lambda topup: [nameless(topup), paid(topup)],
    "confirmed": lambda topup: [paid(topup)],
    "late": lambda topup: [expired(topup), paid(topup)],
    "cancelled": lambda topup: [cancelled(topup)],
    "expired": lambda topup: [expired(topup)],
    "failed": lambda topup: [failed(topup)],
}
"""By the sentence that its page says: what happened after it was opened."""


def new_username() -> str:
    return f"payer-{secrets.token_hex(4)}"


async def register(service: Service, context: BrowserContext) -> Account:
    """A new payer, whom `context` is from now on."""
    credentials = {"username": new_username(), "password": PASSWORD}
    answer = await context.request.post(f"{service.url}/api/auth/register", data=credentials)
    assert answer.status == 201, await answer.text()
    return cast(Account, await answer.json())


async def open_topup(service: Service, context: BrowserContext, amount: int = AMOUNT) -> Opened:
    answer = await context.request.post(f"{service.url}/api/topup/init", data={"amount": amount})
    assert answer.status == 201, await answer.text()
    return dict(await answer.json())


async def fill(service: Service, context: BrowserContext, process: Process) -> dict[str, str]:
    """The address of the page for each of ENDS; `context` is its payer, and needs a login."""
    addresses = {}
    for sentence, facts in ENDS.items():
        topup = await open_topup(service, context)
        for fact in facts(topup):
            await process.store.append_events([fact])
        addresses[sentence] = f"{service.url}/wallet/topup/{topup['tx_ref']}"
    return addresses


def _link(topup: Opened) -> str:
    return str(topup["checkout_url"]).rpartition("/")[2]
