"""How long the page takes to be right when the payer comes back to it from the bank's app.

Chromium freezes the page, as a phone does with one behind another app. Meanwhile the payment is
credited and, in half of the runs, every connection of the browser is cut. What is measured goes
from the command to show the page to the first painted frame with the right sentence.
"""

import asyncio
import platform
import shutil
import statistics
import time

import click
from psycopg.conninfo import conninfo_to_dict

from bench.service import running_database, running_service
from tests.browser.devtools import Devtools, FreezablePage, freezing_chromium
from tests.chromium import ARGUMENTS, PROGRAMS
from tests.processes.payer import Payer, deliver, http_client, log_in, webhook
from tests.services import Service
from tests.stream.relay import Relay

AWAY_SECONDS = 1.0
IS_LIVE = "document.querySelector('.slip').dataset.connection === 'live'"
UNTIL_RIGHT = """
    new Promise((painted) => {
      const slip = document.querySelector(".slip");
      const look = () => {
        if (slip.dataset.sentence !== "confirmed") return;
        seen.disconnect();
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = painted;
          port2.postMessage(null);
        });
      };
      const seen = new MutationObserver(look);
      seen.observe(slip, { attributes: true });
      look();
    }).then(() => true)
"""


@click.command()
@click.option("--freezes", type=click.IntRange(min=4), default=50, show_default=True)
def main(freezes: int) -> None:
    """Freeze the page of a top-up in Chromium, pay, and measure its return."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise SystemExit("No Chromium found: apt-get install chromium")
    with running_database() as url, running_service(url) as service:
        seconds = asyncio.run(measure(program, service, freezes))
    print(f"{freezes} freezes of {AWAY_SECONDS:g} s; Python {platform.python_version()}")
    print("return to the page -> right state on the screen")
    for name, some in seconds.items():
        percentiles = statistics.quantiles(some, n=100, method="inclusive")
        figures = (("p50", percentiles[49]), ("p99", percentiles[98]), ("max", max(some)))
        print(f"  {name:16}", *(f"{what} {value * 1000:6.1f} ms" for what, value in figures))


async def measure(program: str, service: Service, freezes: int) -> dict[str, list[float]]:
    """Seconds of each return, by what happened to the connections meanwhile."""
    kept, cut = list[float](), list[float]()
    host, _, port = service.address.partition(":")
    async with (
        Relay(f"host={host} port={port}") as relay,
        log_in(service.url) as payer,
        freezing_chromium(program, ARGUMENTS) as devtools,
    ):
        await share_the_login(devtools, payer)
        site = f"http://{host}:{conninfo_to_dict(relay.url)['port']}"
        for number in range(freezes):
            cuts = number % 2 == 1
            taken = await one_return(devtools, service, payer, site, relay if cuts else None)
            (cut if cuts else kept).append(taken)
    return {"all": kept + cut, "connections kept": kept, "connections cut": cut}


async def one_return(
    devtools: Devtools, service: Service, payer: Payer, site: str, cutting: Relay | None
) -> float:
    topup = await payer.topup()
    page = await devtools.open(f"{site}/wallet/topup/{topup['tx_ref']}")
    await page.until(IS_LIVE)
    bank = await devtools.call("Target.createTarget", url="about:blank")  # in front of it
    await page.freeze()
    async with http_client() as payos:
        if await deliver(payos, service.url, webhook(topup)) != 200:
            raise SystemExit(f"The webhook of {topup['tx_ref']} was not taken.")
    if cutting is not None:
        cutting.cut()
    await asyncio.sleep(AWAY_SECONDS)
    taken = await time_until_right(page)
    await devtools.call("Target.closeTarget", targetId=bank["targetId"])
    await page.close()
    return taken


async def time_until_right(page: FreezablePage) -> float:
    thawed = time.perf_counter()
    await page.show()
    if not await page.evaluate(UNTIL_RIGHT):
        raise SystemExit("The page went away.")
    return time.perf_counter() - thawed


async def share_the_login(devtools: Devtools, payer: Payer) -> None:
    cookie = {"name": "napvi_session", "value": payer.client.cookies["napvi_session"]}
    await devtools.call(
        "Storage.setCookies", cookies=[cookie | {"domain": "127.0.0.1", "path": "/"}]
    )


if __name__ == "__main__":
    main()
