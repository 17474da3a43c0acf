"""Facts about one top-up as PayOS would tell them, some of them strange; few, so that they repeat.

What is repeated with other content is a conflict, and what has no top-up waits in suspense.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid5

from app.model import EventType, Fact, TxRef
from tests.payments import (
    FOREIGN_LINK,
    TRANSFERS,
    UNKNOWN_ORDER,
    about,
    failure,
    linked,
    transfer,
)

REFERENCES = 12
STRAYS = 200


def draw_fact(dice: random.Random, tx_ref: TxRef, code: int) -> Fact:
    """`code`: an order code of the top-up, perhaps one that it has given up."""
    link, stray = uuid5(TRANSFERS, tx_ref).hex, dice.randrange(STRAYS)
    end = dice.choice([EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED])
    weights: dict[Callable[[], Fact], int] = {
        lambda: draw_payment(dice, code, link): 60,
        lambda: about(tx_ref, end): 6,
        lambda: failure(code, 1_000, link): 4,
        lambda: linked(tx_ref, link): 8,
        lambda: transfer(code, 1_000, f"foreign {stray}", FOREIGN_LINK): 4,
        lambda: transfer(UNKNOWN_ORDER, 2_000, f"stray {stray}"): 8,
        lambda: described(tx_ref, stray): 6,
        lambda: blank(code, link, stray): 4,
    }
    [make] = dice.choices(list(weights), list(weights.values()))
    fact = make()
    return replace(fact, body=str(fact.data).encode()) if dice.random() < 0.7 else fact


def draw_payment(dice: random.Random, code: int, link: str) -> Fact:
    """One of few transfers of this top-up, now and then with other content, or by GET."""
    number = dice.randrange(REFERENCES)
    amount = 1_000 * (1 + number % 3) + (500 if dice.random() < 0.03 else 0)
    if dice.random() < 0.15:
        reference = f"{number}" if dice.random() < 0.5 else f"GET {number}"
        return transfer(code, amount, reference, link, source="payos.get", listed=[reference])
    return transfer(code, amount, f"{number}", link)


def described(tx_ref: TxRef, stray: int) -> Fact:
    """Without an order code that is known: for whichever top-up it names first."""
    reference = f"described {stray}"
    return transfer(UNKNOWN_ORDER, 5_000, reference, description_tx_refs=[tx_ref])


def blank(code: int, link: str, stray: int) -> Fact:
    fact = transfer(code, 1_000, link=link, unmatchable="reference.missing")
    return replace(fact, event_id=uuid5(TRANSFERS, f"blank {stray}"))
