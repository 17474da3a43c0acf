"""open_topup: once for each key, whoever asks how often."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.model import EventType, TxRef, UserId
from tests.payments import Process, about, connected, linked, query, transfer

OPEN = """
    SELECT t.tx_ref, t.amount, t.status, t.order_code
    FROM topup.open_topup(%s, %s, %s, %s, %s, %s, %s, %s, %s) AS t
"""
NO_LIMIT = 10_000
NO_CLAIM_SECONDS = 0.0
"""It has expired when the next request comes."""

WAITS = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
COUNT = "SELECT count(*) FROM topup.topups"


async def open_topup(
    url: str,
    user: UserId,
    tx_ref: str,
    key: str | None = None,
    fingerprint: str | None = "amount=50000",
    amount: int = 50_000,
    *,
    request_id: UUID | None = None,
    expiry_seconds: float = 900,
    open_max: int = NO_LIMIT,
    claim_seconds: float = NO_CLAIM_SECONDS,
) -> tuple[Any, ...]:
    async with connected(url, "topup_app") as connection:
        values = (
            tx_ref,
            request_id or uuid4(),
            user,
            amount,
            expiry_seconds,
            open_max,
            key,
            fingerprint,
            claim_seconds,
        )
        [row] = await (await connection.execute(OPEN, values)).fetchall()
        return row


async def refusal_of(url: str, *arguments: Any, **limits: Any) -> str | None:
    with pytest.raises(psycopg.Error) as refusal:
        await open_topup(url, *arguments, **limits)
    return refusal.value.sqlstate


async def test_it_is_pending_with_an_order_code_that_payos_takes(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    tx_ref, amount, status, order_code = await open_topup(database_url, user, "T00000001")
    assert (tx_ref, amount, status) == ("T00000001", 50_000, "pending")
    assert 1_000 <= order_code < 2**53
    assert order_code != 123


async def test_the_same_key_and_request_finds_the_first(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    first = await open_topup(database_url, user, "T00000001", "key")
    assert await open_topup(database_url, user, "T00000002", "key") == first
    assert await query(database_url, COUNT) == [(1,)]


async def test_the_same_key_for_another_request_is_refused(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    await open_topup(database_url, user, "T00000001", "key")
    assert await refusal_of(database_url, user, "T00000002", "key", "amount=1", 1) == "TU004"


async def test_the_same_key_in_parallel_opens_one(process: Process, database_url: str) -> None:
    user = await process.user()
    opened = await asyncio.gather(
        *(open_topup(database_url, user, f"T{number:08}", "key") for number in range(12))
    )
    assert len(set(opened)) == 1
    assert await query(database_url, COUNT) == [(1,)]


async def test_different_requests_under_one_key_in_parallel_open_one(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    answers = await asyncio.gather(
        *(
            open_topup(database_url, user, f"T{n:08}", "key", f"amount={n + 1}", n + 1)
            for n in range(12)
        ),
        return_exceptions=True,
    )
    refusals = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert {refusal.sqlstate for refusal in refusals} == {"TU004"}
    assert len(refusals) == 11
    assert await query(database_url, COUNT) == [(1,)]


async def test_the_same_call_again_finds_the_first(process: Process, database_url: str) -> None:
    """The answer was lost; without a key only the tx_ref tells."""
    user, request_id = await process.user(), uuid4()
    first = await open_topup(database_url, user, "T00000001", request_id=request_id)
    assert await open_topup(database_url, user, "T00000001", request_id=request_id) == first


async def test_a_tx_ref_of_somebody_else_is_refused(process: Process, database_url: str) -> None:
    await open_topup(database_url, await process.user(), "T00000001", "key")
    stranger = await process.user()
    assert await refusal_of(database_url, stranger, "T00000001", "key") == "TU005"
    assert await refusal_of(database_url, stranger, "T00000001", None) == "TU005"


@pytest.mark.parametrize(("first", "second"), [("one", "two"), ("one", None), (None, "two")])
async def test_a_tx_ref_that_the_user_drew_for_another_request_is_refused(
    process: Process, database_url: str, first: str | None, second: str | None
) -> None:
    user = await process.user()
    await open_topup(database_url, user, "T00000001", first)
    assert await refusal_of(database_url, user, "T00000001", second) == "TU005"
    assert await query(database_url, COUNT) == [(1,)]


async def test_the_same_tx_ref_in_parallel_belongs_to_one(
    process: Process, database_url: str
) -> None:
    users = [await process.user() for _ in range(8)]
    answers = await asyncio.gather(
        *(open_topup(database_url, user, "T00000001") for user in users), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert {refusal.sqlstate for refusal in refusals} == {"TU005"}
    assert len(refusals) == len(users) - 1


async def test_order_codes_that_others_have_are_passed_over(
    process: Process, database_url: str
) -> None:
    """The sequence was set back, as by a careless restore."""
    first, *_, last = [(await process.topup()).order_code for _ in range(5)]
    await query(database_url, "SELECT setval('topup.order_codes', %s)", first)
    *_, order_code = await open_topup(database_url, await process.user(), "T00000001")
    assert order_code == last + 1


@pytest.mark.parametrize("tx_ref", ["t00000001", "T0000000I", "T000000", "T000000001", "'; --"])
async def test_a_malformed_tx_ref_opens_nothing(
    process: Process, database_url: str, tx_ref: str
) -> None:
    assert await refusal_of(database_url, await process.user(), tx_ref) == "23514"
    assert await query(database_url, "SELECT count(*) FROM topup.events") == [(0,)]


@pytest.mark.parametrize("amount", [0, -1])
async def test_an_amount_of_nothing_opens_nothing(
    process: Process, database_url: str, amount: int
) -> None:
    user = await process.user()
    assert await refusal_of(database_url, user, "T00000001", None, None, amount) == "23514"


async def test_a_user_without_wallet_opens_nothing(database_url: str) -> None:
    assert await refusal_of(database_url, 10**9, "T00000001") == "23503"


async def test_a_claim_keeps_other_requests_out_until_it_expires(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    first = await open_topup(database_url, user, "T00000001", "key", claim_seconds=60)
    assert await refusal_of(database_url, user, "T00000002", "key") == "TU013"
    async with connected(database_url) as connection:
        await connection.execute("UPDATE topup.link_claims SET expires_at = clock_timestamp()")
    assert await open_topup(database_url, user, "T00000003", "key", claim_seconds=60) == first
    assert await refusal_of(database_url, user, "T00000004", "key") == "TU013"


async def test_the_request_that_has_the_claim_keeps_it(process: Process, database_url: str) -> None:
    """Its answer was lost."""
    user, request_id = await process.user(), uuid4()
    first, again = [
        await open_topup(
            database_url, user, "T00000001", "key", request_id=request_id, claim_seconds=60
        )
        for _ in range(2)
    ]
    assert again == first


async def test_an_expired_claim_goes_to_one_of_many(process: Process, database_url: str) -> None:
    """The process that had it is dead."""
    user = await process.user()
    await open_topup(database_url, user, "T00000000", "key")
    answers = await asyncio.gather(
        *(open_topup(database_url, user, f"T{n:08}", "key", claim_seconds=60) for n in range(8)),
        return_exceptions=True,
    )
    refusals = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert {refusal.sqlstate for refusal in refusals} == {"TU013"}
    assert len(refusals) == 7


async def test_what_has_a_link_is_claimed_by_nobody(process: Process, database_url: str) -> None:
    user = await process.user()
    first = await open_topup(database_url, user, "T00000001", "key", claim_seconds=60)
    await process.store.append_events([linked(TxRef("T00000001"))])
    assert await open_topup(database_url, user, "T00000002", "key", claim_seconds=60) == first


@pytest.mark.parametrize("paid", [0, 20_000])
async def test_pending_and_underpaid_count_for_the_limit(
    process: Process, database_url: str, paid: int
) -> None:
    user = await process.user()
    *_, order_code = await open_topup(database_url, user, "T00000001", open_max=1)
    if paid:
        await process.store.append_events([transfer(order_code, paid)])
    assert await refusal_of(database_url, user, "T00000002", open_max=1) == "TU012"
    assert await query(database_url, COUNT) == [(1,)]


async def test_what_is_paid_or_closed_or_out_of_time_leaves_room(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    *_, order_code = await open_topup(database_url, user, "T00000001", open_max=1)
    await process.store.append_events([transfer(order_code, 50_000)])
    await open_topup(database_url, user, "T00000002", open_max=1)
    await process.store.append_events([about(TxRef("T00000002"), EventType.TOPUP_CANCELLED)])
    await open_topup(database_url, user, "T00000003", open_max=1, expiry_seconds=0)
    *_, order_code = await open_topup(database_url, user, "T00000004", open_max=1, expiry_seconds=0)
    await process.store.append_events([transfer(order_code, 20_000)])
    await open_topup(database_url, user, "T00000005", open_max=1)


async def test_the_refusal_tells_the_seconds_until_the_first_is_out_of_time(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    for number, expiry_seconds in enumerate([500, 100, 0]):
        await open_topup(database_url, user, f"T{number:08}", expiry_seconds=expiry_seconds)
    with pytest.raises(psycopg.Error) as refusal:
        await open_topup(database_url, user, "T00000009", open_max=2)
    assert int(refusal.value.diag.message_detail or 0) in range(80, 101)


async def test_at_the_limit_a_repetition_is_still_found(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    first = await open_topup(database_url, user, "T00000001", "key", open_max=1)
    assert await open_topup(database_url, user, "T00000002", "key", open_max=1) == first


async def test_who_opens_for_the_same_user_waits_until_the_first_counts(
    process: Process, database_url: str
) -> None:
    """In steps: one has opened and not committed, the other waits, the first commits."""
    user = await process.user()
    values = (user, 50_000, 900, 1, None, None, 0)
    async with (
        connected(database_url, "topup_app") as first,
        connected(database_url, "topup_app") as second,
    ):
        async with first.transaction():
            await first.execute(OPEN, ("T00000001", uuid4(), *values))
            opening = asyncio.create_task(second.execute(OPEN, ("T00000002", uuid4(), *values)))
            while await query(database_url, WAITS, second.info.backend_pid) == [(False,)]:
                assert not opening.done()
        with pytest.raises(psycopg.Error) as refusal:
            await opening
    assert refusal.value.sqlstate == "TU012"


async def test_parallel_requests_under_one_key_count_once(
    process: Process, database_url: str
) -> None:
    user = await process.user()
    opened = await asyncio.gather(
        *(open_topup(database_url, user, f"T{n:08}", "key", open_max=1) for n in range(8))
    )
    assert len(set(opened)) == 1


async def test_the_limit_is_of_each_user(process: Process, database_url: str) -> None:
    await open_topup(database_url, await process.user(), "T00000001", open_max=1)
    await open_topup(database_url, await process.user(), "T00000002", open_max=1)
