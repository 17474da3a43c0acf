"""Brings a top-up into a status, and an event to it, through the doors of payments."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import psycopg
from psycopg import AsyncConnection

from app.model import EventType, Fact, Status, Topup, TxRef, UserId, new_tx_ref
from tests.laws import doors
from tests.laws.event_table import NO_TOPUP, Cell
from tests.laws.expected import DETAILS
from tests.payments import (
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    about,
    failure,
    linked,
    transfer,
)

AMOUNT = 50_000
PARTIAL = 20_000
REFUSED = {"TU002", "TU005"}
"""There is no such top-up; the tx_ref is another's."""


@dataclass(frozen=True)
class Meeting:
    """`happen` lets the event come, and bears it if it is refused."""

    tx_ref: TxRef
    user_id: UserId
    happen: Callable[[], Awaitable[None]]


async def meet(connection: AsyncConnection, cell: Cell, with_link: bool) -> Meeting:
    user_id = await doors.register(connection)
    topup = None
    if cell.standing != NO_TOPUP:
        topup = await bring_to(connection, user_id, Status(cell.standing), with_link)
    tx_ref = topup.tx_ref if topup else new_tx_ref()
    amount = PARTIAL if cell.case == "below the amount" else AMOUNT
    door = await _door(connection, EventType(cell.event), amount, topup, tx_ref)

    async def happen() -> None:
        try:
            await door()
        except doors.Rejected as rejected:
            assert set(rejected.args[0]) <= REFUSED
        except psycopg.Error as error:
            assert error.sqlstate in REFUSED

    return Meeting(tx_ref, user_id, happen)


async def bring_to(
    connection: AsyncConnection, user_id: UserId, status: Status, with_link: bool
) -> Topup:
    """Money comes by assignment, which tells no link."""
    topup = await doors.open_topup(connection, new_tx_ref(), user_id, AMOUNT)
    if with_link:
        await doors.append(connection, [linked(topup.tx_ref)])
    closing = {
        Status.FAILED: failure(topup.order_code, AMOUNT),
        Status.CANCELLED: about(topup.tx_ref, EventType.TOPUP_CANCELLED),
        Status.EXPIRED: about(topup.tx_ref, EventType.TOPUP_EXPIRED),
    }
    if status in closing:
        await doors.append(connection, [closing[status]])
    elif status != Status.PENDING:
        paid = await suspended(connection, AMOUNT if status == Status.CONFIRMED else PARTIAL)
        await doors.assign(connection, paid.event_id, topup.tx_ref)
    return topup


async def suspended(connection: AsyncConnection, amount: int) -> Fact:
    fact = transfer(UNKNOWN_ORDER, amount)
    await doors.append(connection, [fact])
    return fact


async def _door(
    connection: AsyncConnection,
    type: EventType,
    amount: int,
    topup: Topup | None,
    tx_ref: TxRef,
) -> Callable[[], Awaitable[object]]:
    """What the event needs is there when this returns; the door has not been opened."""
    order_code = topup.order_code if topup else UNKNOWN_ORDER
    match type:
        case EventType.TOPUP_OPENED:
            user_id = await doors.register(connection)
            return lambda: doors.open_topup(connection, tx_ref, user_id, AMOUNT)
        case EventType.TOPUP_RENUMBERED:
            return lambda: doors.renumber(connection, tx_ref, order_code)
        case EventType.SUSPENSE_ASSIGNED:
            waiting = await suspended(connection, amount)
            return lambda: doors.assign(connection, waiting.event_id, tx_ref)
    fact = await _fact(connection, type, amount, order_code, tx_ref)
    return lambda: doors.append(connection, [fact])


async def _fact(
    connection: AsyncConnection, type: EventType, amount: int, order_code: int, tx_ref: TxRef
) -> Fact:
    match type:
        case EventType.TOPUP_LINKED:
            details = {name: f"other {name}" for name in DETAILS}
            return about(tx_ref, type, payment_link_id=FOREIGN_LINK, **details)
        case EventType.PAYMENT_RECEIVED:
            return transfer(order_code, amount)
        case EventType.PAYMENT_FAILED:
            return failure(order_code, amount)
        case EventType.PAYMENT_CONFLICT:
            known = await suspended(connection, amount)
            other = known.data | {"order_code": order_code, "amount": amount + 1}
            return replace(known, data=other)
        case _:
            return about(tx_ref, type)
