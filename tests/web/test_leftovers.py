"""What has ended is gone from memory at once, however old: nobody has to look for cycles.

With 9,000 open streams that look would hold up the event loop for half a second.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from app.metrics.labels import StreamClose
from app.server.sockets import open_endpoint
from app.stream.stream import Stream
from app.stream.subscription import Subscription
from app.web.webhook import BODY, START
from tests.web.line import PATIENCE_SECONDS, eventually, served
from tests.web.raw_http import connection
from tests.web.reader import reading
from tests.web.service import Napvi, Payer
from tests.web.stream_places import closed, cookie_of
from tests.web.test_stream import transfer_by_hand


@pytest.fixture(autouse=True)
def by_itself() -> Iterator[None]:
    """Python does not look for cycles; a test may. What others have left here is not seen."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def alive(kind: type) -> int:
    """How many of them there are, reachable or not."""
    return sum(issubclass(type(found), kind) for found in gc.get_objects())


def grow_old() -> None:
    """What is open now is old from now on; what has ended is gone."""
    gc.collect()


async def no_stream_is_left() -> None:
    await eventually(lambda: alive(Stream) == alive(Subscription) == 0)


async def answer_at_once(_: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    else:
        await send(START)
        await send(BODY)


async def test_a_stream_that_is_left_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        grow_old()
        assert alive(Stream) == 1
    await eventually(lambda: closed(napvi, StreamClose.GONE) == 1)
    await no_stream_is_left()


async def test_a_stream_that_is_left_while_it_is_written_to_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    query_string = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query_string) as (reader, _):
        reader.read()
        await eventually(lambda: len(reader.source.messages) == 1)
        reader.stop_reading()
        await transfer_by_hand(database_url, topup["tx_ref"])
        await reader.offered.wait()
        grow_old()
        assert alive(Stream) == 1
    await eventually(lambda: closed(napvi, StreamClose.GONE) == 1)
    await no_stream_is_left()


async def test_a_stream_that_ends_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        grow_old()
        assert alive(Stream) == 1
        await napvi.pay(topup["order_code"], topup["amount"])
        await stream.rest()
    await eventually(lambda: closed(napvi, StreamClose.FINAL) == 1)
    await no_stream_is_left()


async def test_a_connection_that_is_left_leaves_nothing() -> None:
    endpoint = open_endpoint("127.0.0.1:0", reader_timeout_seconds=PATIENCE_SECONDS)
    async with served(answer_at_once, endpoint):
        async with connection(f"http://{endpoint.addresses[0]}") as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(BODY["body"])
            grow_old()
            assert alive(TCPServer) == 1
        await eventually(lambda: alive(TCPServer) == 0)
