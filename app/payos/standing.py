"""How a top-up stands, by what PayOS answered about its order."""

from app.model import EventType
from app.payos.answers import PAID, PENDING, UNDERPAID, LinkState
from app.reconciliation import Order

CLOSED_AS = {"CANCELLED": EventType.TOPUP_CANCELLED, "EXPIRED": EventType.TOPUP_EXPIRED}
UNDERSTOOD = frozenset({PENDING, PAID, UNDERPAID, "PROCESSING", *CLOSED_AS})
OVER = frozenset({PAID, *CLOSED_AS})


def is_ours(order: Order, state: LinkState) -> bool:
    """Not that of another installation, which came to the same order code."""
    if order.payment_link_id is None:  # nothing but amount and age to tell them apart by
        return order.amount == state.amount and not state.is_older_than(order.opened_at)
    return order.payment_link_id == state.payment_link_id


def is_without_money(state: LinkState | None) -> bool:
    """So that it may be closed: not even a transfer that we cannot read."""
    return state is None or not (state.amount_paid or state.transfers or state.unreadable_transfers)


def waits_for_money(state: LinkState | None) -> bool:
    """For its first."""
    return state is not None and state.status not in OVER and is_without_money(state)


def ending(order: Order, state: LinkState | None) -> EventType | None:
    """How the top-up ends, if it does. After its time it does, whatever PayOS calls it: what is
    paid later is credited all the same."""
    if not order.payable:
        return EventType.TOPUP_EXPIRED
    return None if state is None else CLOSED_AS.get(state.status)
