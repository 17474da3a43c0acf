"""What the listener counts, and what a full notification queue does to it."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from app.metrics.labels import ListenerLoss
from app.metrics.metrics import Metrics
from app.model import TxRef, new_tx_ref
from app.settings import Settings
from app.stream.channels import channel_of
from app.stream.listener import BACKOFF_SECONDS_MIN, WORKER_LOCKS, Audience, Listener
from tests.notify_queue import half_full
from tests.payments import Process, connected, open_process
from tests.stream.conftest import WORKER_ID, Eventually, StartListener, Woken, grow_impatient
from tests.stream.journal import Journal
from tests.stream.relay import Relay

ECHO_SECONDS, OVERDUE_SECONDS = 0.05, 60.0
WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(f"napvi_{name}", labels)
    assert found is not None, name
    return found


def losses(metrics: Metrics) -> dict[str, float]:
    """Those that happened."""
    counts = {r.value: value(metrics, "listener_lost_total", reason=r) for r in ListenerLoss}
    return {reason: count for reason, count in counts.items() if count}


async def test_channels_are_counted_as_they_come_and_go(
    start_listener: StartListener, metrics: Metrics, eventually: Eventually
) -> None:
    listener = await start_listener()
    tx_refs = [new_tx_ref() for _ in range(3)]
    counts = [value(metrics, "channels_listened")]
    await asyncio.gather(*(listener.listen(tx_ref) for tx_ref in tx_refs))
    counts.append(value(metrics, "channels_listened"))
    listener.unlisten(tx_refs[0])
    await eventually(lambda: value(metrics, "channels_listened") == 4)
    await listener.stop()
    counts.append(value(metrics, "channels_listened"))
    assert counts == [2, 5, 0]


async def test_each_echo_is_timed(
    start_listener: StartListener, metrics: Metrics, eventually: Eventually
) -> None:
    began = monotonic()
    await start_listener(listener_echo_seconds=ECHO_SECONDS)
    await eventually(lambda: value(metrics, "echo_lag_seconds_count") >= 3)
    assert 0 < value(metrics, "echo_lag_seconds_sum") < monotonic() - began


async def test_a_terminated_backend_is_a_loss_and_another_connection(
    start_listener: StartListener, metrics: Metrics, journal: Journal, woken: Woken,
    eventually: Eventually, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await start_listener()
    await journal.terminate_listener()
    await eventually(woken.has_connected(2))
    assert losses(metrics) == {"disconnected": 1}
    assert value(metrics, "listener_connects_total") == 2
    assert "event=listener.lost reason=disconnected" in caplog.text


async def test_a_network_that_fell_silent_is_told_from_one_that_refuses(
    start_listener: StartListener, metrics: Metrics, relay: Relay, woken: Woken,
    eventually: Eventually,
) -> None:  # fmt: skip
    listener = await start_listener(conninfo=relay.url)
    grow_impatient(listener, echo_timeout_seconds=0.5)
    relay.forget()
    await eventually(woken.has_connected(2))
    assert losses(metrics).keys() == {"silent"}
    while "disconnected" not in losses(metrics):  # it may be away once more at any moment
        relay.cut()
        await asyncio.sleep(0.01)
    relay.refusing = True
    relay.cut()
    await eventually(lambda: "unreachable" in losses(metrics))
    assert losses(metrics).keys() == {"silent", "disconnected", "unreachable"}


async def test_a_database_that_takes_its_time_is_not_unreachable(
    start_listener: StartListener, metrics: Metrics, relay: Relay, woken: Woken,
    eventually: Eventually,
) -> None:  # fmt: skip
    await start_listener(conninfo=relay.url)
    relay.hold()
    relay.cut()
    await eventually(lambda: relay.connections == 2)
    await asyncio.sleep(5 * BACKOFF_SECONDS_MIN)  # it wants to connect, and has to wait
    relay.release()
    await eventually(woken.has_connected(2))
    assert losses(metrics) == {"disconnected": 1}


async def test_an_error_of_ours_is_a_loss_with_that_reason(
    start_listener: StartListener, metrics: Metrics, journal: Journal, woken: Woken,
    eventually: Eventually, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fail(_: TxRef) -> None:
        raise LookupError("of ours")

    listener = await start_listener(
        audience=Audience(fail, woken.on_connected, woken.on_summons, woken.on_skipped)
    )
    tx_ref = new_tx_ref()
    await listener.listen(tx_ref)
    await journal.notify(channel_of(tx_ref), "")
    await eventually(woken.has_connected(2))
    assert losses(metrics) == {"failed": 1}
    assert "of ours" in caplog.text, "with its traceback"


async def test_a_connection_that_gets_no_answer_before_it_listens_is_given_up(
    start_listener: StartListener, metrics: Metrics, journal: Journal, empty_database_url: str,
    eventually: Eventually,
) -> None:  # fmt: skip
    """Here because somebody holds the lock of the worker; a silent network looks the same."""
    listener = await start_listener()
    grow_impatient(listener, echo_timeout_seconds=0.3)
    async with connected(empty_database_url) as rival:
        values = (WORKER_LOCKS, WORKER_ID)
        locking = asyncio.create_task(rival.execute("SELECT pg_advisory_lock(%s, %s)", values))
        async with connected(empty_database_url) as psql:
            while await (await psql.execute(WAITING)).fetchone() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await journal.terminate_listener()
        await locking
        await eventually(lambda: losses(metrics).get("silent", 0) >= 2)
        assert not listener.ready
    await eventually(lambda: listener.ready)


@pytest.fixture
async def process(small_queue_url: str) -> AsyncIterator[Process]:
    async with open_process(small_queue_url) as process:
        yield process


@pytest.fixture
async def listener(
    small_queue_url: str, process: Process, metrics: Metrics, woken: Woken
) -> AsyncIterator[Listener]:
    """Not started yet, on a server whose queue can be filled."""
    listener = Listener(
        small_queue_url,
        audience=Audience(woken.on_wake, woken.on_connected, woken.on_summons, woken.on_skipped),
        worker_id=7,
        echo=process.store.notify,
        settings=Settings.load(listener_echo_seconds=ECHO_SECONDS),
        metrics=metrics,
    )
    yield listener
    await listener.stop()


async def test_a_full_queue_neither_cuts_the_listener_nor_turns_it_unready(
    listener: Listener, small_queue_url: str, metrics: Metrics, woken: Woken,
    eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await listener.start()
    async with half_full(small_queue_url):
        await eventually(lambda: woken.skipped > 0)
        # Longer than an echo may be overdue: what was heard before would not do.
        monkeypatch.setattr("app.stream.echo.monotonic", lambda: monotonic() + OVERDUE_SECONDS)
        skipped = woken.skipped
        await eventually(lambda: woken.skipped > skipped + 1)
        assert listener.ready
        assert value(metrics, "notify_queue_usage") >= 0.5
        assert caplog.text.count("reason=queue_full") == woken.skipped
        heard = value(metrics, "echo_lag_seconds_count")
    await eventually(lambda: value(metrics, "echo_lag_seconds_count") > heard)
    # An echo may be heard before the answer to sending it, which tells the usage.
    await eventually(lambda: value(metrics, "notify_queue_usage") < 0.5)
    assert listener.ready
    assert woken.connected == 1
    assert losses(metrics) == {}


async def test_it_starts_while_the_queue_is_full(
    listener: Listener, small_queue_url: str, eventually: Eventually, metrics: Metrics
) -> None:
    async with half_full(small_queue_url):
        await listener.start()
        assert listener.ready
        assert value(metrics, "echo_lag_seconds_count") == 0
    await eventually(lambda: value(metrics, "echo_lag_seconds_count") > 0)
