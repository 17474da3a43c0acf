"""How long a payment takes to reach the browser: from the webhook's first byte to the frame.

One payment after another, each with a stream of its own, through HTTP, on an embedded PostgreSQL
that does sync to disk. What is measured includes the two HTTP clients of this script.
"""

import asyncio
import platform
import statistics
import time

from bench.service import running_database, running_service
from tests.processes.payer import deliver, http_client, log_in, webhook

PAYMENTS = 200
WARM_UP = 10


def main() -> None:
    with running_database() as url, running_service(url) as service:
        seconds = asyncio.run(measure(service.url))[WARM_UP:]
    percentiles = statistics.quantiles(seconds, n=100)
    print(f"{PAYMENTS} payments, one after another; Python {platform.python_version()}")
    print("webhook sent -> frame received")
    for name, value in (("p50", percentiles[49]), ("p99", percentiles[98]), ("max", max(seconds))):
        print(f"  {name} {value * 1000:7.1f} ms")


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
