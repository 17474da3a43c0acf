"""What the Store reads and writes, against the schema as it is."""

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TypeVar
from unittest.mock import ANY
from uuid import uuid4

import pytest

from app.database.store import Store
from app.errors import TopupNotFound
from app.model import (
    Appended,
    EventType,
    LedgerEntry,
    Outcome,
    Status,
    TopupEvent,
    TopupUpdate,
    TxRef,
    UserId,
    Wallet,
)
from tests.payments import (
    LINK,
    UNKNOWN_ORDER,
    Process,
    about,
    failure,
    linked,
    query,
    transfer,
)

T = TypeVar("T")


async def test_what_became_of_each_fact_comes_in_its_order(process: Process) -> None:
    topup, other = await process.topup(50_000), await process.topup(50_000)
    first, stray = transfer(topup.order_code, 1_000), transfer(UNKNOWN_ORDER, 1_000)
    answers = await process.store.append_events(
        [
            transfer(other.order_code, 1_000),
            stray,
            first,
            first,
            about(TxRef("T0000000Z"), EventType.TOPUP_EXPIRED),
            transfer(topup.order_code, 2_000),
        ]
    )
    assert answers == [
        Appended(Outcome.APPLIED, other.tx_ref, 2),
        Appended(Outcome.SUSPENSE, None, None),
        Appended(Outcome.APPLIED, topup.tx_ref, 2),
        Appended(Outcome.DUPLICATE, topup.tx_ref, 2),
        Appended(Outcome.REJECTED, None, None, "TU002"),
        Appended(Outcome.APPLIED, topup.tx_ref, 3),
    ]
    assert all(isinstance(answer.outcome, Outcome) for answer in answers)


async def test_a_link_is_stored_with_what_a_payer_needs(process: Process) -> None:
    topup = await process.topup()
    await process.store.append_events([linked(topup.tx_ref)])
    found = await process.store.topup(topup.user_id, topup.tx_ref)
    assert (found.payment_link_id, found.checkout_url) == (LINK, f"https://pay.example/{LINK}")
    assert (found.bank_bin, found.account_number) == ("970422", "1234567890")
    assert (found.account_name, found.transfer_message) == ("NAPVI", f"CS1234567 {topup.tx_ref}")


async def test_updates_after_a_cursor_and_always_the_latest(process: Process) -> None:
    topup, other = await process.topup(50_000), await process.topup(50_000)
    await process.store.append_events(
        [
            linked(topup.tx_ref),
            transfer(topup.order_code, 20_000),
            transfer(topup.order_code, 30_000),
        ]
    )

    async def read(cursors: dict[TxRef, int | None]) -> list[tuple[TxRef, int]]:
        updates = await process.store.read_updates(cursors)
        return [(update.tx_ref, update.seq) for update in updates]

    for after in range(5):
        seqs = [seq for _, seq in await read({topup.tx_ref: after})]
        assert seqs == (list(range(after + 1, 5)) or [4])
    assert await read({topup.tx_ref: None}) == [(topup.tx_ref, 4)]
    assert await read({topup.tx_ref: 10**18}) == [(topup.tx_ref, 4)]
    assert await read({TxRef("T0000000Z"): 0}) == []
    assert await read({}) == []
    assert sorted(await read({topup.tx_ref: 2, other.tx_ref: None})) == sorted(
        [(topup.tx_ref, 3), (topup.tx_ref, 4), (other.tx_ref, 1)]
    )


async def test_an_update_says_how_the_topup_stands(process: Process) -> None:
    topup = await process.topup(50_000)
    await process.store.append_events([transfer(topup.order_code, 20_000)])
    await process.store.append_events([transfer(topup.order_code, 40_000)])
    first, second = await process.store.read_updates({topup.tx_ref: 1})
    assert first == TopupUpdate(
        tx_ref=topup.tx_ref,
        seq=2,
        type=EventType.PAYMENT_RECEIVED,
        status=Status.UNDERPAID,
        amount=50_000,
        amount_paid=20_000,
        late=False,
        under_review=False,
        final=False,
        wallet_balance=20_000,
        confirmed_at=None,
        expires_at=topup.expires_at,
        recorded_at=ANY,
        read_at=ANY,
    )
    assert (second.status, second.amount_paid, second.wallet_balance) == (
        Status.CONFIRMED,
        60_000,
        60_000,
    )
    assert second.final
    assert second.confirmed_at == second.recorded_at
    assert second.recorded_at.tzinfo == UTC or second.recorded_at.utcoffset() == timedelta(0)
    assert await process.store.topup_update(topup.user_id, topup.tx_ref) == second


@pytest.mark.parametrize(("grace_seconds", "final"), [(0.0, True), (900.0, False)])
async def test_a_close_is_final_after_the_grace(
    process: Process, grace_seconds: float, final: bool
) -> None:
    topup = await process.topup()
    await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_EXPIRED)])
    store = Store(process.database, process.database, grace_seconds)
    update = await store.topup_update(topup.user_id, topup.tx_ref)
    assert (update.status, update.final) == (Status.EXPIRED, final)


async def test_a_topup_of_somebody_else_is_not_found(process: Process) -> None:
    topup, stranger = await process.topup(), await process.user()
    for user, tx_ref in ((stranger, topup.tx_ref), (topup.user_id, TxRef("T0000000Z"))):
        with pytest.raises(TopupNotFound):
            await process.store.topup(user, tx_ref)
        with pytest.raises(TopupNotFound):
            await process.store.topup_update(user, tx_ref)


async def test_a_wallet_shows_its_latest_entries_and_topups(process: Process) -> None:
    user = await process.user()
    topups = [await process.topup(50_000, user) for _ in range(22)]
    facts = [transfer(topups[n % 3].order_code, 1_000 + n) for n in range(25)]
    await process.store.append_events(facts)
    wallet = await process.store.wallet(user)
    assert wallet.balance == sum(1_000 + n for n in range(25))
    assert await process.store.balance(user) == wallet.balance
    assert [entry.amount for entry in wallet.entries] == list(range(1_024, 1_004, -1))
    assert wallet.entries[0] == LedgerEntry(
        tx_ref=topups[0].tx_ref,
        event_type=EventType.PAYMENT_RECEIVED,
        amount=1_024,
        balance_after=wallet.balance,
        recorded_at=ANY,
    )
    assert [topup.tx_ref for topup in wallet.topups] == [
        topup.tx_ref for topup in reversed(topups)
    ][:20]


async def test_a_wallet_that_is_not_there_is_empty(process: Process) -> None:
    assert await process.store.wallet(UserId(10**9)) == Wallet(0, [], [])
    assert await process.store.balance(UserId(10**9)) == 0


async def test_the_history_of_a_topup_says_what_money_came(process: Process) -> None:
    user = await process.user()
    paid, waiting = await process.topup(50_000, user), await process.topup(60_000, user)
    await process.store.append_events(
        [
            linked(paid.tx_ref),
            transfer(paid.order_code, 20_000),
            failure(paid.order_code, 30_000),
            transfer(paid.order_code, 30_000),
        ]
    )
    history = await process.store.history(user, [paid.tx_ref, waiting.tx_ref])
    assert [(event.type, event.amount) for event in history[paid.tx_ref]] == [
        (EventType.TOPUP_OPENED, None),
        (EventType.TOPUP_LINKED, None),
        (EventType.PAYMENT_RECEIVED, 20_000),
        (EventType.PAYMENT_FAILED, None),
        (EventType.PAYMENT_RECEIVED, 30_000),
    ]
    assert history[waiting.tx_ref] == [
        TopupEvent(waiting.tx_ref, EventType.TOPUP_OPENED, None, waiting.opened_at)
    ]


async def test_a_long_history_is_that_of_late(process: Process) -> None:
    topup = await process.topup(10**9)
    await process.store.append_events([transfer(topup.order_code, n) for n in range(1, 31)])
    history = await process.store.history(topup.user_id, [topup.tx_ref])
    assert [event.amount for event in history[topup.tx_ref]] == list(range(11, 31))


async def test_a_foreign_history_is_not_told(process: Process) -> None:
    mine, yours = await process.topup(), await process.topup()
    assert await process.store.history(mine.user_id, [yours.tx_ref]) == {}
    assert await process.store.history(mine.user_id, []) == {}


async def test_a_wallet_is_read_in_one_snapshot(process: Process) -> None:
    """The balance is that of its latest entry, however many payments come meanwhile."""
    topup = await process.topup(10**9)
    done = False

    async def pay() -> None:
        for _ in range(60):
            await process.store.append_events([transfer(topup.order_code, 1_000)])

    async def look() -> None:
        while not done:
            wallet = await process.store.wallet(topup.user_id)
            latest = [entry.balance_after for entry in wallet.entries[:1]]
            assert latest == ([wallet.balance] if wallet.balance else [])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(look())
        await pay()
        done = True


async def test_a_body_that_no_event_came_of_is_kept_with_its_fault(
    process: Process, database_url: str
) -> None:
    for _ in range(2):
        await process.store.keep_body(b"\x00\xff{}", "amount: must be a number")
    assert await query(database_url, "SELECT raw, fault FROM topup.payos_bodies") == [
        (b"\x00\xff{}", "amount: must be a number")
    ]


async def test_a_link_found_again_takes_no_qr_code_away(process: Process) -> None:
    topup = await process.topup()
    found_again = linked(topup.tx_ref)
    for untold in ("qr_code", "bank_bin", "account_number", "account_name", "transfer_message"):
        found_again.data[untold] = ""
    await process.store.append_events([found_again])
    assert (await process.store.topup(topup.user_id, topup.tx_ref)).qr_code is None
    await process.store.append_events(
        [linked(topup.tx_ref), replace(found_again, event_id=uuid4())]
    )
    told = await process.store.topup(topup.user_id, topup.tx_ref)
    assert (told.qr_code, told.account_number) == ("0002010102", "1234567890")
    assert (told.bank_bin, told.account_name) == ("970422", "NAPVI")
    assert told.transfer_message == f"CS1234567 {topup.tx_ref}"
