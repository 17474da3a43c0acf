"""Serves apps until a signal says stop: streams end first, then the server, and that in time.

Hypercorn's own command would wait for open streams, and with asyncio's loop of Python 3.12 and
newer for ever; so it is run from code, and with uvloop.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from quart import Quart

from app.server.connections import serve
from app.server.event_loop import EventLoop
from app.server.sockets import Endpoint
from app.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
MAKE_ROOM = signal.SIGUSR1  # stop too; another worker is there already, so nobody need be told
DRAIN_SHARE = 0.5  # of the time to stop; the rest is for requests under way
GC_ALLOCATIONS = 10_000  # more objects than before; Python's own is 700
LAST_REQUESTS_SECONDS = 0.1  # for who was accepted, or answered, a moment before the end


async def nothing() -> None:
    """For a site that has nothing to open or to drain."""


def nobody() -> None:
    """For a site that has nobody to turn away."""


@dataclass(frozen=True, slots=True)
class Site:
    """An app and where it is reached.

    `open` connects what it needs and may refuse the start with a NapviError; `turn_away` makes it
    unready while it goes on serving; `drain` ends its streams.
    """

    app: Quart
    endpoint: Endpoint
    open: Callable[[], Awaitable[None]] = nothing
    turn_away: Callable[[], None] = nobody
    drain: Callable[[], Awaitable[None]] = nothing


def run(
    sites: Sequence[Site],
    settings: Settings,
    when_serving: Callable[[], Awaitable[None]] = nothing,
) -> None:
    """Serves `sites` until SIGINT, SIGTERM or SIGHUP; once all of them answer it calls
    `when_serving`.

    From the signal on the process lives for NAPVI_SHUTDOWN_SECONDS_MAX at most, whoever does not
    read.
    """
    watchdog = threading.Timer(settings.shutdown_seconds_max, _exit_hard)
    watchdog.daemon = True
    loop = EventLoop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(_serve(loop, sites, settings, watchdog, when_serving))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    finally:
        watchdog.cancel()
    log.info("event=server.stopped")


def run_during(site: Site, work: Callable[[], Awaitable[T]]) -> T:
    """Serves `site` until `work` is done, and gives its result. Ctrl-C ends both."""

    async def both() -> T:
        answering, finish = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as servers:
            servers.create_task(_serve_site(site, answering, finish))
            await answering.wait()
            try:
                return await work()
            finally:
                finish.set()

    try:
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            return runner.run(both())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def _serve(
    loop: EventLoop,
    sites: Sequence[Site],
    settings: Settings,
    watchdog: threading.Timer,
    when_serving: Callable[[], Awaitable[None]],
) -> None:
    stop: asyncio.Future[signal.Signals] = loop.create_future()
    finish = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if not stop.done():
            log.info("event=server.stopping signal=%s", number.name)
            watchdog.start()
            stop.set_result(number)

    loop.set_exception_handler(_on_loop_error)
    for number in (*STOP_SIGNALS, MAKE_ROOM, *_hangup()):
        loop.add_signal_handler(number, on_signal, number)
    for site in sites:
        await site.open()
    _collect_less()
    async with asyncio.TaskGroup() as servers:
        for site in sites:
            answering = asyncio.Event()
            servers.create_task(_serve_site(site, answering, finish))
            await answering.wait()
        await when_serving()
        seconds_left = settings.shutdown_seconds_max
        if await stop is not MAKE_ROOM:
            for site in sites:
                site.turn_away()
            await asyncio.sleep(settings.drain_wait_seconds)
            seconds_left -= settings.drain_wait_seconds
        loop.stop_accepting()
        await _drain(sites, seconds_left * DRAIN_SHARE)
        await asyncio.sleep(LAST_REQUESTS_SECONDS)
        finish.set()


def _hangup() -> Sequence[signal.Signals]:
    """SIGHUP asks for new code, and one process has nobody who replaces it: it drains, and the
    service manager starts that. What nohup started stays when its terminal goes.
    """
    return () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)


def _collect_less() -> None:
    """What the start left is never looked at again, and new objects in larger portions.

    With Python's own thresholds a rush of streams spent a tenth of its time on looking at those
    that were there already, 100 ms and more at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 10, 10)


async def _serve_site(site: Site, answering: asyncio.Event, finish: asyncio.Event) -> None:
    async def until_finished() -> None:  # which Hypercorn awaits as soon as it serves
        log.info("event=server.serving address=%s", ",".join(site.endpoint.addresses))
        answering.set()
        await finish.wait()

    config = site.endpoint.config
    config.errorlog = logging.getLogger("hypercorn.error")  # through our handler, not its own
    await serve(site.app, config, until_finished)


async def _drain(sites: Sequence[Site], seconds_max: float) -> None:
    drains = [asyncio.ensure_future(site.drain()) for site in sites]
    _, late = await asyncio.wait(drains, timeout=seconds_max)
    if late:
        log.warning("event=server.drain_unfinished seconds=%.1f", seconds_max)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Hypercorn lets the end of a connection that the kernel cut pass for an error of ours."""
    error = context.get("exception")
    if isinstance(error, BaseExceptionGroup):
        error = error if error.split(OSError)[1] else error.exceptions[0]
    if isinstance(error, OSError):
        log.info("event=connection.lost reason=%s", type(error).__name__)
    else:
        loop.default_exception_handler(context)


def _exit_hard() -> None:
    """Runs in a thread, so that an event loop which blocks after the signal cannot keep it either.

    One that blocks before never hears the signal: then whoever sent it has to insist.

    No money is lost: what is not committed was not acknowledged.
    """
    log.warning("event=server.stopped_hard")
    logging.shutdown()
    os._exit(0)
