"""One history with everything in it: every type of event in every status, batches whose facts
depend on each other, suspense, conflicts, money that comes late and money that is too much.
"""

from dataclasses import replace

from app.model import EventType, Fact, Topup, TxRef, UserId
from tests.laws.expected import DETAILS
from tests.mutations.clerk import Clerk
from tests.payments import UNKNOWN_ORDER, about, failure, linked, transfer

CANCELLED, EXPIRED = EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED
MINUTE = "2026-01-02T03:04:05+00:00"


async def tell(clerk: Clerk, anna: UserId, binh: UserId) -> None:
    await paid_in_parts(clerk, anna)
    await paid_before_it_was_linked(clerk, anna, binh)
    await paid_late(clerk, anna, binh)
    await paid_by_description(clerk, binh)
    await judged_in_a_batch(clerk, anna, binh)
    await told_in_two_ways(clerk, binh)
    await left_as_they_are(clerk, anna, binh)
    await refused(clerk, anna)


async def paid_in_parts(clerk: Clerk, anna: UserId) -> None:
    topup = await clerk.open("T0000000A", anna, 50_000, "key")
    link = _link("a")
    await clerk.append(linked(topup.tx_ref, link))
    await clerk.append(_pays(topup, 20_000, "a"))
    await clerk.append(_linked_otherwise(topup))
    await clerk.append(*_ends(topup, link))
    await clerk.append(_pays(topup, 30_000, "a"), _pays(topup, 1, "a"))
    await clerk.append(*_ends(topup, link))
    await clerk.append(_pays(topup, 5_000, "a"))
    await clerk.append(_linked_otherwise(topup, **dict.fromkeys(DETAILS, "")))


async def paid_before_it_was_linked(clerk: Clerk, anna: UserId, binh: UserId) -> None:
    topup = await clerk.open("T0000000B", anna, 30_000)
    taken = topup.order_code
    topup = replace(topup, order_code=await clerk.renumber(topup))
    await clerk.append(transfer(taken, 30_000, "taken", _link("b")))
    # One and the same batch: the link of the first payment makes that of the second foreign.
    foreign = transfer(topup.order_code, 30_000, "foreign", _link("x"))
    await clerk.append(_pays(topup, 30_000, "b"), foreign)
    await clerk.append(linked(topup.tx_ref, _link("y")))
    await clerk.renumber(topup)
    other = await clerk.open("T0000000C", binh, 40_000)
    await clerk.assign(foreign, other)
    await clerk.assign(foreign, other)
    await clerk.assign(foreign, topup)
    await clerk.append(_pays(other, 10_000, "c"))


async def paid_late(clerk: Clerk, anna: UserId, binh: UserId) -> None:
    waiting = transfer(UNKNOWN_ORDER, 30_000)
    await clerk.append(waiting)
    cancelled = await clerk.open("T0000000D", binh, 50_000)
    await clerk.append(about(cancelled.tx_ref, CANCELLED))
    await clerk.append(*_ends(cancelled, _link("d")))
    await clerk.append(linked(cancelled.tx_ref, _link("d")))
    await clerk.append(_pays(cancelled, 20_000, "d"))
    await clerk.assign(waiting, cancelled)
    expired = await clerk.open("T0000000E", anna, 40_000)
    await clerk.append(about(expired.tx_ref, EXPIRED), *_ends(expired, _link("e")))
    await clerk.append(_pays(expired, 40_000, "e"))
    failed = await clerk.open("T0000000F", anna, 40_000)
    await clerk.append(failure(failed.order_code, 40_000, _link("f")), *_ends(failed, _link("f")))
    first = _pays(failed, 7_000, "f")
    await clerk.append(first)
    again = replace(first, data=first.data | {"amount": 8_000})
    await clerk.append(again, first, again)
    await clerk.accept((first.event_id, failed.order_code, 8_000, False), failed)


async def paid_by_description(clerk: Clerk, binh: UserId) -> None:
    one = await clerk.open("T0000000G", binh, 25_000)
    two = await clerk.open("T0000000H", binh, 25_000)
    both = _describes(25_000, one, two)
    await clerk.append(both)
    await clerk.append(about(two.tx_ref, CANCELLED))
    # `both` would belong to `one` by now; but it has been recorded, so `one` still waits.
    await clerk.append(both, _describes(25_000, one))
    await clerk.append(linked(one.tx_ref, _link("g")), _pays(one, 1_000, "g"))
    three = await clerk.open("T0000000J", binh, 25_000)
    await clerk.append(linked(three.tx_ref, _link("h")))
    await clerk.append(_describes(25_000, three), _describes(25_000, three))
    four = await clerk.open("T000000A1", binh, 25_000)
    five = await clerk.open("T000000A0", binh, 25_000)
    # Told again, it names another one, which still waits for its own.
    paid = _describes(25_000, four)
    again = replace(paid, data=paid.data | {"description_tx_refs": [five.tx_ref]})
    await clerk.append(paid, again, _describes(25_000, five))


async def judged_in_a_batch(clerk: Clerk, anna: UserId, binh: UserId) -> None:
    one = await clerk.open("T0000000K", anna, 60_000)
    two = await clerk.open("T0000000M", binh, 60_000)
    paid = _pays(two, 15_000, "k")
    await clerk.append(
        about(one.tx_ref, CANCELLED),
        paid,
        about(two.tx_ref, EXPIRED),
        _describes(60_000, one),
        _pays(one, 60_000, "m"),
        paid,
        replace(paid, data=paid.data | {"amount": 16_000}),
        transfer(two.order_code, 2_000, "foreign", _link("z")),
        transfer(UNKNOWN_ORDER, 3_000),
    )
    three = await clerk.open("T0000000Y", anna, 60_000)
    links = linked(three.tx_ref, _link("p")), linked(three.tx_ref, _link("q"))
    await clerk.append(*links, _pays(three, 1_000, "p"), _pays(three, 1_000, "q"))


async def told_in_two_ways(clerk: Clerk, binh: UserId) -> None:
    """By a webhook and by GET, under two references."""
    topup = await clerk.open("T0000000N", binh, 90_000)
    by_webhook, by_get = _told(topup, "web"), _told(topup, "get", source="payos.get", listed=[])
    await clerk.append(by_webhook, by_get)
    await clerk.append(by_get)
    other = await clerk.open("T0000000P", binh, 90_000)
    held, first = _told(other, "web"), _told(other, "get", source="payos.get", listed=[])
    await clerk.append(first)
    await clerk.append(held)
    conflict = (held.event_id, other.order_code, 30_000, True)
    await clerk.accept(conflict, other)
    await clerk.append(held)
    await clerk.accept((by_get.event_id, topup.order_code, 30_000, True), topup)
    await clerk.append(replace(by_get, data=by_get.data | {"listed": ["web"]}))
    await clerk.append(_told(topup, "second", source="payos.get", listed=["web"]))


async def left_as_they_are(clerk: Clerk, anna: UserId, binh: UserId) -> None:
    await clerk.open("T0000000Q", anna, 10_000)
    linked_only = await clerk.open("T0000000R", binh, 10_000)
    await clerk.append(linked(linked_only.tx_ref, _link("r")))
    underpaid = await clerk.open("T0000000S", anna, 10_000)
    lost = transfer(UNKNOWN_ORDER, 900)
    await clerk.append(_pays(underpaid, 100, "s"), lost, failure(UNKNOWN_ORDER, 1))
    await clerk.append(replace(lost, data=lost.data | {"amount": 901}))
    for number, closing in enumerate((CANCELLED, EXPIRED, EventType.PAYMENT_FAILED)):
        topup = await clerk.open(f"T000000{number}T", binh, 10_000)
        await clerk.append(next(fact for fact in _ends(topup, _link("t")) if fact.type == closing))
        # The transfer of `underpaid`, told of this one: evidence, in the closed status.
        await clerk.append(transfer(topup.order_code, 77, "100", _link("s")))
        await clerk.renumber(topup)


async def refused(clerk: Clerk, anna: UserId) -> None:
    topup = await clerk.open("T0000000X", anna, 10_000)
    for type in (
        EventType.TOPUP_OPENED,
        EventType.TOPUP_RENUMBERED,
        EventType.PAYMENT_CONFLICT,
        EventType.SUSPENSE_ASSIGNED,
    ):
        await clerk.refuse("TU006", about(topup.tx_ref, type, amount=1, order_code=1))
    await clerk.refuse("TU002", about(TxRef("T0000000Z"), CANCELLED))


def _link(letter: str) -> str:
    return letter * 32


def _pays(topup: Topup, amount: int, link: str) -> Fact:
    """Equal amounts through one link are one transfer."""
    return transfer(topup.order_code, amount, str(amount), _link(link))


def _told(topup: Topup, reference: str, **data: object) -> Fact:
    link = _link("n") + topup.tx_ref
    return transfer(topup.order_code, 30_000, reference, link, transaction_at=MINUTE, **data)


def _describes(amount: int, *topups: Topup) -> Fact:
    tx_refs = [topup.tx_ref for topup in topups]
    return transfer(UNKNOWN_ORDER, amount, description_tx_refs=tx_refs)


def _linked_otherwise(topup: Topup, **details: str) -> Fact:
    told = {name: f"other {name}" for name in DETAILS} | details
    return about(topup.tx_ref, EventType.TOPUP_LINKED, payment_link_id=_link("w"), **told)


def _ends(topup: Topup, link: str) -> tuple[Fact, ...]:
    """In every way that may end a top-up without money."""
    return (
        failure(topup.order_code, topup.amount, link),
        about(topup.tx_ref, CANCELLED),
        about(topup.tx_ref, EXPIRED),
    )
