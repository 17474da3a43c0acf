"""Streams that share a connection of HTTP/2: what befalls one leaves the others alone."""

from typing import Any

import pytest

from app.metrics import StreamClose
from tests.web.h2_browser import H2Browser, browsing
from tests.web.line import eventually
from tests.web.service import Napvi, Payer

OTHERS = 3


def path_of(topup: dict[str, Any]) -> str:
    return f"/api/topup/stream?tx_ref={topup['tx_ref']}"


def cookie_of(payer: Payer) -> str:
    return f"napvi_session={payer.client.cookies['napvi_session']}"


async def open_streams(
    browser: H2Browser, topup: dict[str, Any], payer: Payer, streams: int
) -> list[int]:
    """Their numbers, once each has its first state."""
    numbers = [browser.get(path_of(topup), cookie_of(payer)) for _ in range(streams)]
    await browser.until(lambda: all(browser.sources[number].messages for number in numbers))
    return numbers


async def test_a_reset_frees_one_stream_and_the_others_go_on(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with browsing(napvi.url) as browser:
        first, *others = await open_streams(browser, topup, payer, 1 + OTHERS)
        browser.reset(first)
        await eventually(lambda: len(napvi.app.leases) == napvi.app.hub.streams == OTHERS)
        await napvi.pay(topup["order_code"], 50_000)
        await browser.until(lambda: browser.over >= set(others))
        assert all(browser.sources[number].messages[-1].json["final"] for number in others)
    await eventually(lambda: (len(napvi.app.leases), napvi.app.hub.channels) == (0, 0))


async def test_a_connection_that_breaks_frees_all_its_streams(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with browsing(napvi.url) as browser:
        await open_streams(browser, topup, payer, OTHERS)
    await eventually(lambda: (len(napvi.app.leases), napvi.app.hub.streams) == (0, 0))


@pytest.mark.parametrize("service_settings", [{"stream_openings_at_once": 2}])
async def test_refusals_that_nobody_takes_do_not_block_the_door(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with browsing(napvi.url, window_bytes=0) as browser:
        refused = [
            browser.get("/api/topup/stream?tx_ref=T00000000", cookie_of(payer), takes=False)
            for _ in range(OTHERS)
        ]
        await browser.until(lambda: browser.statuses.keys() >= set(refused))
        async with payer.stream(topup["tx_ref"]) as stream:
            await stream.until_seq(2)


@pytest.mark.parametrize(
    "service_settings", [{"stream_send_timeout_seconds": 0.3, "stream_age_seconds_max": 0.5}]
)
async def test_a_stream_that_takes_nothing_is_freed_and_the_others_go_on(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    """Its last words do not fit: the send timeout ends it, and nothing else."""
    async with browsing(napvi.url, window_bytes=0) as browser:
        stalled = browser.get(path_of(topup), cookie_of(payer), takes=False)
        (lively,) = await open_streams(browser, topup, payer, 1)
        await browser.until(lambda: lively in browser.over)
        await eventually(lambda: len(napvi.app.leases) == 0)
        assert napvi.app.metrics.streams_closed.labels(StreamClose.AGE)._value.get() == 2
        assert browser.statuses[stalled] == b"200"
        (another,) = await open_streams(browser, topup, payer, 1)
        await browser.until(lambda: another in browser.over)
        browser.take(stalled)
        await browser.until(lambda: stalled in browser.over)
