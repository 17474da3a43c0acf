"""Who holds a place for a stream, and how streams were counted."""

import asyncio

from app.metrics.labels import StreamClose, StreamRefusal
from tests.payments import query
from tests.web.line import PATIENCE_SECONDS, eventually
from tests.web.service import Napvi, Payer


def cookie_of(payer: Payer) -> str:
    return f"napvi_session={payer.client.cookies['napvi_session']}"


def refused(napvi: Napvi, reason: StreamRefusal) -> float:
    return counted(napvi, "refused", reason)


def closed(napvi: Napvi, reason: StreamClose) -> float:
    return counted(napvi, "closed", reason)


def counted(napvi: Napvi, what: str, reason: str) -> float:
    name, labels = f"napvi_streams_{what}_total", {"reason": reason}
    found = napvi.app.metrics.registry.get_sample_value(name, labels)
    assert found is not None
    return found


async def leases(url: str) -> int:
    ((found,),) = await query(url, "SELECT count(*) FROM topup.stream_leases")
    return int(found)


async def nothing_is_leased(napvi: Napvi, url: str) -> None:
    await eventually(
        lambda: len(napvi.app.streaming.leases) == 0 and napvi.app.streaming.hub.streams == 0
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await leases(url):  # noqa: ASYNC110 the database sets no event
            await asyncio.sleep(0.01)
