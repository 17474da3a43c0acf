"""`serve` on any database, at settings that let a fault show within seconds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

import pytest

from tests.processes.descendants import alive
from tests.services import Service, environment_on

QUICK = {
    "PAYOS_BASE_URL": "http://127.0.0.1:9",  # nobody asks PayOS: the top-ups come from the door
    "NAPVI_STREAM_RETRY_SECONDS": "0.1",
    "NAPVI_STREAM_BUSY_SECONDS": "1",
    "NAPVI_STREAM_SWEEP_SECONDS": "3600",  # what is to be seen must not be owed to the sweep
    "NAPVI_STREAMS_PER_USER_MAX": "10000",
    "NAPVI_LISTENER_ECHO_SECONDS": "0.5",
    "NAPVI_LISTENER_ECHO_TIMEOUT_SECONDS": "1",
    "NAPVI_LISTENER_BACKOFF_SECONDS_MAX": "0.5",
    "NAPVI_CONNECT_TIMEOUT_SECONDS": "5",
}


MARKS = [pytest.mark.processes, pytest.mark.alone]


class Serve(Protocol):
    """Starts one; `changes` are settings. Those that still run are stopped after the test."""

    def __call__(self, database_url: str, *options: str, **changes: str) -> Service: ...


@contextmanager
def serving() -> Iterator[Serve]:
    with ExitStack() as started:

        def start(database_url: str, *options: str, **changes: str) -> Service:
            environment = environment_on(database_url) | QUICK | changes
            service = Service(environment, "serve", *options)
            started.callback(end, service)
            return service

        yield start


def end(service: Service) -> None:
    """Insists on a clean end, unless the test has killed it."""
    if alive(service.pid):
        service.stop()
    else:
        service.close()
