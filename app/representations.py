"""What clients are shown, in the shape of its JSON: for frames, for answers, for /openapi.json.

mypy holds the functions to the types, /openapi.json is made from the types, and the fuzz tests hold
the answers to /openapi.json.
"""

from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from app.model import (
    TX_REF_PATTERN,
    LedgerEntry,
    Status,
    Topup,
    TopupUpdate,
    TxRef,
    User,
    UserId,
    Wallet,
    iso,
)

Dong = Annotated[int, Field(description="in whole đồng")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]

TxRefText = Annotated[TxRef, Field(pattern=f"^{TX_REF_PATTERN.pattern}$")]


@with_config(extra="forbid")
class Account(TypedDict):
    """Who is logged in."""

    user_id: UserId
    username: str


@with_config(extra="forbid")
class StatusUpdate(TypedDict):
    """The members of a frame's `data`, and of the status answer."""

    tx_ref: TxRefText
    seq: Annotated[int, Field(ge=1)]
    type: str
    status: Status
    amount: Dong
    amount_paid: Dong
    confirmed_at: Moment | None
    late: bool
    under_review: bool
    final: bool
    wallet_balance: Dong
    expires_at: Moment
    recorded_at: Moment


@with_config(extra="forbid")
class TopupStatus(StatusUpdate):
    """How a top-up stands. `stream`: whether this user gets streams."""

    stream: bool


@with_config(extra="forbid")
class OpenedTopup(TypedDict):
    """A top-up and where to pay it; no link yet: null. `stream`: whether this user gets streams."""

    tx_ref: TxRefText
    order_code: Annotated[int, Field(ge=1)]
    amount: Dong
    amount_paid: Dong
    status: Status
    late: bool
    checkout_url: str | None
    qr_code: str | None
    bank_bin: str | None
    account_number: str | None
    account_name: str | None
    transfer_message: str | None
    expires_at: Moment
    stream: bool


@with_config(extra="forbid")
class Entry(TypedDict):
    """One posting on the wallet: signed amount, balance after it."""

    tx_ref: TxRefText | None
    type: str
    amount: Dong
    balance_after: Dong
    recorded_at: Moment


@with_config(extra="forbid")
class WalletContents(TypedDict):
    """The balance, the latest entries and the latest top-ups."""

    balance: Dong
    entries: list[Entry]
    topups: list[OpenedTopup]


@with_config(extra="forbid")
class Received(TypedDict):
    """PayOS need not send this again."""

    success: Literal[True]


@with_config(extra="forbid")
class Liveness(TypedDict):
    """The process answers."""

    status: Literal["ok"]


@with_config(extra="forbid")
class Readiness(TypedDict):
    """Whether this process may be sent traffic, and what it depends on."""

    status: Literal["ok", "unready"]
    checks: dict[str, bool]


class OfTopup(TypedDict):
    """The query of an address that is about one top-up."""

    tx_ref: TxRefText


def account(user: User) -> Account:
    return {"user_id": user.user_id, "username": user.username}


def status_update(update: TopupUpdate) -> StatusUpdate:
    return {
        "tx_ref": update.tx_ref,
        "seq": update.seq,
        "type": update.type,
        "status": update.status,
        "amount": update.amount,
        "amount_paid": update.amount_paid,
        "confirmed_at": None if update.confirmed_at is None else iso(update.confirmed_at),
        "late": update.late,
        "under_review": update.under_review,
        "final": update.final,
        "wallet_balance": update.wallet_balance,
        "expires_at": iso(update.expires_at),
        "recorded_at": iso(update.recorded_at),
    }


def topup_status(update: TopupUpdate, stream: bool) -> TopupStatus:
    return {**status_update(update), "stream": stream}


def opened_topup(topup: Topup, stream: bool) -> OpenedTopup:
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


def wallet_contents(wallet: Wallet, stream: bool) -> WalletContents:
    return {
        "balance": wallet.balance,
        "entries": [_entry(entry) for entry in wallet.entries],
        "topups": [opened_topup(topup, stream) for topup in wallet.topups],
    }


def _entry(entry: LedgerEntry) -> Entry:
    return {
        "tx_ref": entry.tx_ref,
        "type": entry.event_type,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
        "recorded_at": iso(entry.recorded_at),
    }
