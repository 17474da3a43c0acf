"""Opening a top-up, asking how it stands, and what is in the wallet."""

import re
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict
from quart import Blueprint, request, url_for
from quart_schema import validate_request

from app.database.openings import Openings
from app.database.store import Store
from app.errors import InvalidRequest
from app.login import Login
from app.model import LedgerEntry, Opened, Topup, TxRef, iso, parse_tx_ref
from app.rollout import gets_stream
from app.settings import Settings

REPLAYED = "Idempotency-Replayed"
IDEMPOTENCY_KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")


class TopupRequest(BaseModel):
    """`amount` in whole đồng."""

    model_config = ConfigDict(strict=True)

    amount: int


def create_topups_blueprint(
    settings: Settings,
    login: Login,
    store: Store,
    openings: Openings,
    link: Callable[[Opened, str], Awaitable[None]],
    nudge: Callable[[TxRef], None],
) -> Blueprint:
    """The JSON routes of a payer; the stream has a module of its own.

    `link(opened, page_url)` gets a payment link and goes on to its end when the payer leaves.
    `nudge(tx_ref)`: somebody waits for money, so PayOS may be asked about it.
    """
    blueprint = Blueprint("topups", __name__, url_prefix="/api")

    @blueprint.post("/topup/init")
    @validate_request(TopupRequest)
    async def init(data: TopupRequest) -> tuple[dict[str, object], int, dict[str, str]]:
        """Open a top-up and get a payment link for it."""
        user = await login.user()
        _check_amount(data.amount, settings)
        opened = await openings.open(user.user_id, data.amount, _idempotency_key())
        replayed = opened.topup.checkout_url is not None
        if not replayed:
            await link(opened, _page_url(opened.topup, settings.public_url))
        topup = await openings.first_answer(opened.topup.tx_ref)
        headers = {REPLAYED: "true"} if replayed else {}
        return _opened(topup, gets_stream(user.user_id, settings.stream)), 201, headers

    @blueprint.get("/topup/status")
    async def status() -> dict[str, object]:
        """How a top-up stands: the same members as a frame of its stream."""
        user = await login.user()
        update = await store.topup_update(user.user_id, parse_tx_ref(request.args.get("tx_ref")))
        if not update.final:
            nudge(update.tx_ref)
        return update.as_json() | {"stream": gets_stream(user.user_id, settings.stream)}

    @blueprint.get("/wallet")
    async def wallet() -> dict[str, object]:
        """Balance, latest ledger entries and latest top-ups."""
        user = await login.user()
        found = await store.wallet(user.user_id)
        stream = gets_stream(user.user_id, settings.stream)
        return {
            "balance": found.balance,
            "entries": [_entry(entry) for entry in found.entries],
            "topups": [_opened(topup, stream) for topup in found.topups],
        }

    return blueprint


def _page_url(topup: Topup, public_url: str | None) -> str:
    path = url_for("pages.watch_topup", tx_ref=topup.tx_ref)
    return (public_url or request.host_url).rstrip("/") + path


def _check_amount(amount_vnd: int, settings: Settings) -> None:
    smallest, largest = settings.topup_amount_min_vnd, settings.topup_amount_max_vnd
    if not smallest <= amount_vnd <= largest:
        fault = f"must be from {smallest} to {largest}"
        raise InvalidRequest("The amount is out of bounds.", {"amount": fault})


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not IDEMPOTENCY_KEY_PATTERN.fullmatch(key):
        fault = "1 to 255 visible ASCII characters"
        raise InvalidRequest("The Idempotency-Key is malformed.", {"Idempotency-Key": fault})
    return key


def _opened(topup: Topup, stream: bool) -> dict[str, object]:
    return {
        "tx_ref": topup.tx_ref,
        "order_code": topup.order_code,
        "amount": topup.amount,
        "amount_paid": topup.amount_paid,
        "status": topup.status,
        "late": topup.late,
        "checkout_url": topup.checkout_url,
        "qr_code": topup.qr_code,
        "bank_bin": topup.bank_bin,
        "account_number": topup.account_number,
        "account_name": topup.account_name,
        "transfer_message": topup.transfer_message,
        "expires_at": iso(topup.expires_at),
        "stream": stream,
    }


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {
        "tx_ref": entry.tx_ref,
        "type": entry.event_type,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
        "recorded_at": iso(entry.recorded_at),
    }
