"""Payments at a steady rate, as PayOS reports them: again and again until it hears 200."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import httpx

from tests.bulk import OpenTopup
from tests.payments import query
from tests.postgres import check_the_laws
from tests.processes.payer import deliver, http_client, webhook

AGAIN_SECONDS = 0.2
DUPLICATES = 0.2
"""The share of webhooks that are reported twice."""


class Load:
    """Pays each top-up in `transfers` parts, in a seeded order, through all `urls` in turn."""

    def __init__(
        self, urls: Sequence[str], topups: Sequence[OpenTopup], transfers: int, seed: int = 1
    ) -> None:
        self.head = 1 + transfers
        """The seq of a top-up that is paid: it was opened, and then the transfers came."""
        self.seconds: list[float] = []
        """From sending a webhook for the first time to its answer, whatever the answer."""
        self.refused = 0
        """How often a webhook was not answered with 200."""
        self._topups = topups
        self._random = random.Random(seed)
        self._urls = itertools.cycle(urls)
        bodies = [webhook(topup.as_answered(), part) for topup, part in self._parts(transfers)]
        bodies += self._random.sample(bodies, int(DUPLICATES * len(bodies)))
        self._random.shuffle(bodies)
        self._waiting = bodies

    async def pay(self, per_second: float, webhooks: int | None = None) -> None:
        """Reports so many of what waits, or all; returns when PayOS heard 200 for each."""
        now, self._waiting = (
            self._waiting[:webhooks],
            self._waiting[len(self._waiting[:webhooks]) :],
        )
        started = time.monotonic()
        async with http_client() as payos, asyncio.TaskGroup() as reports:
            for number, body in enumerate(now):
                await asyncio.sleep(started + number / per_second - time.monotonic())
                reports.create_task(self._report(payos, body))

    async def check_the_books(
        self, database_url: str, paid_elsewhere: Sequence[OpenTopup] = ()
    ) -> None:
        """Every payer has what was paid, no more and no less, and the projections are right."""
        paid: Counter[int] = Counter()
        for topup in (*self._topups, *paid_elsewhere):
            paid[topup.user_id] += topup.amount
        assert self._waiting == []
        rows = await query(database_url, "SELECT user_id, balance FROM topup.wallets")
        assert dict(rows) == paid
        await asyncio.to_thread(check_the_laws, database_url)

    def _parts(self, transfers: int) -> Iterator[tuple[OpenTopup, int]]:
        """What each transfer carries: all of them together the amount of the top-up."""
        for topup in self._topups:
            cuts = sorted(self._random.sample(range(1, topup.amount), transfers - 1))
            for start, end in itertools.pairwise([0, *cuts, topup.amount]):
                yield topup, end - start

    async def _report(self, payos: httpx.AsyncClient, body: bytes) -> None:
        for attempt in itertools.count():
            started = time.monotonic()
            try:
                status = await deliver(payos, next(self._urls), body)
            except httpx.TransportError:
                status = 0
            if attempt == 0:
                self.seconds.append(time.monotonic() - started)
            if status == 200:
                return
            self.refused += 1
            await asyncio.sleep(AGAIN_SECONDS)
