"""Calling a top-up off."""

from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict
from quart import Blueprint
from quart_schema import validate_request

from app.accounts.login import Login
from app.database.store import Store
from app.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    NotLoggedIn,
    PayOSRefused,
    PayOSTimeout,
    PayOSUnavailable,
    TopupNotFound,
)
from app.http.openapi import answers, refuses
from app.model import TxRef, parse_tx_ref
from app.representations import TopupStatus, TxRefText, topup_status
from app.rollout import gets_stream
from app.settings import Settings


class CancelRequest(BaseModel):
    model_config = ConfigDict(strict=True)

    tx_ref: TxRefText


def create_cancel_blueprint(
    settings: Settings,
    login: Login,
    store: Store,
    cancel: Callable[[TxRef], Awaitable[None]],
) -> Blueprint:
    """`cancel(tx_ref)` closes a top-up at PayOS, then here, and goes on when the payer leaves."""
    blueprint = Blueprint("cancel", __name__)

    @blueprint.post("/api/topup/cancel")
    @validate_request(CancelRequest)
    @answers(TopupStatus)
    @refuses(InvalidRequest, NotLoggedIn, TopupNotFound)
    @refuses(PayOSRefused, PayOSUnavailable, PayOSTimeout, DatabaseUnavailable)
    async def cancel_topup(data: CancelRequest) -> TopupStatus:
        """Call a top-up off, unless money has come: how it stands then, as its status says it."""
        user = await login.user()
        topup = await store.topup(user.user_id, parse_tx_ref(data.tx_ref))
        await cancel(topup.tx_ref)
        update = await store.topup_update(user.user_id, topup.tx_ref)
        return topup_status(update, gets_stream(user.user_id, settings.stream))

    return blueprint
