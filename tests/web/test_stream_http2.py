"""Several streams on one connection of HTTP/2: what befalls one of them leaves the others alone."""

from typing import Any

import pytest

from app.metrics.labels import StreamClose
from tests.web.http2 import http2
from tests.web.line import eventually
from tests.web.service import Napvi, Payer
from tests.web.stream_places import closed, cookie_of, nothing_is_leased
from tests.web.test_stream import transfer_by_hand

WINDOW_BYTES = 60_000
PLACES = 3


def path_of(topup: dict[str, Any]) -> str:
    return f"/api/topup/stream?tx_ref={topup['tx_ref']}"


@pytest.mark.parametrize("service_settings", [{"stream_send_timeout_seconds": 1.0}])
async def test_a_stream_whose_window_stays_shut_is_freed_at_its_end_and_the_other_one_lives(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    """Not before: the server's buffer takes what little a stream has to say until then."""
    other = await payer.open()
    async with http2(napvi.url) as browser:
        browser.set_window(0)
        shut = browser.get(path_of(topup), cookie_of(payer))
        lives = browser.get(path_of(other), cookie_of(payer))
        browser.grant(lives, WINDOW_BYTES)
        await eventually(lambda: b"id: 2\n" in browser.received[lives])
        await eventually(lambda: len(napvi.app.streaming.leases) == 2)
        await napvi.pay(topup["order_code"], 50_000)
        await eventually(lambda: len(napvi.app.streaming.leases) == 1 and napvi.line.under_way == 1)
        assert closed(napvi, StreamClose.FINAL) == 1
        await transfer_by_hand(database_url, other["tx_ref"])
        await eventually(lambda: b"id: 3\n" in browser.received[lives])
        assert browser.received[shut] == b""
        assert lives not in browser.ended
    await nothing_is_leased(napvi, database_url)


async def test_a_stream_that_is_reset_frees_its_place_and_the_other_one_lives(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with http2(napvi.url) as browser:
        goes, lives = (browser.get(path_of(topup), cookie_of(payer)) for _ in range(2))
        for stream_id in (goes, lives):
            await eventually(lambda number=stream_id: b"id: 2\n" in browser.received[number])  # type: ignore[misc]
        browser.reset(goes)
        await eventually(lambda: len(napvi.app.streaming.leases) == 1 and napvi.line.under_way == 1)
        assert closed(napvi, StreamClose.GONE) == 1
        await napvi.pay(topup["order_code"], 50_000)
        await eventually(lambda: lives in browser.ended)
        assert b"id: 3\n" in browser.received[lives]
        assert browser.statuses[lives] == b"200"
    await nothing_is_leased(napvi, database_url)


async def test_a_stream_that_is_reset_before_it_is_decided_frees_its_place(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with http2(napvi.url) as browser:
        for _ in range(20):
            browser.reset(browser.get(path_of(topup), cookie_of(payer)))
        stays = browser.get(path_of(topup), cookie_of(payer))
        await eventually(lambda: b"id: 2\n" in browser.received[stays])
        await eventually(lambda: len(napvi.app.streaming.leases) == 1 and napvi.line.under_way == 1)
    await nothing_is_leased(napvi, database_url)


@pytest.mark.parametrize(
    "service_settings", [{"streams_per_process_max": PLACES, "stream_openings_at_once": PLACES}]
)
async def test_refusals_that_nobody_takes_hold_no_place(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    """They need no login: a few connections would shut the door for everybody."""
    async with http2(napvi.url) as browser:
        browser.set_window(0)
        refused = [browser.get(path_of(topup), "") for _ in range(PLACES)]
        await eventually(lambda: browser.statuses.keys() >= set(refused))
        assert {browser.statuses[number] for number in refused} == {b"401"}
        async with payer.stream(topup["tx_ref"]) as stream:
            await stream.until_seq(2)
        assert not browser.ended
