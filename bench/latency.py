"""How long a payment takes to reach the browser: from the webhook's first byte to the frame.

One payment after another, each with a stream of its own, through HTTP, on an embedded PostgreSQL
that does sync to disk. What is measured includes the two HTTP clients of this script.
"""

import asyncio
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.database.embedded.binaries import find_binaries
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from tests.processes.payer import deliver, http_client, log_in, webhook
from tests.services import Service, environment_on

PAYMENTS = 200
WARM_UP = 10


def main() -> None:
    with running_service() as service:
        seconds = asyncio.run(measure(service.url))[WARM_UP:]
    percentiles = statistics.quantiles(seconds, n=100)
    print(f"{PAYMENTS} payments, one after another; Python {platform.python_version()}")
    print("webhook sent -> frame received")
    for name, value in (("p50", percentiles[49]), ("p99", percentiles[98]), ("max", max(seconds))):
        print(f"  {name} {value * 1000:7.1f} ms")


@contextmanager
def running_service() -> Iterator[Service]:
    """napvi and a PayOS, as processes of their own."""
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="napvi-bench-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o711)  # as root: PostgreSQL runs as another user
        postgres = stack.enter_context(
            EmbeddedPostgres(directory / "data", directory / "run", bin_dir=find_binaries())
        )
        asyncio.run(migrate(postgres.database_url()))
        environment = environment_on(postgres.database_url())
        simulator = Service(environment, "simulator")
        stack.callback(simulator.stop)
        service = Service({**environment, "PAYOS_BASE_URL": simulator.url}, "serve")
        stack.callback(service.stop)
        yield service


async def measure(url: str) -> list[float]:
    """Seconds from webhook to frame, of one payment after another."""
    async with log_in(url) as payer, http_client() as payos:
        seconds = []
        for _ in range(WARM_UP + PAYMENTS):
            topup = await payer.topup()
            body = webhook(topup)
            sent, reported = 0.0, None
            async for message in payer.messages(topup["tx_ref"]):
                if message.json["status"] == "confirmed":
                    seconds.append(time.perf_counter() - sent)
                elif reported is None:
                    sent = time.perf_counter()
                    reported = asyncio.create_task(deliver(payos, url, body))
            if reported is None or await reported != 200:
                raise SystemExit(f"The webhook of {topup['tx_ref']} was not taken.")
    return seconds


if __name__ == "__main__":
    main()
