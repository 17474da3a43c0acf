"""What has ended is gone from memory at once, however old: nobody has to look for cycles.

With 9,000 open streams that look would hold up the event loop for half a second.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypercorn.asyncio.tcp_server import TCPServer

from app.metrics.labels import StreamClose
from app.stream.stream import Stream
from app.stream.subscription import Subscription
from tests.web.line import eventually
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


async def no_stream_is_left() -> None:
    await eventually(lambda: alive(Stream) == alive(Subscription) == 0)


async def connections_left_are_at_most(number: int) -> None:
    await eventually(lambda: alive(TCPServer) <= number)


async def test_a_stream_that_is_left_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        grow_old()
        assert alive(Stream) == 1
        connections = alive(TCPServer)
    await eventually(lambda: closed(napvi, StreamClose.GONE) == 1)
    await no_stream_is_left()
    await connections_left_are_at_most(connections - 1)


async def test_a_stream_that_ends_leaves_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        grow_old()
        await napvi.pay(topup["order_code"], topup["amount"])
        await stream.rest()
    await eventually(lambda: closed(napvi, StreamClose.FINAL) == 1)
    await no_stream_is_left()
