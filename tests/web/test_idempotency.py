"""Init that is sent again under its Idempotency-Key, here or at another process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.http.request_rules import WEBHOOK_PATH
from app.payos.linking import ORDER_CODES_TRIED_MAX
from tests.payments import connected, query
from tests.web.line import client
from tests.web.service import LINKED, OPENED, Napvi, Payer, events_of, running
from tests.web.webhooks import signed, transfer_data


def replayed(answer: httpx.Response) -> str | None:
    value: str | None = answer.headers.get("Idempotency-Replayed")
    return value


def in_flight(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json()["code"] == "idempotency_in_flight"


@asynccontextmanager
async def elsewhere(napvi: Napvi, payer: Payer, url: str) -> AsyncIterator[Payer]:
    """The same payer at a second process of the service, with the same PayOS."""
    async with (
        running(url, payos_base_url=napvi.payos_url) as other,
        other.visitor() as visitor,
    ):
        visitor.cookies = payer.client.cookies
        yield Payer(visitor)


async def test_the_same_key_again_gets_the_first_answer_and_makes_no_second_link(
    napvi: Napvi, payer: Payer
) -> None:
    first, again = await payer.init(key="k"), await payer.init(key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (replayed(first), replayed(again)) == (None, "true")
    assert napvi.payos.answers == 1


async def test_the_first_answer_is_repeated_when_the_topup_has_moved_on(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    first = await payer.init(50_000, key="k")
    await napvi.pay(first.json()["order_code"], 50_000)
    assert (await payer.status(first.json()["tx_ref"]))["status"] == "confirmed"
    again = await payer.init(50_000, key="k")
    assert (again.status_code, again.json(), replayed(again)) == (201, first.json(), "true")
    async with elsewhere(napvi, payer, database_url) as payer_elsewhere:
        assert (await payer_elsewhere.init(50_000, key="k")).json() == first.json()


async def test_without_a_key_nothing_is_replayed(payer: Payer) -> None:
    assert [replayed(await payer.init()) for _ in range(2)] == [None, None]


async def test_a_used_key_with_another_amount_is_refused(payer: Payer) -> None:
    await payer.init(50_000, key="k")
    answer = await payer.init(50_001, key="k")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_the_key_of_one_payer_is_not_that_of_another(napvi: Napvi, payer: Payer) -> None:
    async with napvi.payer() as other:
        mine, theirs = await payer.init(key="k"), await other.init(60_000, key="k")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["tx_ref"] != theirs.json()["tx_ref"]


async def test_while_the_first_waits_for_payos_the_key_is_in_flight_at_every_process(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    opening = asyncio.create_task(payer.init(key="k"))
    await napvi.payos.answering.wait()
    async with elsewhere(napvi, payer, database_url) as payer_elsewhere:
        for answer in (await payer.init(key="k"), await payer_elsewhere.init(key="k")):
            assert in_flight(answer)
            assert int(answer.headers["Retry-After"]) > 0
        assert (await payer_elsewhere.init(60_000, key="k")).status_code == 422
        assert (await payer_elsewhere.init(key="another")).status_code == 201, "held, and found"

        napvi.payos.release()
        first = await opening
        again = await payer_elsewhere.init(key="k")
    assert (first.status_code, again.json(), replayed(again)) == (201, first.json(), "true")
    assert await events_of(database_url, first.json()["tx_ref"]) == [OPENED, LINKED]


async def test_the_key_is_kept_for_as_long_as_every_order_code_may_take(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    opening = asyncio.create_task(payer.init(key="k"))
    await napvi.payos.answering.wait()
    ((seconds_left,),) = await query(
        database_url,
        "SELECT extract(epoch FROM expires_at - clock_timestamp()) FROM topup.link_claims",
    )
    napvi.payos.release()
    assert (await opening).status_code == 201
    assert seconds_left > ORDER_CODES_TRIED_MAX * napvi.app.payments.gateway.create_seconds_max


async def test_in_parallel_one_opens_the_topup_and_the_others_wait_or_repeat_its_answer(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    async with elsewhere(napvi, payer, database_url) as payer_elsewhere:
        payers = [payer, payer_elsewhere] * 6
        answers = await asyncio.gather(*(someone.init(key="k") for someone in payers))
    opened = [answer for answer in answers if answer.status_code == 201]
    assert [replayed(answer) for answer in opened].count(None) == 1
    assert all(in_flight(answer) for answer in answers if answer not in opened)
    topup = opened[0].json()
    assert all(answer.json() == topup for answer in opened)
    assert topup["qr_code"], "the answer that PayOS gives only once was kept"
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED]
    assert napvi.payos.answers == 1


@pytest.mark.parametrize("paid_first", [False, True])
async def test_a_process_that_died_keeps_the_key_until_its_claim_expires(
    napvi: Napvi, payer: Payer, database_url: str, paid_first: bool
) -> None:
    """What it left: a top-up that is opened, and its claim."""
    napvi.payos.status = 500
    assert (await payer.init(50_000, key="k")).status_code == 502
    napvi.payos.status = None
    ((tx_ref, order_code),) = await query(
        database_url, "SELECT tx_ref, order_code FROM topup.topups"
    )
    async with connected(database_url) as connection:
        await connection.execute(
            """
            INSERT INTO topup.link_claims (tx_ref, request_id, expires_at)
            VALUES (%s, gen_random_uuid(), clock_timestamp() + interval '1 minute')
            """,
            (tx_ref,),
        )
        if paid_first:
            await deliver(napvi, transfer_data(order_code, 50_000))
        assert in_flight(await payer.init(50_000, key="k"))
        await connection.execute("UPDATE topup.link_claims SET expires_at = clock_timestamp()")
    found = await payer.init(50_000, key="k")
    assert (found.status_code, found.json()["tx_ref"]) == (201, tx_ref)
    assert replayed(found) == ("true" if paid_first else None)
    assert bool(found.json()["qr_code"]) is not paid_first
    assert await query(database_url, "SELECT FROM topup.link_claims") == []


async def test_a_first_try_that_failed_gives_the_key_back(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.status = 500
    assert [(await payer.init(key="k")).status_code for _ in range(2)] == [502, 502]
    napvi.payos.status = None
    answers = [await payer.init(key="k") for _ in range(2)]
    assert [(answer.status_code, replayed(answer)) for answer in answers] == [
        (201, None),
        (201, "true"),
    ]
    assert answers[0].json() == answers[1].json()
    assert await query(database_url, "SELECT count(*) FROM topup.topups") == [(1,)]


async def test_a_key_that_comes_again_asks_for_no_link_to_what_is_paid(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.status = 500
    await payer.init(50_000, key="k")
    ((tx_ref, order_code),) = await query(
        database_url, "SELECT tx_ref, order_code FROM topup.topups"
    )
    await deliver(napvi, transfer_data(order_code, 50_000))
    asked = napvi.payos.answers
    for found in [await payer.init(50_000, key="k") for _ in range(2)]:
        assert (found.status_code, found.json()["status"]) == (201, "confirmed")
        assert (found.json()["tx_ref"], replayed(found)) == (tx_ref, "true")
    assert napvi.payos.answers == asked


async def deliver(napvi: Napvi, data: dict[str, Any]) -> None:
    async with client(napvi.url) as payos:
        assert (await payos.post(WEBHOOK_PATH, content=signed(data))).status_code == 200
