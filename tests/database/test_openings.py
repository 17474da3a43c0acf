"""From a request to an open top-up, against the schema as it is."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from unittest.mock import ANY
from uuid import uuid4

import psycopg
import pytest

import app.database.openings
from app.database.openings import Openings
from app.database.pool import Database, Work
from app.errors import IdempotencyInFlight, IdempotencyMismatch, TooManyOpen, TopupNotFound
from app.model import EventType, Opened, Status, Topup, TxRef, UserId
from app.settings import Settings
from tests.payments import CLAIM_SECONDS, Process, about, linked, open_process, query, transfer
from tests.pooler import transaction_pooler

T = TypeVar("T")

LIMIT = 5


async def open_linked(process: Process, user: UserId, key: str | None = None) -> Topup:
    """What its owner can pay; the claim is given back."""
    opened = await process.openings.open(user, 50_000, key)
    await process.store.append_events([linked(opened.topup.tx_ref)])
    await process.openings.release(opened.topup.tx_ref, opened.request_id)
    return await process.store.topup(user, opened.topup.tx_ref)


async def test_a_topup_is_opened_pending(process: Process) -> None:
    user = await process.user()
    topup = (await process.openings.open(user, 50_000, None)).topup
    assert topup == Topup(
        tx_ref=ANY,
        user_id=user,
        order_code=ANY,
        amount=50_000,
        amount_paid=0,
        status=Status.PENDING,
        seq=1,
        late=False,
        payment_link_id=None,
        checkout_url=None,
        qr_code=None,
        bank_bin=None,
        account_number=None,
        account_name=None,
        transfer_message=None,
        expires_at=topup.opened_at + timedelta(seconds=900),
        confirmed_at=None,
        opened_at=ANY,
        needs_link=True,
    )
    assert topup.opened_at.tzinfo is not None
    assert topup.opened_at.utcoffset() == timedelta(0)
    assert isinstance(topup.status, Status)
    assert await process.store.topup(user, topup.tx_ref) == topup


async def test_under_the_same_key_one_of_many_opens_it_and_the_others_are_told_to_wait(
    process: Process,
) -> None:
    user = await process.user()
    answers = await asyncio.gather(
        *(process.openings.open(user, 50_000, "key") for _ in range(10)), return_exceptions=True
    )
    [opened] = [answer for answer in answers if isinstance(answer, Opened)]
    assert sum(isinstance(answer, IdempotencyInFlight) for answer in answers) == 9
    assert (await process.store.wallet(user)).topups == [opened.topup]


async def test_a_claim_that_is_given_back_is_the_next_ones(process: Process) -> None:
    user = await process.user()
    first = await process.openings.open(user, 50_000, "key")
    await process.openings.release(first.topup.tx_ref, uuid4())
    with pytest.raises(IdempotencyInFlight):
        await process.openings.open(user, 50_000, "key")
    await process.openings.release(first.topup.tx_ref, first.request_id)
    assert (await process.openings.open(user, 50_000, "key")).topup == first.topup


async def test_without_a_key_the_link_is_claimed_as_well(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    assert await query(database_url, "SELECT tx_ref FROM topup.link_claims") == [(topup.tx_ref,)]


async def test_the_key_belongs_to_its_user(process: Process) -> None:
    mine, yours = await process.user(), await process.user()
    first = await process.openings.open(mine, 50_000, "key")
    second = await process.openings.open(yours, 60_000, "key")
    assert first.topup.tx_ref != second.topup.tx_ref


async def test_the_same_key_for_another_amount_is_refused_in_flight_and_later(
    process: Process,
) -> None:
    user = await process.user()
    await process.openings.open(user, 50_000, "key")
    with pytest.raises(IdempotencyMismatch):
        await process.openings.open(user, 60_000, "key")
    await open_linked(process, user, "another")
    with pytest.raises(IdempotencyMismatch):
        await process.openings.open(user, 60_000, "another")


class LosesTheFirstAnswer(Database):
    """The connection dies after the COMMIT, so the work runs again."""

    async def run(self, work: Work[T]) -> T:
        await super().run(work)
        return await super().run(work)


@pytest.mark.parametrize("key", [None, "key"])
async def test_an_opening_whose_answer_was_lost_is_found_again(
    process: Process, database_url: str, key: str | None
) -> None:
    user = await process.user()
    settings = Settings.load(topups_open_max=1)
    unlucky = LosesTheFirstAnswer(database_url, 1, settings)
    await unlucky.open()
    try:
        opened = await Openings(unlucky, settings, CLAIM_SECONDS).open(user, 50_000, key)
    finally:
        await unlucky.close()
    assert await query(database_url, "SELECT tx_ref FROM topup.topups") == [(opened.topup.tx_ref,)]


async def test_a_tx_ref_that_is_taken_is_drawn_again(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await process.topup()).tx_ref
    draws = iter([taken, taken, TxRef("T00000000")])
    monkeypatch.setattr(app.database.openings, "new_tx_ref", lambda: next(draws))
    assert (await process.topup()).tx_ref == "T00000000"


async def test_behind_a_transaction_pooler_a_tx_ref_that_is_taken_is_drawn_again(
    process: Process, database_url: str, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await process.topup()).tx_ref
    draws = iter([taken, taken, TxRef("T00000000")])
    monkeypatch.setattr(app.database.openings, "new_tx_ref", lambda: next(draws))
    with transaction_pooler(database_url, short_dir) as pooler_url:
        async with open_process(pooler_url, listen_database_url=database_url) as pooled:
            assert (await pooled.topup()).tx_ref == "T00000000"


async def test_it_does_not_draw_for_ever(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = (await process.topup()).tx_ref
    monkeypatch.setattr(app.database.openings, "new_tx_ref", lambda: taken)
    with pytest.raises(psycopg.Error) as refusal:
        await process.topup()
    assert refusal.value.sqlstate == "TU005"


async def test_parallel_openings_of_a_user_stop_at_the_limit(database_url: str) -> None:
    async with open_process(database_url, connections=10, topups_open_max=LIMIT) as process:
        user = await process.user()
        answers = await asyncio.gather(
            *(process.openings.open(user, 50_000, None) for _ in range(30)), return_exceptions=True
        )
        refusals = [answer for answer in answers if isinstance(answer, TooManyOpen)]
        assert len(refusals) == 30 - LIMIT
        assert {refusal.retry_after_seconds for refusal in refusals} <= {*range(880, 901)}
        assert len((await process.store.wallet(user)).topups) == LIMIT


async def test_the_first_answer_is_that_of_the_first_link(process: Process) -> None:
    topup = await open_linked(process, await process.user())
    await process.store.append_events(
        [linked(topup.tx_ref, "e" * 32), transfer(topup.order_code, 10_000)]
    )
    assert await process.openings.first_answer(topup.tx_ref) == topup


async def test_the_first_answer_tells_of_money_that_was_faster_than_the_link(
    process: Process,
) -> None:
    topup = await process.topup()
    await process.store.append_events([transfer(topup.order_code, 10_000), linked(topup.tx_ref)])
    answer = await process.openings.first_answer(topup.tx_ref)
    assert (answer.amount_paid, answer.seq) == (10_000, 3)


async def test_the_first_answer_has_the_qr_code_though_the_link_was_found_before(
    process: Process,
) -> None:
    """By the reconciler, while the call that makes it was under way."""
    topup = await process.topup()
    found = about(
        topup.tx_ref,
        EventType.TOPUP_LINKED,
        payment_link_id="e" * 32,
        checkout_url="https://pay.example",
        qr_code="",
    )
    await process.store.append_events([found])
    await process.store.append_events([linked(topup.tx_ref, "e" * 32)])
    assert (await process.openings.first_answer(topup.tx_ref)).qr_code == "0002010102"


async def test_without_a_link_the_first_answer_is_how_the_topup_stands(process: Process) -> None:
    topup = await process.topup()
    await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_CANCELLED)])
    answer = await process.openings.first_answer(topup.tx_ref)
    assert (answer.status, answer.checkout_url) == (Status.CANCELLED, None)


async def test_a_topup_gets_another_order_code_once(process: Process) -> None:
    topup = await process.topup()
    renumbered = await process.openings.renumber(topup.tx_ref, topup.order_code)
    assert renumbered.order_code != topup.order_code
    assert await process.openings.renumber(topup.tx_ref, topup.order_code) == renumbered


async def test_an_unknown_topup_gets_no_order_code(process: Process) -> None:
    with pytest.raises(TopupNotFound):
        await process.openings.renumber(TxRef("T0000000Z"), 1_000)
