"""The stream of one top-up, from the log to the browser."""

import asyncio
import random
import string
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from app.model import CROCKFORD_BASE32, EventType, TxRef
from tests.payments import about, connected, query
from tests.stream.relay import Relay
from tests.web.line import PATIENCE_SECONDS, eventually
from tests.web.reader import reading
from tests.web.service import Napvi, Payer, running

HEARTBEATS = {"stream_heartbeat_seconds": 0.05}
ANSWER_SECONDS = 0.5  # it would be here by then
RECEIVED = "SELECT FROM topup.events WHERE type = 'payment.received'"
CROWD = 50


async def transfer_by_hand(url: str, tx_ref: str, amount: int = 1_000) -> None:
    """An event inserted with SQL, by somebody who knows nothing of the service."""
    async with connected(url) as psql, psql.transaction():
        await psql.execute("SELECT FROM topup.topups WHERE tx_ref = %s FOR UPDATE", (tx_ref,))
        await psql.execute(
            """INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
            SELECT gen_random_uuid(), tx_ref, seq + 1, 'payment.received',
                jsonb_build_object('amount', %s::bigint), clock_timestamp()
            FROM topup.topups WHERE tx_ref = %s""",
            (amount, tx_ref),
        )


async def with_transfers(url: str, payer: Payer, transfers: int) -> str:
    """The tx_ref of a top-up of 50,000 that has so many transfers of 1,000, from seq 3 on."""
    tx_ref = str((await payer.open(50_000))["tx_ref"])
    for _ in range(transfers):
        await transfer_by_hand(url, tx_ref)
    return tx_ref


def cookie_of(payer: Payer) -> str:
    return f"napvi_session={payer.client.cookies['napvi_session']}"


async def test_a_stream_has_these_headers_and_no_others(
    payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        assert stream.response.status_code == 200
        headers = dict(stream.response.headers)
        headers.pop("vary", None)  # Quart 0.23 says that the login is in a cookie
        del headers["date"]
        assert headers == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store, no-transform",
            "x-accel-buffering": "no",
            "transfer-encoding": "chunked",
        }


async def test_a_stream_starts_with_retry_and_the_current_state(
    payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        message = await stream.until_seq(2)
    assert stream.source.retry_milliseconds is not None
    assert 1_600 <= stream.source.retry_milliseconds <= 2_400
    assert stream.source.messages == [message]
    assert (message.event, message.last_event_id) == ("status-update", "2")
    assert message.json == {
        "tx_ref": topup["tx_ref"],
        "seq": 2,
        "type": "topup.linked",
        "status": "pending",
        "amount": 50_000,
        "amount_paid": 0,
        "confirmed_at": None,
        "late": False,
        "under_review": False,
        "final": False,
        "wallet_balance": 0,
        "expires_at": topup["expires_at"],
        "recorded_at": message.json["recorded_at"],
    }


async def test_a_payment_reaches_the_browser_and_ends_the_stream(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await napvi.pay(topup["order_code"], 50_000)
        (message,) = await stream.rest()
    update = message.json
    assert (update["seq"], update["status"], update["final"]) == (3, "confirmed", True)
    assert (update["amount_paid"], update["wallet_balance"]) == (50_000, 50_000)
    assert datetime.fromisoformat(update["confirmed_at"]) < datetime.now(UTC)


@pytest.mark.parametrize(
    "service_settings",
    [
        {"database_connections": 1, "stream_first_seconds_max": seconds_max}
        for seconds_max in (0.05, 3600.0)
    ],
    ids=["briefly", "for ever"],
)
async def test_who_waits_at_the_page_is_told_before_payos_is(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    """Here the page has to wait for a connection, and PayOS does so for a while."""
    let_go = asyncio.Event()

    async def hold(_: AsyncConnection) -> None:
        await let_go.wait()

    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        holding = asyncio.create_task(napvi.app.recording.database.run(hold))
        paying = asyncio.create_task(napvi.pay(topup["order_code"], topup["amount"]))
        if napvi.app.settings.stream_first_seconds_max < 1:
            await paying
        else:
            while not await query(database_url, RECEIVED):  # noqa: ASYNC110 the database tells nobody
                await asyncio.sleep(0.01)
            done, _ = await asyncio.wait({paying}, timeout=ANSWER_SECONDS)
            assert not done
        let_go.set()
        await asyncio.gather(paying, holding)
        await stream.until_seq(3)


async def test_an_event_that_somebody_inserts_with_psql_reaches_the_browser(
    payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await transfer_by_hand(database_url, topup["tx_ref"], 20_000)
        message = await stream.until_seq(3)
    assert (message.json["status"], message.json["amount_paid"]) == ("underpaid", 20_000)


async def test_the_stream_of_a_topup_without_a_link_yet_sees_the_link_come(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    opening = asyncio.create_task(payer.init())
    await napvi.payos.answering.wait()
    ((tx_ref,),) = await query(database_url, "SELECT tx_ref FROM topup.topups")
    async with payer.stream(tx_ref) as stream:
        await stream.until_seq(1)
        napvi.payos.release()
        await opening
        await stream.until_seq(2)


async def test_two_events_of_one_commit_are_two_frames(
    payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(
            database_url,
            """INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
            SELECT gen_random_uuid(), %s, seq, 'payment.received', '{"amount": 1}', now()
            FROM generate_series(3, 4) AS seq RETURNING 1""",
            topup["tx_ref"],
        )
        await stream.until_seq(4)
    assert stream.seqs == [2, 3, 4]


async def test_without_a_login_there_is_no_stream(napvi: Napvi, topup: dict[str, Any]) -> None:
    async with napvi.visitor() as visitor, Payer(visitor).stream(topup["tx_ref"]) as stream:
        document = await stream.response.aread()
    assert stream.response.status_code == 401
    assert stream.response.headers["Content-Type"] == "application/problem+json"
    assert b"not_logged_in" in document


async def test_after_the_logout_there_is_no_stream(payer: Payer, topup: dict[str, Any]) -> None:
    cookie = cookie_of(payer)
    await payer.client.post("/api/auth/logout", json={})
    async with payer.stream(topup["tx_ref"], Cookie=cookie) as stream:
        assert stream.response.status_code == 401


NEARLY = [
    "",
    " ",
    "T",
    "T1234ABC",
    "T1234ABCDE",
    "t1234abcd",
    "X1234ABCD",
    "T1234ABCI",
    "T1234ABCD ",
    " T1234ABCD",
    "T1234ABCD\n",
    "T1234ABCD\0",
    "T1234ABCD\u2028",
    "T1234ABC\N{FULLWIDTH DIGIT ONE}",
    "T1234ABC\N{ARABIC-INDIC DIGIT ONE}",
    "T\u0130\u0131\u017f\u212a0000",
    '"; LISTEN x; --',
    "T1234ABCD'; DROP TABLE topup.events; --",
    "T" * 10_000,
    "../../etc/passwd",
    "%00",
]


def garbled_tx_ref() -> str:
    """A reference with one character replaced, added or lost."""
    good = "T" + "".join(random.choices(CROCKFORD_BASE32, k=8))
    at = random.randrange(9)
    bad = random.choice(string.printable + "ƏđI\ud7ff\U0001f4b8")
    return random.choice([good[:at] + bad + good[at:], good[:at] + good[at + 1 :], bad + good[1:]])


def looks_good(tx_ref: str) -> bool:
    return len(tx_ref) == 9 and tx_ref[0] == "T" and {*tx_ref} <= {*CROCKFORD_BASE32}


async def test_a_malformed_tx_ref_is_refused_by_name(payer: Payer, topup: dict[str, Any]) -> None:
    garbled = [ref for ref in (garbled_tx_ref() for _ in range(100)) if not looks_good(ref)]
    refused = {}
    for tx_ref in [*NEARLY, *garbled]:
        answer = await payer.client.get("/api/topup/stream", params={"tx_ref": tx_ref})
        refused[tx_ref] = (answer.status_code, answer.json().get("errors", [{}])[0].get("field"))
    assert {ref: got for ref, got in refused.items() if got != (400, "tx_ref")} == {}


ACCEPTS = {
    "text/event-stream": 200,
    "*/*": 200,
    "text/*;q=0.1": 200,
    "text/html, */*;q=0.1": 200,
    "": 200,
    "text/html": 406,
    "application/json": 406,
    "text/event-stream;q=0": 406,
    "text/html, text/event-stream;q=0, */*": 406,
}


async def test_who_does_not_take_an_event_stream_is_told_so(
    payer: Payer, topup: dict[str, Any]
) -> None:
    answers = {}
    for accept in ACCEPTS:
        async with payer.stream(topup["tx_ref"], Accept=accept) as stream:
            answers[accept] = stream.response.status_code
            if answers[accept] == 406:
                assert b'"not_acceptable"' in await stream.response.aread()
    assert answers == ACCEPTS


async def test_head_gives_the_headers_and_takes_no_place_in_the_hub(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"], method="HEAD") as stream:
        assert await stream.response.aread() == b""
    assert stream.response.status_code == 200
    assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (napvi.app.streaming.hub.streams, napvi.app.streaming.hub.channels) == (0, 0)


async def test_resuming_from_every_id_gives_exactly_the_rest(
    payer: Payer, database_url: str
) -> None:
    tx_ref, head = await with_transfers(database_url, payer, 3), 5
    seen = {}
    for last in range(head):
        async with payer.stream(tx_ref, last_event_id=last) as stream:
            await stream.until_seq(head)
        seen[last] = stream.seqs
    assert seen == {last: [*range(last + 1, head + 1)] for last in range(head)}


async def test_resuming_from_the_head_gives_what_comes_next_and_nothing_else(
    payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"], last_event_id=2) as stream:
        await stream.begun()
        await transfer_by_hand(database_url, topup["tx_ref"])
        await stream.until_seq(3)
    assert stream.seqs == [3]


NO_IDS = ["", "-1", "+1", "1.0", "1e0", "0x1", "one", "1,2", "T00000000", "9" * 19, "9" * 5000]


async def test_an_id_that_we_never_sent_counts_as_none(payer: Payer, topup: dict[str, Any]) -> None:
    first = {}
    for last_event_id in NO_IDS:
        async with payer.stream(topup["tx_ref"], last_event_id) as stream:
            message = await stream.until(lambda message: True)
        first[last_event_id] = (message.event, message.last_event_id)
    assert first == dict.fromkeys(NO_IDS, ("status-update", "2"))


@pytest.mark.parametrize("last_event_id", [3, 2**63 - 1])
async def test_an_id_beyond_the_log_is_told_to_start_again(
    payer: Payer, topup: dict[str, Any], database_url: str, last_event_id: int
) -> None:
    async with payer.stream(topup["tx_ref"], last_event_id) as stream:
        message = await stream.until(lambda message: True)
        assert (message.event, message.last_event_id) == ("reset", "2")
        assert message.json | {"stream": True} == await payer.status(topup["tx_ref"])
        await transfer_by_hand(database_url, topup["tx_ref"])
        assert (await stream.until_seq(3)).event == "status-update"


async def test_a_finished_stream_ends_and_is_not_opened_again(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    tx_ref = topup["tx_ref"]
    await napvi.pay(topup["order_code"], 50_000)
    async with payer.stream(tx_ref) as fresh:
        assert [message.json["final"] for message in await fresh.rest()] == [True]
    async with payer.stream(tx_ref, last_event_id=1) as resumed:
        await resumed.rest()
    assert resumed.seqs == [2, 3]
    async with payer.stream(tx_ref, last_event_id=fresh.source.last_event_id) as over:
        assert over.response.status_code == 204
        assert await over.response.aread() == b""
    async with payer.stream(tx_ref, last_event_id=9) as restored:
        assert [message.event for message in await restored.rest()] == ["reset"]


@pytest.mark.breaks_the_laws
async def test_a_stream_of_a_top_up_that_a_restore_has_lost_ends(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        async with connected(database_url) as restored:  # as from an older dump
            await restored.execute("SET session_replication_role = replica")
            await restored.execute("DELETE FROM topup.topups")
            await restored.execute("DELETE FROM topup.events")
        napvi.app.streaming.hub.wake_all()  # as after a reconnect
        assert await stream.rest() == []
    async with payer.stream(topup["tx_ref"], last_event_id=2) as again:
        assert again.response.status_code == 404


async def test_a_late_surplus_reaches_a_browser_that_asks_again(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    await napvi.pay(topup["order_code"], 50_000)
    await napvi.pay(topup["order_code"], 7_000)
    async with payer.stream(topup["tx_ref"], last_event_id=3) as stream:
        (message,) = await stream.rest()
    assert (message.json["seq"], message.json["amount_paid"]) == (4, 57_000)


@pytest.mark.parametrize("service_settings", [HEARTBEATS])
async def test_silence_is_broken_by_a_heartbeat_that_leaves_the_id_alone(
    payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        for _ in range(2):
            beat = await stream.until(lambda message: message.event == "heartbeat")
            assert (beat.data, beat.last_event_id) == ("{}", "2")
    assert stream.source.comments[-2:] == [" hb", " hb"]


@pytest.mark.parametrize("service_settings", [HEARTBEATS])
async def test_a_stream_outlives_the_time_that_other_answers_may_take(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    napvi.app.config["RESPONSE_TIMEOUT"] = 0.05
    async with payer.stream(topup["tx_ref"]) as stream:
        for _ in range(3):
            await stream.until(lambda message: message.event == "heartbeat")


@pytest.mark.parametrize(
    "service_settings", [{"stream_grace_seconds": 3.0, "stream_sweep_seconds": 0.1}]
)
async def test_a_topup_closed_without_money_is_streamed_for_a_while_and_then_ends(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    tx_ref = TxRef(topup["tx_ref"])
    async with payer.stream(tx_ref) as stream:
        await stream.until_seq(2)
        await napvi.app.recording.appender.append(about(tx_ref, EventType.TOPUP_CANCELLED))
        closed = await stream.until_seq(3)
        assert (closed.json["status"], closed.json["final"]) == ("cancelled", False)
        assert await stream.rest() == []
    async with payer.stream(tx_ref, last_event_id=3) as over:
        assert over.response.status_code == 204


async def test_money_that_comes_after_the_close_reaches_a_browser_that_still_waits(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    tx_ref = TxRef(topup["tx_ref"])
    async with payer.stream(tx_ref) as stream:
        await stream.until_seq(2)
        await napvi.app.recording.appender.append(about(tx_ref, EventType.TOPUP_EXPIRED))
        await stream.until_seq(3)
        await napvi.pay(topup["order_code"], 50_000)
        (message,) = await stream.rest()
    assert (message.json["status"], message.json["late"]) == ("confirmed", True)


@pytest.mark.parametrize("service_settings", [{"stream_age_seconds_max": 0.2}])
async def test_a_stream_that_is_old_enough_ends_and_can_be_resumed(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.rest()
    async with payer.stream(topup["tx_ref"], last_event_id=2) as resumed:
        assert resumed.response.status_code == 200
        await resumed.rest()
    assert resumed.seqs == []
    await eventually(lambda: napvi.app.streaming.hub.streams == 0)


@pytest.mark.parametrize("service_settings", [{"stream_frames_waiting_max": 4}])
async def test_a_reader_that_does_not_keep_up_is_ended_and_resumes_without_a_gap(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    tx_ref, head = topup["tx_ref"], 9
    async with (
        payer.stream(tx_ref) as quick,
        reading(napvi.app, cookie_of(payer), f"tx_ref={tx_ref}") as (slow, serving),
    ):
        await quick.until_seq(2)
        slow.read()
        await eventually(lambda: len(slow.source.messages) == 1)
        slow.stop_reading()
        for seq in range(3, head + 1):
            await transfer_by_hand(database_url, tx_ref)
            await quick.until_seq(seq)
        slow.read()
        await serving
        assert napvi.app.streaming.hub.streams == 1
    assert quick.seqs == [*range(2, head + 1)]
    *updates, reason = slow.source.messages
    assert (reason.event, reason.json["code"]) == ("error", "slow")
    seen = [message.json["seq"] for message in updates]
    assert len(seen) <= 1 + 1 + 4, "one before, one in the air, four that waited"
    async with payer.stream(tx_ref, last_event_id=slow.source.last_event_id) as resumed:
        await resumed.until_seq(head)
    assert seen + resumed.seqs == [*range(2, head + 1)]


async def test_each_of_fifty_streams_sees_each_state_once_and_in_order(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(payer.stream(topup["tx_ref"])) for _ in range(CROWD)
        ]
        await asyncio.gather(*(stream.until_seq(2) for stream in crowd))
        rest = asyncio.gather(*(stream.rest() for stream in crowd))
        for _ in range(5):
            await napvi.pay(topup["order_code"], 10_000)
        await rest
    assert {tuple(stream.seqs) for stream in crowd} == {(2, 3, 4, 5, 6, 7)}
    await eventually(lambda: napvi.app.streaming.hub.streams == 0)


async def test_an_event_that_comes_while_the_listener_reconnects_reaches_the_browser(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(
            database_url,
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'napvi-listener' AND datname = current_database()""",
        )
        await transfer_by_hand(database_url, topup["tx_ref"])
        await stream.until_seq(3)
    assert stream.seqs == [2, 3]


async def test_while_the_database_is_away_streams_are_told_to_come_back_later(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        Relay(database_url) as relay,
        running(relay.url, listen_database_url=database_url, connect_timeout_seconds=2) as napvi,
        napvi.payer() as payer,
    ):
        topup = await payer.open()
        async with payer.stream(topup["tx_ref"]) as open_before:
            await open_before.until_seq(2)
            relay.refusing = True
            relay.cut()
            async with payer.stream(topup["tx_ref"]) as stream:
                assert stream.response.status_code == 200
                assert stream.response.headers["Content-Type"].startswith("text/event-stream")
                assert [message.json["code"] for message in await stream.rest()] == ["unavailable"]
            assert stream.source.retry_milliseconds is not None
            assert 8_000 <= stream.source.retry_milliseconds <= 12_000

            await transfer_by_hand(database_url, topup["tx_ref"])
            relay.refusing = False
            await open_before.until_seq(3)


async def test_the_first_bytes_come_and_then_the_state_although_listen_hangs(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        Relay(database_url) as relay,
        running(database_url, listen_database_url=relay.url, stream_sweep_seconds=0.1) as napvi,
        napvi.payer() as payer,
    ):
        topup = await payer.open()
        relay.forget()
        async with payer.stream(topup["tx_ref"]) as stream:
            await stream.begun()
            await stream.until_seq(2)
            await transfer_by_hand(database_url, topup["tx_ref"])
            await stream.until_seq(3)
        relay.cut()  # or the service would wait for the listener's answer when it stops


async def unlistened(url: str, tx_ref: str) -> None:
    """Returns when the latest that PostgreSQL heard from the listener is this UNLISTEN."""
    async with connected(url) as psql, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            cursor = await psql.execute(
                """SELECT query FROM pg_stat_activity
                WHERE application_name = 'napvi-listener' AND datname = current_database()"""
            )
            if await cursor.fetchone() == (f'UNLISTEN "topup:{tx_ref}"',):
                return


async def test_browsers_that_leave_at_any_moment_leave_nothing_behind(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    host, port = napvi.url.removeprefix("http://").split(":")
    request = (
        f"GET /api/topup/stream?tx_ref={topup['tx_ref']} HTTP/1.1\r\n"
        f"Host: {host}\r\nCookie: {cookie_of(payer)}\r\n\r\n"
    ).encode()
    for moment in range(24):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        if moment % 4:
            await reader.readuntil([b"HTTP", b"retry", b"}\n\n"][moment % 4 - 1])
        if moment % 2:
            writer.transport.abort()
        writer.close()
    await eventually(lambda: napvi.line.under_way == 0)
    assert (napvi.app.streaming.hub.streams, napvi.app.streaming.hub.channels) == (0, 0)
    await unlistened(database_url, topup["tx_ref"])


async def test_a_browser_that_leaves_before_the_answer_starts_leaves_nothing_behind(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    query = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query) as (reader, serving):
        await reader.offered.wait()
        reader.leave()
        await serving
        assert (napvi.app.streaming.hub.streams, napvi.app.streaming.hub.channels) == (0, 0)


async def test_a_browser_that_leaves_without_reading_leaves_nothing_behind(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    query = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query) as (reader, serving):
        reader.read()
        await eventually(lambda: len(reader.source.messages) == 1)
        reader.stop_reading()
        await transfer_by_hand(database_url, topup["tx_ref"])
        await reader.offered.wait()
        reader.leave()
        await serving
        assert (napvi.app.streaming.hub.streams, napvi.app.streaming.hub.channels) == (0, 0)
    await unlistened(database_url, topup["tx_ref"])


async def test_draining_ends_fifty_streams_cleanly_and_opens_no_more(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(payer.stream(topup["tx_ref"])) for _ in range(CROWD)
        ]
        await asyncio.gather(*(stream.until_seq(2) for stream in crowd))
        await napvi.app.drain()
        assert await asyncio.gather(*(stream.rest() for stream in crowd)) == [[]] * CROWD
        async with payer.stream(topup["tx_ref"], last_event_id=2) as late:
            assert (late.response.status_code, await late.rest()) == (200, [])
            assert late.source.retry_milliseconds is not None
    await eventually(lambda: napvi.app.streaming.hub.streams == 0)


async def test_streams_take_no_connections_to_the_database(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async def connections() -> int:
        ((found,),) = await query(
            database_url,
            """SELECT count(*) FROM pg_stat_activity
            WHERE application_name LIKE 'napvi%%' AND datname = current_database()""",
        )
        return int(found)

    without = await connections()
    async with AsyncExitStack() as stack:
        for _ in range(CROWD):
            await stack.enter_async_context(payer.stream(topup["tx_ref"]))
        await eventually(lambda: napvi.app.streaming.hub.streams == CROWD)
        assert await connections() == without
