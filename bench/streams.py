"""What open streams cost: memory, opening, rest, heartbeats, and events to many of them.

One `serve` process; the browsers live in another. Memory is what the server's processes hold
(PSS), without the kernel's buffers. Times include the clients, whose use of the CPU is printed
too: where it comes near the time that passed, they were the limit, not the server.
"""

import asyncio
import platform
import resource

import click

from bench.crowd import crowd_at
from bench.service import running_database, running_service
from bench.stream_costs import Costs
from tests.bulk import open_topups

PAYERS = 20
STREAMS_PER_USER_MAX = 10_000
NEVER_SECONDS, OFTEN_SECONDS = "3600", "5"


@click.command()
@click.option("--count", default=10_000, show_default=True, help="Streams to hold open.")
def main(count: int) -> None:
    """Measure what streams cost."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{count} streams on one process; Python {platform.python_version()}")
    limits = {
        "NAPVI_STREAMS_PER_PROCESS_MAX": str(count),
        "NAPVI_STREAMS_PER_USER_MAX": str(min(count, STREAMS_PER_USER_MAX)),
    }
    with running_database() as database_url:
        quiet = limits | {"NAPVI_STREAM_HEARTBEAT_SECONDS": NEVER_SECONDS}
        with running_service(database_url, **quiet) as service, crowd_at(service.url) as crowd:
            topups = asyncio.run(open_topups(service.url, database_url, count, PAYERS))
            costs = Costs(service, crowd, topups)
            costs.opening(at_once=64)
            costs.memory()
            costs.rest()
            costs.events_to_distinct()
            costs.memory_afterwards()
            costs.opening(at_once=512)
            costs.memory_afterwards()
            costs.event_to_all()
        beating = limits | {"NAPVI_STREAM_HEARTBEAT_SECONDS": OFTEN_SECONDS}
        with running_service(database_url, **beating) as service, crowd_at(service.url) as crowd:
            Costs(service, crowd, topups).heartbeats()


if __name__ == "__main__":
    main()
