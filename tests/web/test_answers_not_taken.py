"""An HTTP/2 client says how much it takes, which may be nothing: nothing is kept for it then."""

import gc

import pytest
from hypercorn.protocol.h2 import StreamBuffer

from tests.web.http2 import http2
from tests.web.line import eventually
from tests.web.service import Napvi

WINDOW_BYTES = 60_000
ANSWERS = 20
PATHS = ("/static/topup.css", "/api/topup/stream?tx_ref=T00000000")
"""Quart's answers, and those below it."""


def kept() -> int:
    """Bytes that wait for clients of HTTP/2."""
    return sum(len(each.buffer) for each in gc.get_objects() if type(each) is StreamBuffer)


@pytest.mark.parametrize("service_settings", [{"answer_seconds_max": 1.0}])
@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_that_is_not_taken_in_time_is_dropped_and_the_connection_lives(
    napvi: Napvi, path: str
) -> None:
    async with http2(napvi.url) as client:
        client.set_window(0)
        asked = {client.get(path, "") for _ in range(ANSWERS)}
        await eventually(lambda: client.ended >= asked)
        assert client.statuses.keys() >= asked
        assert {client.received[number] for number in asked} == {b""}
        await eventually(lambda: kept() == napvi.line.under_way == 0)
        client.set_window(WINDOW_BYTES)
        alive = client.get("/healthz", "")
        await eventually(lambda: alive in client.ended)
        assert client.received[alive]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_kept_for_who_wants_an_answer_no_more(napvi: Napvi, path: str) -> None:
    async with http2(napvi.url) as client:
        client.set_window(0)
        asked = {client.get(path, "") for _ in range(ANSWERS)}
        await eventually(lambda: client.statuses.keys() >= asked and kept() > 0)
        for number in asked:
            client.reset(number)
        await eventually(lambda: kept() == napvi.line.under_way == 0)


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_kept_for_who_has_left(napvi: Napvi, path: str) -> None:
    async with http2(napvi.url) as client:
        client.set_window(0)
        asked = {client.get(path, "") for _ in range(ANSWERS)}
        await eventually(lambda: client.statuses.keys() >= asked and kept() > 0)
    await eventually(lambda: kept() == napvi.line.under_way == 0)
