"""The nouns of napvi: what a top-up is, what can happen to it, what a browser is told.

Amounts are whole đồng (`int`), times are aware datetimes in UTC.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from app.errors import InvalidRequest

TxRef = NewType("TxRef", str)
"""Nine characters that name one top-up; short enough for PayOS's shortest description."""

UserId = NewType("UserId", int)

VIETNAM = timezone(timedelta(hours=7))
"""Vietnam keeps no summer time, so a fixed offset is its time zone."""

CROCKFORD_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TX_REF_PATTERN = re.compile(r"T[0-9A-HJKMNP-TV-Z]{8}")


def new_tx_ref() -> TxRef:
    """A random reference, 40 bits from the operating system."""
    return TxRef("T" + "".join(secrets.choice(CROCKFORD_BASE32) for _ in range(8)))


def parse_tx_ref(text: object) -> TxRef:
    """`text` as a TxRef. Raises InvalidRequest that names the field when the format is wrong."""
    if isinstance(text, str) and TX_REF_PATTERN.fullmatch(text):
        return TxRef(text)
    fault = "T followed by eight characters of 0-9 A-Z without I, L, O, U"
    raise InvalidRequest("tx_ref is malformed.", {"tx_ref": fault})


class Status(StrEnum):
    """Where a top-up stands. Source: topup.next_state."""

    PENDING = "pending"
    UNDERPAID = "underpaid"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class EventType(StrEnum):
    """What can be recorded. Source: the CHECK of topup.events; docs/events.md lists them."""

    TOPUP_OPENED = "topup.opened"
    TOPUP_RENUMBERED = "topup.renumbered"
    TOPUP_LINKED = "topup.linked"
    TOPUP_CANCELLED = "topup.cancelled"
    TOPUP_EXPIRED = "topup.expired"
    PAYMENT_RECEIVED = "payment.received"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CONFLICT = "payment.conflict"
    SUSPENSE_ASSIGNED = "suspense.assigned"


class Outcome(StrEnum):
    """What `append_events` did with one fact."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUSPENSE = "suspense"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Notified:
    """Whether a notification goes out, and how much of the notification queue is in use.

    `queue_usage`: 0 to 1, before this one. Above half nothing is sent.
    """

    sent: bool
    queue_usage: float


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened outside, ready to be appended to the log.

    `event_id` makes retries harmless. `tx_ref` is None when the database has to find the top-up
    by `data["order_code"]`. `data` is JSON without payer data; `body` the raw signed webhook.
    """

    event_id: UUID
    type: EventType
    data: dict[str, Any]
    occurred_at: datetime
    tx_ref: TxRef | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer to one Fact; `tx_ref` and `seq` are None in suspense, `sqlstate` if rejected."""

    outcome: Outcome
    tx_ref: TxRef | None
    seq: int | None
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True)
class TopupUpdate:
    """A top-up as it stood after event `seq`. Source: topup.read_updates.

    `final`: nothing more will come on this stream. `under_review`: no money is in the wallet yet,
    but a transfer came that waits for a person, who had not decided when this was read.
    `wallet_balance` is the owner's, in đồng, as of that event.
    """

    tx_ref: TxRef
    seq: int
    type: str  # an EventType, or one that only a newer process knows
    status: Status
    amount: int
    amount_paid: int
    late: bool
    under_review: bool
    final: bool
    wallet_balance: int
    confirmed_at: datetime | None
    expires_at: datetime
    recorded_at: datetime
    read_at: datetime = field(compare=False)  # by the same clock; not for browsers


@dataclass(frozen=True, slots=True)
class Topup:
    """The current state of a top-up. Source: topup.topups.

    `needs_link`: it waits for a first payment, for which nobody was told where to pay, and was
    in time when it was read, by the clock of the database.
    """

    tx_ref: TxRef
    user_id: UserId
    order_code: int
    amount: int
    amount_paid: int
    status: Status
    seq: int
    late: bool
    payment_link_id: str | None
    checkout_url: str | None
    qr_code: str | None
    bank_bin: str | None
    account_number: str | None
    account_name: str | None
    transfer_message: str | None
    expires_at: datetime
    confirmed_at: datetime | None
    opened_at: datetime
    needs_link: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """A top-up that somebody asked for, perhaps again; `request_id` holds the claim on its link."""

    topup: Topup
    request_id: UUID


@dataclass(frozen=True, slots=True)
class TopupEvent:
    """What happened to a top-up, for its owner. `amount`: the đồng that came, if it brought any."""

    tx_ref: TxRef
    type: str  # an EventType, or one that only a newer process knows
    amount: int | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """What PayOS made for an order: where to pay, and what the QR says."""

    payment_link_id: str
    checkout_url: str
    qr_code: str
    bank_bin: str
    account_number: str
    account_name: str
    transfer_message: str


@dataclass(frozen=True, slots=True)
class User:
    user_id: UserId
    username: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One posting on a wallet: signed amount, balance after it. Source: topup.ledger_entries."""

    tx_ref: TxRef | None
    event_type: str  # an EventType, or one that only a newer process knows
    amount: int
    balance_after: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Wallet:
    balance: int
    entries: list[LedgerEntry]
    topups: list[Topup]


def iso(moment: datetime) -> str:
    """RFC 3339 with microseconds, as PostgreSQL has them."""
    return moment.isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Books:
    """All the money there is, in đồng, and how many rows do not fit it.

    `recovered` transfers came from PayOS's answers, not its webhooks; `conflicts` are no money.
    `received_for`: what transfers brought, by the order code that PayOS told, in digits.
    Source: audit.money_equation, audit.drift(), topup.events.
    """

    received: int
    in_wallets: int
    in_suspense: int
    difference: int
    recovered: int
    conflicts: int
    received_for: Mapping[str, int]
    drift: int
