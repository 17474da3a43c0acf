"""Listener and hub on the real log: the channel that a COMMIT wakes is the one that is heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.metrics.labels import StreamClose
from app.metrics.metrics import Metrics
from app.model import EventType, TxRef
from app.settings import Settings
from app.stream.hub import Hub
from app.stream.listener import Audience, Listener
from tests.payments import Process, about, linked, open_process, transfer
from tests.stream.event_source import EventSource, Message
from tests.stream.pulled import pulled


async def test_a_payment_reaches_every_process_that_streams_its_top_up(database_url: str) -> None:
    async with (
        open_process(database_url) as process,
        streaming(database_url, process) as one_hub,
        streaming(database_url, process) as other_hub,
    ):
        paid, other = await process.topup(50_000), await process.topup()
        sources = EventSource(), EventSource()
        async with asyncio.TaskGroup() as tasks:
            for hub, source in zip((one_hub, other_hub), sources, strict=True):
                tasks.create_task(watch(hub, paid.tx_ref, source))
            for fact in (
                linked(paid.tx_ref),
                about(other.tx_ref, EventType.TOPUP_CANCELLED),
                transfer(paid.order_code, 20_000),
                transfer(paid.order_code, 30_000),
            ):
                await process.store.append_events([fact])
        for source in sources:
            assert [summary(message) for message in source.messages] == [
                (1, "pending", 0),
                (2, "pending", 0),
                (3, "underpaid", 20_000),
                (4, "confirmed", 50_000),
            ]


@asynccontextmanager
async def streaming(database_url: str, process: Process) -> AsyncIterator[Hub]:
    """What each process of napvi has for its streams."""
    listener: Listener
    hub = Hub(
        lambda tx_ref: listener.listen(tx_ref),  # noqa: PLW0108 it comes later
        lambda tx_ref: listener.unlisten(tx_ref),  # noqa: PLW0108
        process.store.read_updates,
        frames_waiting_max=64,
        sweep_seconds=3600.0,
        metrics=Metrics(),
    )
    listener = Listener(
        database_url,
        Audience(hub.wake, hub.wake_all, on_summons=lambda: None, on_skipped=hub.sweep),
        worker_id=7,
        echo=process.store.notify,
        settings=Settings.load(),
        metrics=Metrics(),
    )
    await listener.start()
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()
        await listener.stop()


async def watch(hub: Hub, tx_ref: TxRef, source: EventSource) -> None:
    """Reads the whole history and what follows, until the stream ends by itself."""
    async with pulled(hub, tx_ref, 0) as subscription:
        while isinstance(frames := await subscription.next_frames(10), bytes):
            source.feed(frames)
    assert frames is StreamClose.FINAL


def summary(message: Message) -> tuple[int, str, int]:
    return (message.json["seq"], message.json["status"], message.json["wallet_balance"])
