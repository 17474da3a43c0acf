"""How the simulator tells the shop about money: signed webhooks over HTTP.

Every webhook of a transfer goes through Courier, by the route of the fault that it has drawn.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from app.payos.simulator.bank import Order, Transfer
from app.payos.simulator.faults import Fault, Pace
from app.payos.simulator.letters import Desk, Kind, Letter
from app.payos.simulator.postbox import Delivery, Postbox
from app.payos.simulator.routes import Route, Wave, route
from app.payos.simulator.wire import JsonObject, webhook_data

TIMEOUT_SECONDS = 10.0  # as seen in the dashboard of PayOS

UNREGISTERED = Delivery("no webhook URL is registered")
ON_ITS_WAY = Delivery("the webhook is on its way")
LOST = Delivery("the webhook is lost")


@dataclass(frozen=True, slots=True)
class Journey:
    """The webhooks of one transfer under way. After each of `pauses` a refused one goes again.

    `known` is set when there is something to say about it.
    """

    url: str
    reference: str
    route: Route
    pauses: tuple[float, ...]
    known: asyncio.Event = field(default_factory=asyncio.Event)


class Courier:
    """Signs and sends. `url` is the webhook of the shop, None until it is registered.

    What goes on after the first attempt has a task of its own; `settle` waits for all of them,
    `close` ends them.
    """

    def __init__(
        self,
        checksum_key: str,
        url: str | None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        pace: Pace | None = None,
    ) -> None:
        self.url = url
        self.deliveries: dict[str, Delivery] = {}  # by reference
        self.postbox = Postbox(timeout_seconds)
        self._checksum_key = checksum_key
        self._pace = pace or Pace()
        self._journeys: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Event] = set()

    async def tell(
        self, order: Order, transfer: Transfer, fault: Fault | None = None, *, retry: bool = False
    ) -> Delivery:
        """Delivers the webhook of a transfer to the registered URL; the same bytes every time.

        Returns when the first attempt is answered, or is not going to be made for a while.
        """
        reference = transfer.reference
        if self.url is None:
            self.deliveries[reference] = UNREGISTERED
            return UNREGISTERED
        self.deliveries.pop(reference, None)
        desk = Desk(webhook_data(order, transfer), self._checksum_key)
        pauses = self._pace.retry_seconds if retry else ()
        journey = Journey(self.url, reference, route(fault, desk, self._pace), pauses)
        self._start(self._travel(journey))
        await journey.known.wait()
        return self.deliveries.get(reference, ON_ITS_WAY)

    async def deliver(self, url: str, data: JsonObject) -> Delivery:
        """Posts `data` in its signed envelope. Never raises for what the other side does."""
        return await self.postbox.post(url, Desk(data, self._checksum_key).right())

    async def settle(self) -> None:
        """Returns when nothing is under way any more."""
        while self._journeys:
            await asyncio.wait(self._journeys)

    async def close(self) -> None:
        """Nothing is sent any more."""
        for journey in self._journeys:
            journey.cancel()
        await asyncio.gather(*self._journeys, return_exceptions=True)
        await self.postbox.close()

    def _start(self, travel: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(travel)
        self._journeys.add(task)
        task.add_done_callback(self._journeys.discard)

    async def _travel(self, journey: Journey) -> None:
        try:
            for wave in journey.route:
                if wave.after_seconds:
                    self.deliveries.setdefault(journey.reference, ON_ITS_WAY)
                    journey.known.set()
                    await self._wait(wave)
                await asyncio.gather(*(self._send(letter, journey) for letter in wave.letters))
        finally:
            self.deliveries.setdefault(journey.reference, LOST)
            journey.known.set()

    async def _wait(self, wave: Wave) -> None:
        overtaken = asyncio.Event()
        if wave.behind_another:
            self._held.add(overtaken)
        try:
            async with asyncio.timeout(wave.after_seconds):
                await overtaken.wait()
        except TimeoutError:
            pass
        finally:
            self._held.discard(overtaken)

    async def _send(self, letter: Letter, journey: Journey) -> None:
        """A forged letter goes once: the right one follows it anyway."""
        pauses = () if letter.kind is Kind.FORGED else journey.pauses
        for pause in (0.0, *pauses):
            await asyncio.sleep(pause)
            delivery = await self.postbox.post(journey.url, letter)
            self.deliveries[journey.reference] = delivery
            journey.known.set()
            for overtaken in self._held:
                overtaken.set()
            if delivery.complaint is None:
                break
