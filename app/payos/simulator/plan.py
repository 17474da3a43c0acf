"""Who draws which fault: by chance, but the same chance for the same seed."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from types import MappingProxyType

from app.errors import InvalidRequest
from app.payos.simulator.faults import FAULTS, Fault, Place, Rates


class Plan:
    """The draws at each place. What one place draws does not depend on the others.

    Every draw takes one number, whatever the rates are: the nth payment meets the same number
    with the same seed.
    """

    def __init__(self, rates: Rates = MappingProxyType({}), seed: int = 0) -> None:
        self.drawn: Counter[Fault] = Counter()
        self.reset(rates, seed)

    def reset(self, rates: Rates, seed: int) -> None:
        """Starts from the beginning. Raises InvalidRequest for rates above 1 at one place."""
        for place in Place:
            total = sum(rate for fault, rate in rates.items() if fault.place is place)
            if total > 1 + 1e-9:
                raise InvalidRequest(f"The rates at {place} add up to {total:g}, more than 1.")
        self.rates, self.seed = dict(rates), seed
        self.drawn.clear()
        self._next: defaultdict[Place, deque[Fault]] = defaultdict(deque)
        self._chance = {place: random.Random(f"{seed}/{place}") for place in Place}  # noqa: S311

    def expect(self, faults: Iterable[Fault]) -> None:
        """The next draws at the places of `faults` give these, in order, before any chance."""
        for fault in faults:
            self._next[fault.place].append(fault)

    def draw(self, place: Place, chosen: Fault | None = None) -> Fault | None:
        """The fault of the next one who comes to `place`: `chosen` if it bites there."""
        fault = self._by_chance(place)
        if self._next[place]:
            fault = self._next[place].popleft()
        if chosen is not None and chosen.place is place:
            fault = chosen
        if fault is not None:
            self.drawn[fault] += 1
        return fault

    def _by_chance(self, place: Place) -> Fault | None:
        number = self._chance[place].random()
        for fault, entry in FAULTS.items():
            if entry.place is place:
                number -= self.rates.get(fault, 0.0)
                if number < 0:
                    return fault
        return None
