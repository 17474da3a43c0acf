"""open_topup: once for each key, whoever asks how often."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.model import UserId
from tests.payments import Process, connected, query

OPEN = """
    SELECT t.tx_ref, t.amount, t.status, t.order_code
    FROM topup.open_topup(%s, %s, %s, %s, 900, %s, %s) AS t
"""
COUNT = "SELECT count(*) FROM topup.topups"


async def open_topup(
    url: str,
    user: UserId,
    tx_ref: str,
    key: str | None = None,
    fingerprint: str | None = "amount=50000",
    amount: int = 50_000,
    event_id: UUID | None = None,
) -> tuple[Any, ...]:
    async with connected(url, "topup_app") as connection:
        values = (tx_ref, event_id or uuid4(), user, amount, key, fingerprint)
        [row] = await (await connection.execute(OPEN, values)).fetchall()
        return row


async def refusal_of(url: str, *arguments: Any) -> str | None:
    with pytest.raises(psycopg.Error) as refusal:
        await open_topup(url, *arguments)
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
    user, event_id = await process.user(), uuid4()
    first = await open_topup(database_url, user, "T00000001", event_id=event_id)
    assert await open_topup(database_url, user, "T00000001", event_id=event_id) == first


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
