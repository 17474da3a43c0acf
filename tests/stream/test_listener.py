import asyncio
import random
from time import monotonic

import pytest

from app.errors import ConfigurationError, DatabaseUnavailable, InvalidRequest
from app.model import Notified, TxRef, new_tx_ref
from app.stream.channels import channel_of, tx_ref_of
from app.stream.listener import Audience
from tests.stream.conftest import Eventually, StartListener, Woken, grow_impatient
from tests.stream.journal import Journal
from tests.stream.leasing import until
from tests.stream.relay import Relay

HOSTILE_NAMES = (
    "topup:",
    "topup:t0123abcd",
    "topup:T0123ABC",
    "topup:T0123ABCDE",
    "topup:T0123ABCI",
    "topup:T0123ABCD\n",
    "topup: T0123ABCD",
    "topup:topup:T0123ABCD",
    "TOPUP:T0123ABCD",
    "T0123ABCD",
    'topup:"; LISTEN "topup:T0123ABCD',
    "topup:'; DROP TABLE journal; --",
    "topup:T٠١٢٣ABCD",
    "topup:%s{}",
)


def test_the_channel_of_a_top_up_leads_back_to_it() -> None:
    tx_ref = new_tx_ref()
    assert channel_of(tx_ref) == f"topup:{tx_ref}"
    assert tx_ref_of(channel_of(tx_ref)) == tx_ref


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_is_no_channel_of_ours_leads_nowhere(name: str) -> None:
    assert tx_ref_of(name) is None


async def test_a_malformed_tx_ref_never_reaches_listen(start_listener: StartListener) -> None:
    listener = await start_listener()
    for tx_ref in (*(name.removeprefix("topup:") for name in HOSTILE_NAMES[:2]), 'T"', None, "\0"):
        with pytest.raises(InvalidRequest):
            await listener.listen(tx_ref)  # type: ignore[arg-type]
    assert listener.ready


async def test_hostile_channel_names_are_quoted_and_never_dispatched(
    start_listener: StartListener, journal: Journal, woken: Woken
) -> None:
    listener = await start_listener()
    for name in HOSTILE_NAMES:
        listener._channels.want(name)
    tx_ref = new_tx_ref()
    await listener.listen(tx_ref)
    for name in (*HOSTILE_NAMES, channel_of(tx_ref)):
        await journal.notify(name, "")
    await woken.everything(listener, journal)
    assert set(woken.times) == {tx_ref}


async def test_it_is_ready_after_its_echo_and_not_after_it_stopped(
    start_listener: StartListener, journal: Journal
) -> None:
    listener = await start_listener()
    ready = [listener.ready]
    await listener.stop()
    ready.append(listener.ready)
    assert ready == [True, False]
    await until(journal.listeners, 0)
    with pytest.raises(DatabaseUnavailable):
        await listener.listen(new_tx_ref())


async def test_what_is_not_listened_to_any_more_wakes_nobody(
    start_listener: StartListener, journal: Journal, woken: Woken
) -> None:
    listener = await start_listener()
    left, stayed = new_tx_ref(), new_tx_ref()
    await asyncio.gather(listener.listen(left), listener.listen(stayed))
    listener.unlisten(left)
    await listener.listen(new_tx_ref())  # the UNLISTEN was in this batch or in one before
    for tx_ref in (left, stayed):
        await journal.notify(channel_of(tx_ref), "")
    await woken.everything(listener, journal)
    assert (woken.times[left], woken.times[stayed]) == (0, 1)


async def test_a_thousand_subscribes_under_a_flood_of_notifications_lose_none(
    start_listener: StartListener, journal: Journal, woken: Woken, eventually: Eventually
) -> None:
    listener = await start_listener()
    listened: list[TxRef] = []
    sent = Woken()
    subscribed = asyncio.Event()

    async def flood() -> None:
        while not subscribed.is_set():
            if listened:
                await notify(random.choice(listened))
            await asyncio.sleep(0)

    async def notify(tx_ref: TxRef) -> None:
        sent.on_wake(tx_ref)
        await journal.notify(channel_of(tx_ref), str(sent.times[tx_ref]))

    async def subscribe(number: int) -> None:
        await asyncio.sleep(number / 1_000)
        tx_ref = new_tx_ref()
        await listener.listen(tx_ref)
        listened.append(tx_ref)
        await notify(tx_ref)

    async with asyncio.TaskGroup() as tasks:
        floods = [tasks.create_task(flood()) for _ in range(2)]
        await asyncio.gather(*(subscribe(number) for number in range(1_000)))
        subscribed.set()
    assert all(task.done() for task in floods)
    await eventually(lambda: woken.times.total() >= sent.times.total())
    assert woken.times == sent.times
    assert sent.times.total() > 1_000


@pytest.mark.parametrize("seed", range(5))
async def test_leaving_and_entering_at_random_keeps_exactly_what_is_wanted(
    start_listener: StartListener, journal: Journal, woken: Woken, seed: int
) -> None:
    listener = await start_listener()
    chance = random.Random(seed)
    tx_refs = [new_tx_ref() for _ in range(20)]
    wanted: set[TxRef] = set()
    waiting: list[asyncio.Task[None]] = []
    for _ in range(2_000):
        tx_ref = chance.choice(tx_refs)
        if tx_ref in wanted:
            wanted.remove(tx_ref)
            listener.unlisten(tx_ref)
        else:
            wanted.add(tx_ref)
            waiting.append(asyncio.create_task(listener.listen(tx_ref)))
            await asyncio.sleep(0)
        if chance.random() < 0.2:
            chance.choice(waiting).cancel()
        if chance.random() < 0.1:
            await asyncio.sleep(chance.random() / 1_000)
    await asyncio.gather(*(listener.listen(tx_ref) for tx_ref in wanted))
    await listener.listen(new_tx_ref())  # goes out with the last UNLISTEN, or after it
    for task in waiting:
        task.cancel()  # some wait for what was left before its turn
    await asyncio.gather(*waiting, return_exceptions=True)
    for tx_ref in tx_refs:
        await journal.notify(channel_of(tx_ref), "")
    await woken.everything(listener, journal)
    assert set(woken.times) == wanted


async def test_a_cancelled_waiter_leaves_its_batch_alone(
    start_listener: StartListener, journal: Journal, woken: Woken
) -> None:
    listener = await start_listener()
    tx_refs = [new_tx_ref() for _ in range(200)]
    waiting = [asyncio.create_task(listener.listen(tx_ref)) for tx_ref in tx_refs]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    await asyncio.gather(*waiting[1::2])
    for tx_ref in tx_refs:
        await journal.notify(channel_of(tx_ref), "")
    await woken.everything(listener, journal)
    assert all(woken.times[tx_ref] == 1 for tx_ref in tx_refs)


async def test_after_its_backend_was_terminated_it_listens_to_everything_again(
    start_listener: StartListener, journal: Journal, woken: Woken, eventually: Eventually
) -> None:
    listener = await start_listener()
    tx_refs = [new_tx_ref() for _ in range(50)]
    await asyncio.gather(*(listener.listen(tx_ref) for tx_ref in tx_refs))
    for times in (1, 2, 3):
        assert await journal.terminate_listener() == 1
        await eventually(woken.has_connected(times + 1))
        for tx_ref in tx_refs:
            await journal.notify(channel_of(tx_ref), "")
        await woken.everything(listener, journal)
        assert all(woken.times[tx_ref] == times for tx_ref in tx_refs)
    await eventually(lambda: listener.ready)


async def test_who_waits_for_a_listen_waits_through_a_reconnect(
    start_listener: StartListener, relay: Relay, woken: Woken, eventually: Eventually
) -> None:
    listener = await start_listener(conninfo=relay.url)
    relay.refusing = True
    relay.cut()
    await eventually(lambda: not listener.ready)
    waiting = [asyncio.create_task(listener.listen(new_tx_ref())) for _ in range(3)]
    await eventually(lambda: relay.connections >= 4)
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    relay.refusing = False
    await asyncio.gather(*waiting[1:])
    assert woken.connected == 2


async def test_it_does_not_hammer_a_database_that_is_away(
    start_listener: StartListener, relay: Relay, eventually: Eventually
) -> None:
    await start_listener(conninfo=relay.url)
    before, began = relay.connections, monotonic()
    relay.refusing = True
    relay.cut()
    # Two per try, and the pauses are at least 0.05, 0.1, 0.2, 0.4 and 0.5 seconds.
    await eventually(lambda: relay.connections - before >= 12)
    assert monotonic() - began >= 0.75


async def test_who_waits_for_a_listen_is_told_when_the_listener_stops(
    start_listener: StartListener, relay: Relay, eventually: Eventually
) -> None:
    listener = await start_listener(conninfo=relay.url)
    relay.refusing = True
    relay.cut()
    await eventually(lambda: not listener.ready)
    waiting = asyncio.create_task(listener.listen(new_tx_ref()))
    await asyncio.sleep(0)
    await listener.stop()
    with pytest.raises(DatabaseUnavailable):
        await waiting


@pytest.mark.parametrize("busy", [False, True])
async def test_a_connection_that_fell_silent_is_replaced(
    start_listener: StartListener,
    relay: Relay,
    journal: Journal,
    woken: Woken,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    busy: bool,
) -> None:
    listener = await start_listener(conninfo=relay.url)
    tx_ref, late = new_tx_ref(), new_tx_ref()
    await listener.listen(tx_ref)
    grow_impatient(listener, echo_timeout_seconds=0.5)
    relay.forget()
    waiting = asyncio.create_task(listener.listen(late)) if busy else None
    await eventually(lambda: not listener.ready)
    await eventually(lambda: listener.ready)
    assert "event=listener.lost reason=silent" in caplog.text
    assert woken.connected >= 2

    async def is_woken() -> bool:
        """A listener that is so impatient may be away again at any moment."""
        await journal.notify(channel_of(tx_ref), "")
        return woken.times[tx_ref] > 0

    await until(is_woken, True)
    if waiting is not None:
        await waiting


async def test_an_echo_that_cannot_be_sent_turns_it_unready_but_costs_no_connection(
    start_listener: StartListener,
    journal: Journal,
    woken: Woken,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away, refused = False, 0

    async def echo(channel: str, payload: str) -> Notified:
        nonlocal refused
        if away:
            refused += 1
            raise DatabaseUnavailable
        return await journal.notify(channel, payload)

    listener = await start_listener(echo=echo, listener_echo_seconds=0.05)
    away = True
    await eventually(lambda: refused > 0)
    # Longer than an echo may be overdue.
    monkeypatch.setattr("app.stream.echo.monotonic", lambda: monotonic() + 60)
    await eventually(lambda: refused > 2)
    assert not listener.ready
    away = False
    await eventually(lambda: listener.ready)
    assert woken.connected == 1


async def test_a_callback_that_raises_costs_a_reconnect_and_not_the_listener(
    start_listener: StartListener, journal: Journal, woken: Woken, eventually: Eventually
) -> None:
    def fail(tx_ref: TxRef) -> None:
        woken.on_wake(tx_ref)
        raise LookupError

    listener = await start_listener(
        audience=Audience(fail, woken.on_connected, woken.on_summons, woken.on_skipped)
    )
    tx_ref = new_tx_ref()
    await listener.listen(tx_ref)
    for times in (1, 2):
        await journal.notify(channel_of(tx_ref), "")
        await eventually(woken.has_connected(times + 1))
        assert woken.times[tx_ref] == times


async def test_a_listener_that_died_is_not_ready_and_says_so(
    start_listener: StartListener,
    journal: Journal,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Catastrophe(BaseException):
        pass

    def fail(_: TxRef) -> None:
        raise Catastrophe

    audience = Audience(
        fail, on_connected=lambda: None, on_summons=lambda: None, on_skipped=lambda: None
    )
    listener = await start_listener(audience=audience)
    tx_ref = new_tx_ref()
    await listener.listen(tx_ref)
    await journal.notify(channel_of(tx_ref), "")
    await eventually(lambda: "event=listener.died" in caplog.text)
    assert not listener.ready
    with pytest.raises(DatabaseUnavailable):
        await listener.listen(tx_ref)


async def test_it_refuses_to_start_when_the_database_cannot_be_reached(
    start_listener: StartListener, relay: Relay
) -> None:
    relay.refusing = True
    with pytest.raises(ConfigurationError, match="cannot be reached") as refused:
        await start_listener(conninfo=relay.url, connect_timeout_seconds=1)
    assert refused.value.setting == "LISTEN_DATABASE_URL"


async def test_how_long_it_may_take_to_connect_is_a_setting(start_listener: StartListener) -> None:
    listener = await start_listener(connect_timeout_seconds=7)
    kwargs = listener._pool.kwargs  # to wait for it would depend on how fast the machine is
    assert isinstance(kwargs, dict)
    assert kwargs["connect_timeout"] == 7
