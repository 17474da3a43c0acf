"""Everybody comes back at the same moment, while payments are being reported."""

import statistics

from tests.bulk import OpenTopup, open_topups
from tests.faults.crowd import crowd_at
from tests.faults.load import Load
from tests.faults.serving import MARKS, Serve
from tests.payments import open_process, transfer

pytestmark = MARKS

CLIENTS = 5_000
PAYERS = 8
REPORTED = 300
PER_SECOND = 50
BATCH = 64
WEBHOOK_SECONDS_MAX = 0.5  # half of them are far quicker, whatever else the machine does


async def test_five_thousand_browsers_reconnect_at_once_while_payments_are_reported(
    database_url: str, serve: Serve, many_files: None
) -> None:
    """Webhooks go to a process of their own: in the other they would queue behind everybody."""
    service = serve(database_url, NAPVI_STREAM_BUSY_SECONDS="2")
    payments = serve(database_url)
    topups = await open_topups(service.url, database_url, CLIENTS, PAYERS)
    load = Load([payments.url], topups[:REPORTED], transfers=1)
    async with crowd_at(service.url) as crowd:
        await crowd.follow(topups)
        await crowd.saw(heads(topups, 1))
        await crowd.drop()
        await load.pay(PER_SECOND)
        await pay_unreported(database_url, topups[REPORTED:])
        await crowd.saw(heads(topups, 2))  # which no sweep would show in time
    percentiles = statistics.quantiles(load.seconds, n=100)
    print(
        f"{len(load.seconds)} webhooks while {CLIENTS} browsers reconnect: "
        f"p50 {percentiles[49] * 1000:.0f} ms, p99 {percentiles[98] * 1000:.0f} ms"
    )
    assert load.refused == 0
    assert percentiles[49] < WEBHOOK_SECONDS_MAX
    await load.check_the_books(database_url, paid_elsewhere=topups[REPORTED:])


def heads(topups: list[OpenTopup], seq: int) -> dict[str, int]:
    return {topup.tx_ref: seq for topup in topups}


async def pay_unreported(database_url: str, topups: list[OpenTopup]) -> None:
    """In full, through the door of the database: that many webhooks would take too long."""
    facts = [transfer(topup.order_code, topup.amount) for topup in topups]
    async with open_process(database_url) as writer:
        for start in range(0, len(facts), BATCH):
            await writer.store.append_events(facts[start : start + BATCH])
