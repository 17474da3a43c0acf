"""Histories for the law of the fold: drawn by Hypothesis, of facts that refer to each other."""

from dataclasses import dataclass, replace
from uuid import uuid4, uuid5

from hypothesis import strategies as st

from app.model import EventType, Fact, Topup
from tests.payments import TRANSFERS, UNKNOWN_ORDER, about, failure, linked, transfer

USERS = 2
TOPUPS = 3
AMOUNTS = (30_000, 30_000, 50_000)
"""Two alike, so that a description can be ambiguous."""

topup = st.integers(0, TOPUPS - 1)
reference = st.integers(0, 2).map(str)
amount = st.sampled_from([10_000, 30_000, 60_000])
"""Part of a top-up, all of some, more than any."""


@dataclass(frozen=True)
class Pays:
    topup: int
    link_of: int
    amount: int
    reference: str
    first_code: bool = False
    """Under the order code that the top-up had first; it may have another one by now."""


@dataclass(frozen=True)
class PaysWithoutReference:
    topup: int
    amount: int
    described: list[int]
    """Top-ups that its text names: it may be what one of them was credited."""
    unknown_order: bool


@dataclass(frozen=True)
class PaysUnknownOrder:
    described: list[int]
    amount: int
    reference: str


@dataclass(frozen=True)
class Fails:
    topup: int
    link_of: int
    copy: int


@dataclass(frozen=True)
class Concerns:
    topup: int
    type: EventType
    copy: int


@dataclass(frozen=True)
class Renumbers:
    topup: int


@dataclass(frozen=True)
class Assigns:
    nth: int
    topup: int


@dataclass(frozen=True)
class Accepts:
    nth: int
    topup: int


Told = Pays | PaysWithoutReference | PaysUnknownOrder | Fails | Concerns
Step = Told | Renumbers | Assigns | Accepts

own_payment = st.builds(
    lambda index, *transfer: Pays(index, index, *transfer),
    topup,
    amount,
    reference,
    st.sampled_from([False, False, True]),
)
told: st.SearchStrategy[Told] = st.one_of(
    own_payment,
    own_payment,
    st.builds(Pays, topup, topup, amount, reference),
    st.builds(
        PaysWithoutReference,
        topup,
        amount,
        st.lists(topup, max_size=2, unique=True),
        st.booleans(),
    ),
    st.builds(PaysUnknownOrder, st.lists(topup, max_size=2, unique=True), amount, reference),
    st.builds(Fails, topup, topup, st.integers(0, 1)),
    st.builds(
        Concerns,
        topup,
        st.sampled_from(
            [EventType.TOPUP_LINKED, EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED]
        ),
        st.integers(0, 1),
    ),
)
step: st.SearchStrategy[Step] = st.one_of(
    told,
    st.builds(Renumbers, topup),
    st.builds(Assigns, st.integers(0, 2), topup),
    st.builds(Accepts, st.integers(0, 2), topup),
)


@dataclass(frozen=True)
class History:
    """`owners`: the user of each top-up. `together`: whether a step joins the batch before it."""

    owners: list[int]
    steps: list[Step]
    together: list[bool]


@st.composite
def histories(draw: st.DrawFn) -> History:
    owners = draw(st.lists(st.integers(0, USERS - 1), min_size=TOPUPS, max_size=TOPUPS))
    steps = draw(st.lists(step, min_size=1, max_size=30))
    mostly = st.sampled_from([True, True, True, False])
    together = draw(st.lists(mostly, min_size=len(steps), max_size=len(steps)))
    return History(owners, steps, together)


class Facts:
    """The facts of one history; equal steps give equal event ids, in this history only."""

    def __init__(self, topups: list[Topup]) -> None:
        self._topups = topups
        self._order_codes = [[topup.order_code] for topup in topups]
        self._links = [uuid4().hex for _ in topups]
        self._foreign_link = uuid4().hex
        self._salt = uuid4()

    def add(self, topup: Topup) -> None:
        self._topups.append(topup)
        self._order_codes.append([topup.order_code])
        self._links.append(uuid4().hex)

    def order_code(self, index: int) -> int:
        return self._order_codes[index][-1]

    def renumber(self, index: int, order_code: int) -> None:
        self._order_codes[index].append(order_code)

    def of(self, step: Told) -> Fact:
        match step:
            case Pays(index, link_of, amount, reference, first_code):
                order_code = self._order_codes[index][0 if first_code else -1]
                tx_refs = [self._topups[index].tx_ref] if index == link_of else []
                return transfer(
                    order_code,
                    amount,
                    reference,
                    self._links[link_of],
                    description_tx_refs=tx_refs,
                )
            case PaysWithoutReference(index, amount, described, unknown_order):
                fact = transfer(
                    UNKNOWN_ORDER if unknown_order else self.order_code(index),
                    amount,
                    link=self._foreign_link if unknown_order else self._links[index],
                    unmatchable="reference.missing",
                    description_tx_refs=[self._topups[named].tx_ref for named in described],
                )
                return self._named(fact, "blank", str(step))
            case PaysUnknownOrder(described, amount, reference):
                tx_refs = [self._topups[index].tx_ref for index in described]
                fact = transfer(
                    UNKNOWN_ORDER, amount, link=self._foreign_link, description_tx_refs=tx_refs
                )
                return self._named(fact, "unknown", reference)
            case Fails(index, link_of, copy):
                amount = self._topups[index].amount
                fact = failure(self.order_code(index), amount, self._links[link_of])
                return self._named(fact, "fails", f"{index} {link_of} {copy}")
            case Concerns(index, EventType.TOPUP_LINKED, copy):
                fact = linked(self._topups[index].tx_ref, self._links[index])
                return self._named(fact, "linked", f"{index} {copy}")
            case Concerns(index, type, copy):
                fact = about(self._topups[index].tx_ref, type)
                return self._named(fact, type, f"{index} {copy}")

    def _named(self, fact: Fact, kind: str, name: str) -> Fact:
        return replace(fact, event_id=uuid5(TRANSFERS, f"{self._salt}/{kind}/{name}"))
