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
from tests.web.service import Napvi, Payer
from tests.web.stream_places import closed


@pytest.fixture(autouse=True)
def by_itself() -> Iterator[None]:
    """Python does not look for cycles; a test may."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(kind: type) -> int:
    """How many of them there are, reachable or not."""
    return sum(issubclass(type(found), kind) for found in gc.get_objects())


def grow_old() -> None:
    """What is open now is old from now on; what has ended is gone."""
    gc.collect()


async def streams_left_are_at_most(number: int) -> None:
    await eventually(lambda: alive(Stream) <= number and alive(Subscription) <= number)


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
        streams = alive(Stream)
    await eventually(lambda: closed(napvi, StreamClose.GONE) == 1)
    await streams_left_are_at_most(streams - 1)


async def test_a_stream_that_ends_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        grow_old()
        streams = alive(Stream)
        await napvi.pay(topup["order_code"], topup["amount"])
        await stream.rest()
    await eventually(lambda: closed(napvi, StreamClose.FINAL) == 1)
    await streams_left_are_at_most(streams - 1)


async def test_a_connection_that_is_left_leaves_nothing() -> None:
    endpoint = open_endpoint("127.0.0.1:0", reader_timeout_seconds=PATIENCE_SECONDS)
    async with served(answer_at_once, endpoint):
        async with connection(f"http://{endpoint.addresses[0]}") as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(BODY["body"])
            grow_old()
            connections = alive(TCPServer)
            assert connections
        await eventually(lambda: alive(TCPServer) < connections)
