"""TCP to PostgreSQL whose death is noticed."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import MappingProxyType

log = logging.getLogger(__name__)

LIVELINESS = MappingProxyType[str, object](
    {
        "keepalives": 1,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
)
"""For libpq: the kernel gives up a connection whose other end no longer answers it."""


class Patience:
    """`over` when a connection was cut because nothing came in time."""

    def __init__(self) -> None:
        self.over = False


@contextmanager
def patience(descriptor: int, seconds: float) -> Iterator[Patience]:
    """Cuts the connection when the work inside takes longer.

    For what the kernel cannot see: a peer that takes everything and answers nothing.
    """
    watched = Patience()

    def give_up() -> None:
        log.warning("event=database.silent reason=no_answer seconds=%g", seconds)
        watched.over = True
        cut(descriptor)

    timer = asyncio.get_running_loop().call_later(seconds, give_up)
    try:
        yield watched
    finally:
        timer.cancel()


def cut(descriptor: int) -> None:
    """Shuts a socket, so that whoever waits for it fails at once, be it in mid-statement.

    To close it under a waiting event loop would give its number to the next socket.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
