"""What open streams cost: memory, opening, waiting, and events to many of them.

One `serve` process; the browsers live in another. Memory is what the processes of the server
hold (PSS), without the kernel's buffers. Times include the clients, whose share of the CPU is
printed too: where it comes near the seconds that passed, the client was the limit.
"""

import asyncio
import platform
import resource
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import click
import psycopg

from app.model import new_tx_ref
from bench.crowd import Crowd, cpu_seconds, crowd_at, pss_kib, wait_until_idle
from bench.service import running_database, running_service
from tests.processes.payer import log_in
from tests.services import Service

USERS = 20
AMOUNT_VND = 50_000
EXPIRY_SECONDS = 7200.0
TOPUPS_PER_COMMIT = 500
OPEN = "SELECT order_code FROM topup.open_topup(%s, %s, %s, %s, %s, NULL, NULL)"


@dataclass(frozen=True)
class Topup:
    tx_ref: str
    order_code: int
    cookie: str


@click.command()
@click.option("--count", default=10_000, show_default=True, help="Streams to hold open.")
def main(count: int) -> None:
    """Measure what streams cost."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{count} streams; Python {platform.python_version()}")
    changes = {
        "NAPVI_STREAM_HEARTBEAT_SECONDS": "3600",
        "NAPVI_STREAMS_PER_USER_MAX": str(count),
    }
    with running_database() as url, running_service(url, **changes) as service:
        topups = asyncio.run(seed(service, url, count))
        with crowd_at(service.url) as crowd:
            measure_opening(service, crowd, topups)


async def seed(service: Service, database_url: str, count: int) -> list[Topup]:
    """`count` pending top-ups of USERS payers who are logged in."""
    async with AsyncExitStack() as stack:
        payers = [await stack.enter_async_context(log_in(service.url)) for _ in range(USERS)]
        cookies = ["; ".join(f"{k}={v}" for k, v in p.client.cookies.items()) for p in payers]
        user_ids = [(await p.client.get("/api/auth/me")).json()["user_id"] for p in payers]
    topups: list[Topup] = []
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        while len(topups) < count:
            for _ in range(min(TOPUPS_PER_COMMIT, count - len(topups))):
                owner, tx_ref = len(topups) % USERS, new_tx_ref()
                values = (tx_ref, uuid4(), user_ids[owner], AMOUNT_VND, EXPIRY_SECONDS)
                row = await (await connection.execute(OPEN, values)).fetchone()
                assert row is not None
                topups.append(Topup(tx_ref, row[0], cookies[owner]))
            await connection.commit()
    return topups


def measure_opening(service: Service, crowd: Crowd, topups: list[Topup]) -> None:
    whom = [(topup.tx_ref, topup.cookie) for topup in topups]
    empty = pss_kib(service.pid)
    for at_once in (64, 512):
        used = cpu_seconds(service.pid)
        opened = crowd.open(whom, at_once)
        used = cpu_seconds(service.pid) - used
        full = pss_kib(service.pid)
        crowd.close()
        wait_until_idle(service.pid)
        print(
            f"opening, {at_once:3} at once: {len(whom) / opened['seconds']:6.0f} streams/s, "
            f"p50 {opened['p50'] * 1000:.0f} ms, p99 {opened['p99'] * 1000:.0f} ms, "
            f"server CPU {used / len(whom) * 1000:.2f} ms each, "
            f"client CPU {opened['client_cpu_seconds']:.1f} of {opened['seconds']:.1f} s, "
            f"failed {opened['failed']}"
        )
        print(
            f"memory: {(full - empty) / len(whom):.1f} KiB per stream "
            f"({empty / 1024:.0f} MiB before, {full / 1024:.0f} MiB with, "
            f"{pss_kib(service.pid) / 1024:.0f} MiB once all have left)"
        )


if __name__ == "__main__":
    main()
