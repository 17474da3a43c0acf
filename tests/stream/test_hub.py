import asyncio
import random
from collections.abc import Mapping

import pytest

from app.errors import DatabaseUnavailable, InvalidRequest
from app.metrics.labels import StreamClose
from app.model import TopupUpdate, TxRef, new_tx_ref
from app.stream.hub import Hub
from tests.stream.conftest import Eventually, StartHub, StartListener
from tests.stream.event_source import EventSource, Message
from tests.stream.journal import Journal
from tests.stream.pulled import Pulled, pulled
from tests.stream.relay import Relay

SOON_SECONDS = 30.0
NOW_SECONDS = 0.0
FOR_EVER_SECONDS = 3600.0


async def test_a_new_stream_gets_the_current_state_and_then_what_happens(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=3)
    async with pulled(hub, tx_ref, None) as subscription:
        assert await seqs(subscription, until=3) == [3]
        await journal.append(tx_ref)
        assert await seqs(subscription, until=4) == [4]


async def test_resuming_from_every_seq_gives_exactly_the_rest(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=6)
    for after in range(6):
        async with pulled(hub, tx_ref, after) as subscription:
            assert await seqs(subscription, until=6) == list(range(after + 1, 7))
    async with pulled(hub, tx_ref, 6) as subscription:
        await journal.append(tx_ref)
        assert await seqs(subscription, until=7) == [7]


async def test_streams_with_different_cursors_share_one_top_up(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=4)
    cursors = (None, 0, 3, 4, 1)
    subscriptions = [Pulled(hub, tx_ref, after) for after in cursors]
    for subscription in subscriptions:
        hub.enter(subscription.subscription)
    await journal.append(tx_ref, final=True)
    seen = [await to_the_end(subscription) for subscription in subscriptions]
    for subscription in subscriptions:
        hub.leave(subscription.subscription)
    assert [ids(messages) for messages, _ in seen[1:]] == [
        [1, 2, 3, 4, 5],
        [4, 5],
        [5],
        [2, 3, 4, 5],
    ]
    assert ids(seen[0][0]) in ([4, 5], [5])


@pytest.mark.parametrize("kills", [0, 3])
async def test_every_follower_sees_every_seq_once_in_order_beside_concurrent_writers(
    start_hub: StartHub, journal: Journal, kills: int
) -> None:
    hub = await start_hub()
    tx_refs = [await journal.open(entries=1) for _ in range(20)]
    async with asyncio.TaskGroup() as tasks:
        followers = [
            tasks.create_task(follow(hub, tx_ref, until=31)) for tx_ref in tx_refs for _ in range(8)
        ]
        for tx_ref in tx_refs * 3:
            tasks.create_task(write(journal, tx_ref, times=10))
        for number in range(kills):
            tasks.create_task(kill_listener(journal, after_seconds=0.15 * number))
    assert all(follower.result() == list(range(1, 32)) for follower in followers)
    assert (hub.streams, hub.channels) == (0, 0)


async def test_a_lost_notification_is_found_by_the_sweep(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub(sweep_seconds=0.1)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, None) as subscription:
        assert await seqs(subscription, until=1) == [1]
        await journal.append_in_silence(tx_ref)
        assert await seqs(subscription, until=2) == [2]


async def test_what_happened_while_the_listener_was_away_is_read_when_it_is_back(
    start_hub: StartHub, relay: Relay, journal: Journal
) -> None:
    hub = await start_hub(conninfo=relay.url)
    known, entered_meanwhile = await journal.open(entries=1), await journal.open(entries=1)
    async with pulled(hub, known, None) as subscription:
        assert await seqs(subscription, until=1) == [1]
        relay.refusing = True
        relay.cut()
        await journal.append(known)
        async with pulled(hub, entered_meanwhile, 0) as other:
            assert await other.next_frames(0.1) is None
            relay.refusing = False
            assert await seqs(subscription, until=2) == [2]
            assert await seqs(other, until=1) == [1]


async def test_an_id_beyond_the_head_starts_again_from_the_current_state(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=2)
    async with pulled(hub, tx_ref, 2**63 - 1) as subscription:
        (message,) = await read(subscription)
        assert (message.event, message.last_event_id, message.json["seq"]) == ("reset", "2", 2)
        await journal.append(tx_ref)
        (message,) = await read(subscription)
        assert (message.event, message.last_event_id) == ("status-update", "3")


async def test_a_stream_that_joins_during_a_read_is_not_judged_by_it(
    start_hub: StartHub, journal: Journal
) -> None:
    """It may have seen, through another process, an event that is younger than that read."""
    holding, released = asyncio.Event(), asyncio.Event()

    async def read_slowly(cursors: Mapping[TxRef, int | None]) -> list[TopupUpdate]:
        updates = await journal.read_updates(cursors)
        holding.set()
        await released.wait()
        return updates

    hub = await start_hub(read_updates=read_slowly)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, 0) as first:
        await holding.wait()
        await journal.append(tx_ref)
        async with pulled(hub, tx_ref, 2) as second:
            released.set()
            assert await seqs(first, until=2) == [1, 2]
            await journal.append(tx_ref)
            assert await seqs(second, until=3) == [3]


async def test_who_waits_for_the_streams_waits_until_they_have_it_and_not_for_ever(
    start_hub: StartHub, journal: Journal
) -> None:
    reads = asyncio.Event()

    async def read_when_told(cursors: Mapping[TxRef, int | None]) -> list[TopupUpdate]:
        await reads.wait()
        return await journal.read_updates(cursors)

    hub = await start_hub(read_updates=read_when_told)
    tx_ref = await journal.open(entries=1)
    await hub.shown(tx_ref, 1, FOR_EVER_SECONDS)  # to nobody
    async with pulled(hub, tx_ref, 0) as stream:
        await hub.shown(tx_ref, 1, NOW_SECONDS)  # in vain
        both = [asyncio.create_task(hub.shown(tx_ref, seq, FOR_EVER_SECONDS)) for seq in (1, 2)]
        reads.set()
        assert await seqs(stream, until=1) == [1]
        assert not any(shown.done() for shown in both)
        await journal.append(tx_ref)
        await asyncio.gather(*both)
        assert stream.subscription.cursor == 2
        await hub.shown(tx_ref, 2, FOR_EVER_SECONDS)
        gone = asyncio.create_task(hub.shown(tx_ref, 3, FOR_EVER_SECONDS))
        await asyncio.sleep(0)
    await gone


async def test_a_stream_ends_after_its_final_state(start_hub: StartHub, journal: Journal) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, 0) as subscription:
        await journal.append(tx_ref, final=True)
        messages, end = await to_the_end(subscription)
        assert (ids(messages), end) == ([1, 2], StreamClose.FINAL)
    async with pulled(hub, tx_ref, None) as subscription:
        messages, end = await to_the_end(subscription)
        assert (ids(messages), end) == ([2], StreamClose.FINAL)
    async with pulled(hub, tx_ref, 2) as subscription:
        assert await subscription.next_frames(SOON_SECONDS) is StreamClose.FINAL
    async with pulled(hub, tx_ref, 3) as subscription:
        messages, end = await to_the_end(subscription)
        assert ([message.event for message in messages], end) == (["reset"], StreamClose.FINAL)


async def test_a_state_that_becomes_final_by_time_ends_its_streams_without_a_frame(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub(sweep_seconds=0.1)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, None) as subscription:
        assert await seqs(subscription, until=1) == [1]
        await journal.finish_in_silence(tx_ref)
        assert await subscription.next_frames(SOON_SECONDS) is StreamClose.FINAL


async def test_a_slow_stream_is_closed_and_resumes_while_the_others_go_on(
    start_hub: StartHub, journal: Journal, eventually: Eventually
) -> None:
    hub = await start_hub(frames_waiting_max=3)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, 1) as slow, pulled(hub, tx_ref, 1) as quick:
        for seq in range(2, 10):
            await journal.append(tx_ref)
            assert await seqs(quick, until=seq) == [seq]
        messages, end = await to_the_end(slow)
        assert (ids(messages), end, slow.cursor) == ([2, 3, 4], StreamClose.SLOW, 4)
        assert quick.ended is None
    for after, rest in ((4, [5, 6, 7]), (7, [8, 9])):
        async with pulled(hub, tx_ref, after) as resumed:
            assert await seqs(resumed, until=rest[-1]) == rest


async def test_a_frame_is_encoded_once_and_shared(start_hub: StartHub, journal: Journal) -> None:
    hub = await start_hub()
    tx_ref = await journal.open(entries=1)
    subscriptions = [Pulled(hub, tx_ref, None) for _ in range(50)]
    for subscription in subscriptions:
        hub.enter(subscription.subscription)
        assert await seqs(subscription, until=1) == [1]
    await journal.append(tx_ref)
    frames = [await subscription.next_frames(SOON_SECONDS) for subscription in subscriptions]
    assert all(frame is frames[0] for frame in frames)
    for subscription in subscriptions:
        hub.leave(subscription.subscription)


async def test_a_thousand_streams_cost_few_reads(
    start_hub: StartHub,
    journal: Journal,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.stream.hub.LISTEN_SECONDS_MAX", FOR_EVER_SECONDS)
    hub = await start_hub()
    crowd = await journal.open(entries=1)
    alone = [await journal.open(entries=1) for _ in range(200)]
    subscriptions = [Pulled(hub, tx_ref, None) for tx_ref in [crowd] * 1_000 + alone]
    for subscription in subscriptions:
        hub.enter(subscription.subscription)
    assert (hub.streams, hub.channels) == (1_200, 201)
    await eventually(lambda: all(subscription.cursor == 1 for subscription in subscriptions))
    assert journal.reads <= 4
    before = journal.reads
    await journal.append(crowd)
    await eventually(lambda: all(subscription.cursor == 2 for subscription in subscriptions[:1000]))
    assert journal.reads - before <= 2
    for subscription in subscriptions:
        hub.leave(subscription.subscription)
    assert (hub.streams, hub.channels) == (0, 0)


async def test_an_event_reaches_its_own_top_up_only(start_hub: StartHub, journal: Journal) -> None:
    hub = await start_hub()
    mine, other = [await journal.open(entries=1) for _ in range(2)]
    async with pulled(hub, mine, 1) as my_stream, pulled(hub, other, 1) as other_stream:
        await journal.append(other)
        assert await seqs(other_stream, until=2) == [2]
        assert await my_stream.next_frames(NOW_SECONDS) is None


async def test_a_wake_up_for_a_top_up_that_nobody_streams_reads_nothing(
    start_hub: StartHub, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stream.hub.LISTEN_SECONDS_MAX", FOR_EVER_SECONDS)
    hub = await start_hub()
    before = journal.reads
    hub.wake(new_tx_ref())
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, None) as subscription:
        await seqs(subscription, until=1)
    assert journal.reads == before + 1


@pytest.mark.parametrize("tx_ref", ["", "T'; --", None, 'T0123ABC"'])
async def test_a_malformed_tx_ref_is_refused(start_hub: StartHub, tx_ref: TxRef) -> None:
    hub = await start_hub()
    with pytest.raises(InvalidRequest):
        Pulled(hub, tx_ref, None)


async def test_the_first_stream_listens_and_the_last_one_unlistens(
    start_hub: StartHub, start_listener: StartListener, journal: Journal
) -> None:
    calls: list[str] = []
    listener = await start_listener()

    async def listen(tx_ref: TxRef) -> None:
        calls.append("listen")
        await listener.listen(tx_ref)

    hub = await start_hub(listen=listen, unlisten=lambda _: calls.append("unlisten"))
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, None) as first:
        async with pulled(hub, tx_ref, None) as second:
            await seqs(first, until=1)
            await seqs(second, until=1)
        assert calls == ["listen"]
    assert calls == ["listen", "unlisten"]


async def test_leaving_and_entering_in_a_hurry_never_loses_the_listen(
    start_hub: StartHub, journal: Journal
) -> None:
    hub = await start_hub()
    tx_refs = [await journal.open(entries=1) for _ in range(5)]
    chance = random.Random(3)

    async def hurry(tx_ref: TxRef) -> None:
        for _ in range(100):
            async with pulled(hub, tx_ref, 0):
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)

    for seq in range(2, 7):
        await asyncio.gather(*(hurry(tx_ref) for tx_ref in tx_refs for _ in range(3)))
        for tx_ref in tx_refs:
            async with pulled(hub, tx_ref, seq - 1) as stays:
                assert await stays.next_frames(0.02) is None
                await journal.append(tx_ref)
                assert await seqs(stays, until=seq) == [seq]
    assert (hub.streams, hub.channels) == (0, 0)


@pytest.mark.parametrize("error", [DatabaseUnavailable(), ZeroDivisionError()])
async def test_a_read_that_fails_is_tried_again(
    start_hub: StartHub, journal: Journal, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [error] * 2

    async def read_sometimes(cursors: Mapping[TxRef, int | None]) -> list[TopupUpdate]:
        if failures:
            raise failures.pop()
        return await journal.read_updates(cursors)

    hub = await start_hub(read_updates=read_sometimes)
    tx_ref = await journal.open(entries=2)
    async with pulled(hub, tx_ref, 0) as subscription:
        assert await seqs(subscription, until=2) == [1, 2]
    assert caplog.text.count("event=stream.read_failed") == 2


async def test_without_a_listener_the_sweep_serves_the_streams(
    start_hub: StartHub, journal: Journal
) -> None:
    async def dead(_: TxRef) -> None:
        raise DatabaseUnavailable

    hub = await start_hub(listen=dead, sweep_seconds=0.1)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, 0) as subscription:
        assert await seqs(subscription, until=1) == [1]
        await journal.append(tx_ref)
        assert await seqs(subscription, until=2) == [2]


async def test_while_there_is_no_listener_a_stream_begins_with_the_current_state(
    start_hub: StartHub, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the sweep, and not a second time once there is a listener."""
    monkeypatch.setattr("app.stream.hub.LISTEN_SECONDS_MAX", 0.05)
    connected = asyncio.Event()

    async def listen(_: TxRef) -> None:
        await connected.wait()

    hub = await start_hub(listen=listen, sweep_seconds=3_600)
    tx_ref = await journal.open(entries=1)
    async with pulled(hub, tx_ref, None) as first, pulled(hub, tx_ref, 0) as second:
        assert await seqs(first, until=1) == [1]
        assert await seqs(second, until=1) == [1]
        async with pulled(hub, tx_ref, None) as later:
            assert await seqs(later, until=1) == [1]
        await journal.append(tx_ref)
        connected.set()
        assert await seqs(first, until=2) == [2]


async def test_closing_ends_every_stream_and_refuses_new_ones(
    start_hub: StartHub, journal: Journal, eventually: Eventually
) -> None:
    async def listen(tx_ref: TxRef) -> None:
        if tx_ref == never_listened:
            await never_listening(tx_ref)

    hub = await start_hub(listen=listen)
    tx_ref, never_listened = await journal.open(entries=1), await journal.open(entries=1)
    async with (
        pulled(hub, tx_ref, 1) as waiting,
        pulled(hub, tx_ref, 0) as unread,
        pulled(hub, never_listened, 0) as entering,
    ):
        answers = [
            asyncio.create_task(subscription.next_frames(SOON_SECONDS))
            for subscription in (waiting, entering)
        ]
        await eventually(lambda: unread.cursor == 1)
        await hub.close()
        await hub.close()
        assert await asyncio.gather(*answers) == [StreamClose.SHUTDOWN, StreamClose.SHUTDOWN]
        messages, end = await to_the_end(unread)
        assert (ids(messages), end) == ([1], StreamClose.SHUTDOWN)
        async with pulled(hub, tx_ref, 0) as late:
            assert await late.next_frames(SOON_SECONDS) is StreamClose.SHUTDOWN
    assert (hub.streams, hub.channels) == (0, 0)


async def never_listening(_: TxRef) -> None:
    await asyncio.Event().wait()


async def read(subscription: Pulled) -> list[Message]:
    """What arrives next; fails when it is silence or the end."""
    frames = await subscription.next_frames(SOON_SECONDS)
    assert isinstance(frames, bytes), frames
    return EventSource().feed(frames)


async def seqs(subscription: Pulled, until: int) -> list[int]:
    """The seqs of the updates up to `until`, which must be the last of them."""
    seen: list[int] = []
    while not seen or seen[-1] < until:
        messages = await read(subscription)
        assert {message.event for message in messages} == {"status-update"}
        seen += ids(messages)
    return seen


async def to_the_end(subscription: Pulled) -> tuple[list[Message], StreamClose]:
    messages: list[Message] = []
    while isinstance(frames := await subscription.next_frames(SOON_SECONDS), bytes):
        messages += EventSource().feed(frames)
    assert frames is not None, "the stream did not end"
    return messages, frames


def ids(messages: list[Message]) -> list[int]:
    return [int(message.last_event_id) for message in messages]


async def follow(hub: Hub, tx_ref: TxRef, until: int) -> list[int]:
    """Leaves and resumes now and then, as a browser on a bad network does."""
    seen: list[int] = []
    while not seen or seen[-1] < until:
        await asyncio.sleep(random.random() / 20)
        async with pulled(hub, tx_ref, seen[-1] if seen else 0) as subscription:
            seen += await seqs(subscription, until=min(until, len(seen) + random.randint(1, until)))
    return seen


async def write(journal: Journal, tx_ref: TxRef, times: int) -> None:
    for _ in range(times):
        await journal.append(tx_ref)
        await asyncio.sleep(random.random() / 50)


async def kill_listener(journal: Journal, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    await journal.terminate_listener()
