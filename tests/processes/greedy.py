"""A client that asks for a lot, reads nothing and is stopped: the server's writes block."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.processes.payer import until
from tests.services import Service

REQUESTS = 2_000
"""For a file of 11 kB: more than the buffers of a connection hold."""

UNCHANGED_MAX = 20
"""How often in a row the send queue must be found at the same length to be taken for stuck."""

PROGRAM = """
import socket, sys, threading
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(("127.0.0.1", int(sys.argv[1])))
client.sendall(int(sys.argv[2]) * b"GET /static/napvi.css HTTP/1.1\\r\\nHost: napvi\\r\\n\\r\\n")
threading.Event().wait()
"""


@asynccontextmanager
async def never_reading(service: Service) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Inside, `service` is stuck in a write to a stopped process; the result tells if no more."""
    port = urlsplit(service.url).port or 0
    queued = [0]

    async def stuck() -> bool:
        queued.append(_queued_bytes(port))
        latest = queued[-UNCHANGED_MAX:]
        return len(set(latest)) == 1 and latest[0] > 0

    async def cut_off() -> bool:
        return _queued_bytes(port) == 0

    arguments = ("-c", PROGRAM, str(port), str(REQUESTS))
    client = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    try:
        await until(stuck)
        client.send_signal(signal.SIGSTOP)
        yield cut_off
    finally:
        client.kill()
        await client.wait()


def _queued_bytes(port: int) -> int:
    """What the connections of a listening port have to send and cannot."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4][:8], 16) for row in rows if int(row[1].split(":")[1], 16) == port)
