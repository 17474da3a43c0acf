"""What a plain EventSource does with the stream of a top-up, from the first request to the last."""

import asyncio
from typing import Any

from tests.stream.event_source import EventSource
from tests.web.line import PATIENCE_SECONDS
from tests.web.service import Napvi, Payer

VISITS_MAX = 2


async def visits(payer: Payer, tx_ref: str) -> tuple[int, list[int]]:
    """Comes back after each end as EventSource does; how often it asked, and what it saw."""
    source, seqs = EventSource(), list[int]()
    for asked in range(1, 10):
        last_event_id = source.last_event_id or None
        async with payer.stream(tx_ref, last_event_id) as stream:
            if stream.response.status_code == 204:
                return asked, seqs
            assert stream.response.status_code == 200
            await stream.rest()
        seqs += stream.seqs
        source = EventSource(stream.source.last_event_id or source.last_event_id)
        assert stream.source.retry_milliseconds is not None
        await asyncio.sleep(stream.source.retry_milliseconds / 10_000)  # a tenth of it
    raise AssertionError("it would come back for ever")


async def test_a_browser_asks_twice_about_a_top_up_that_ended_while_it_watched(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    watching = asyncio.create_task(visits(payer, topup["tx_ref"]))
    await asyncio.sleep(0)
    await napvi.pay(topup["order_code"], 50_000)
    async with asyncio.timeout(PATIENCE_SECONDS):
        asked, seqs = await watching
    assert asked <= VISITS_MAX
    assert seqs[-1] == 3


async def test_a_browser_asks_twice_about_a_top_up_that_had_ended_before(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    await napvi.pay(topup["order_code"], 50_000)
    assert await visits(payer, topup["tx_ref"]) == (VISITS_MAX, [3])
