"""One bank transfer: what identifies it and what its text says, in a webhook and in an answer.

The reconciler asks PayOS for the transfers that a webhook should have brought; both must arrive
at the same event id, or money would be credited twice.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID, uuid5

from app.model import TX_REF_PATTERN, VIETNAM, EventType, Fact
from app.payos.fields import Fields, loose_text, text, whole
from app.payos.signature import PRINTED_AS_EMPTY

SUCCESS = "00"

EVENT_ID_NAMESPACE = UUID("d7c760b5-bbc2-4817-90d9-7e0cb6a8425a")
"""Drawn once, for every event id that comes from PayOS. To change it would make each transfer
that is delivered again look like a new one."""

TX_REF_ANYWHERE = re.compile(f"(?=({TX_REF_PATTERN.pattern}))")
TX_REFS_MAX = 16
YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as PayOS tells of it. `at` is None where its time cannot be read."""

    order_code: int
    payment_link_id: str
    reference: str
    amount: int
    account_number: str
    description: str
    at: datetime | None
    code: str = SUCCESS
    currency: str = "VND"

    @classmethod
    def read(cls, data: Fields, order_code: int, payment_link_id: str, code: str = SUCCESS) -> Self:
        """One to this order; one that failed may have brought nothing. Strict about what identifies
        it, and about nothing else. Raises InvalidRequest that names the field."""
        return cls(
            order_code=order_code,
            payment_link_id=payment_link_id,
            reference=text(data, "reference", nul_allowed=True),
            amount=whole(data, "amount", smallest=1 if code == SUCCESS else 0),
            account_number=loose_text(data, "accountNumber"),
            description=loose_text(data, "description"),
            at=transaction_time(data.get("transactionDateTime")),
            code=code,
        )

    def fact(self, channel: str, body: bytes | None = None, /, **more: object) -> Fact:
        """What the log keeps, whoever tells of it; the payer and the description stay behind.

        `channel` is our PayOS client id; `more`: what only this teller knows. The event id of a
        failure has its code, so that a later success counts.
        """
        told_apart = (channel, self.payment_link_id, self.reference)
        received = self.code == SUCCESS
        facts = {
            "channel": channel,
            "order_code": self.order_code,
            "payment_link_id": self.payment_link_id,
            "reference": recorded_reference(self.reference),
            "amount": self.amount,
            "currency": self.currency,
            "code": self.code,
            "account_number": self.account_number,
            "transaction_at": self.at.isoformat() if self.at else None,
            "description_tx_refs": tx_refs_in(self.description),
        }
        return Fact(
            event_id=event_id(*told_apart) if received else event_id(*told_apart, self.code),
            type=EventType.PAYMENT_RECEIVED if received else EventType.PAYMENT_FAILED,
            data=facts | more,
            occurred_at=(self.at or datetime.now(UTC)).astimezone(UTC),
            body=body,
        )


def event_id(*parts: str) -> UUID:
    """The event id that belongs to `parts`; never the same for two different lists of parts."""
    return uuid5(EVENT_ID_NAMESPACE, json.dumps(parts, separators=(",", ":")))


def recorded_reference(reference: str) -> str:
    """The reference as PostgreSQL can hold it."""
    return reference.replace("\0", "\ufffd")


def is_blank(reference: str) -> bool:
    """Nothing to tell two transfers apart by; the signature takes "null" for nothing as well."""
    return not reference.strip() or reference in PRINTED_AS_EMPTY


def transaction_time(value: object) -> datetime | None:
    """A transactionDateTime, in Vietnam's time also where it has no offset. None if unreadable."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or moment.year not in YEARS:
        return None
    return moment.astimezone(VIETNAM) if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def tx_refs_in(description: str) -> list[str]:
    """Whatever looks like a tx_ref in a bank's text, in order, at most TX_REFS_MAX.

    Overlapping ones too: PayOS puts a random code in front, and a bank may drop the space.
    """
    found = (match[1] for match in TX_REF_ANYWHERE.finditer(description.upper()))
    return list(dict.fromkeys(found))[:TX_REFS_MAX]
