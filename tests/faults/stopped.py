"""Readers in a process that is stopped, by SIGSTOP, once their streams are open."""

import asyncio
import json
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from tests.bulk import OpenTopup
from tests.faults.raw_streams import open_stream


@asynccontextmanager
async def stopped_readers(url: str, topup: OpenTopup, count: int) -> AsyncIterator[None]:
    """`count` streams of one top-up, whose frames nobody takes while the block runs."""
    arguments = ("-m", __name__, url, json.dumps(asdict(topup)), str(count))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"opened\n"
        process.send_signal(signal.SIGSTOP)
        yield
    finally:
        process.kill()
        await process.wait()


def main(url: str, topup: str, count: str) -> None:
    streams = [
        open_stream(url, OpenTopup(**json.loads(topup)), small=True) for _ in range(int(count))
    ]
    print("opened", flush=True)
    threading.Event().wait()
    del streams


if __name__ == "__main__":
    main(*sys.argv[1:])
