"""Opening a top-up, asking how it stands, and what is in the wallet."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Annotated, Any, NotRequired

from pydantic import BaseModel, ConfigDict, Field, create_model
from quart import Blueprint, request
from quart_schema import document_headers, document_querystring, validate_request
from typing_extensions import TypedDict

from app.accounts.login import Login
from app.database.openings import Openings
from app.database.store import Store
from app.errors import (
    DatabaseUnavailable,
    IdempotencyInFlight,
    IdempotencyMismatch,
    InvalidRequest,
    NotLoggedIn,
    PayOSRefused,
    PayOSTimeout,
    PayOSUnavailable,
    TooManyOpen,
    TopupNotFound,
)
from app.http.addresses import topup_page
from app.http.openapi import answers, refuses
from app.model import Opened, TxRef, parse_tx_ref
from app.representations import (
    OfTopup,
    OpenedTopup,
    TopupStatus,
    WalletContents,
    opened_topup,
    topup_status,
    wallet_contents,
)
from app.rollout import gets_stream
from app.settings import Settings

REPLAYED = "Idempotency-Replayed"
IDEMPOTENCY_KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")


IdempotencyKey = Annotated[str, Field(pattern=f"^{IDEMPOTENCY_KEY_PATTERN.pattern}$")]
InitHeaders = TypedDict("InitHeaders", {"Idempotency-Key": NotRequired[IdempotencyKey]})
"""Whoever sends a request again under its key gets the same top-up."""


class TopupRequest(BaseModel):
    """`amount` in whole đồng; the settings bound it."""

    model_config = ConfigDict(strict=True)

    amount: int


def create_topups_blueprint(
    settings: Settings,
    login: Login,
    store: Store,
    openings: Openings,
    open_linked: Callable[[Coroutine[Any, Any, Opened], Callable[[TxRef], str]], Awaitable[Opened]],
    nudge: Callable[[TxRef], None],
) -> Blueprint:
    """The JSON routes of a payer; the stream has a module of its own.

    `open_linked(opening, page_url)` opens a top-up and gets its payment link, and goes on to its
    end when the payer leaves.
    `nudge(tx_ref)`: somebody waits for money, so PayOS may be asked about it.
    """
    blueprint = Blueprint("topups", __name__, url_prefix="/api")

    @blueprint.post("/topup/init")
    @validate_request(_request_within(settings))
    @document_headers(InitHeaders)
    @answers(OpenedTopup, 201)
    @refuses(InvalidRequest, NotLoggedIn, IdempotencyInFlight, IdempotencyMismatch, TooManyOpen)
    @refuses(PayOSRefused, PayOSUnavailable, PayOSTimeout, DatabaseUnavailable)
    async def init(data: TopupRequest) -> tuple[OpenedTopup, int, dict[str, str]]:
        """Open a top-up and get a payment link for it."""
        user = await login.user()
        page = partial(topup_page, settings.public_url or request.host_url)
        opening = openings.open(user.user_id, data.amount, _idempotency_key())
        opened = await open_linked(opening, page)
        topup = await openings.first_answer(opened.topup.tx_ref)
        headers = {} if opened.topup.needs_link else {REPLAYED: "true"}
        return opened_topup(topup, gets_stream(user.user_id, settings.stream)), 201, headers

    @blueprint.get("/topup/status")
    @document_querystring(OfTopup)
    @answers(TopupStatus)
    @refuses(InvalidRequest, NotLoggedIn, TopupNotFound, DatabaseUnavailable)
    async def status() -> TopupStatus:
        """How a top-up stands: the same members as a frame of its stream."""
        user = await login.user()
        update = await store.topup_update(user.user_id, parse_tx_ref(request.args.get("tx_ref")))
        if not update.final:
            nudge(update.tx_ref)
        return topup_status(update, gets_stream(user.user_id, settings.stream))

    @blueprint.get("/wallet")
    @answers(WalletContents)
    @refuses(NotLoggedIn, DatabaseUnavailable)
    async def wallet() -> WalletContents:
        """Balance, latest ledger entries and latest top-ups."""
        user = await login.user()
        found = await store.wallet(user.user_id)
        return wallet_contents(found, gets_stream(user.user_id, settings.stream))

    return blueprint


def _request_within(settings: Settings) -> type[TopupRequest]:
    smallest, largest = settings.topup_amount_min_vnd, settings.topup_amount_max_vnd
    amount = Field(ge=smallest, le=largest)
    return create_model("TopupRequest", __base__=TopupRequest, amount=(int, amount))


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY_PATTERN.fullmatch(key):
        fault = "1 to 255 visible ASCII characters"
        raise InvalidRequest("The Idempotency-Key is malformed.", {"Idempotency-Key": fault})
    return key
