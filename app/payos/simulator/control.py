"""The faults of the simulator as JSON, for tests and scripts."""

from collections.abc import Mapping

from quart import Blueprint, ResponseReturnValue

from app.errors import InvalidRequest
from app.payos.fields import whole
from app.payos.simulator.faults import FAULTS, find_fault, read_rates
from app.payos.simulator.plan import Plan
from app.payos.simulator.remote import json_object, refuse


class FaultControl:
    """GET and PUT /simulator/faults {"rates": {fault: 0 to 1}, "seed": 7, "next": [fault, …]}.

    What a PUT leaves out is none: no rates, seed 0. It starts the draws again. `next` lists what
    the next ones to draw get before any chance, each at the place where its fault bites.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("faults", __name__, url_prefix="/simulator/faults")
        blueprint.get("")(self.show)
        blueprint.put("")(self.change)
        blueprint.register_error_handler(InvalidRequest, refuse)
        return blueprint

    async def show(self) -> ResponseReturnValue:
        return {
            "rates": self._plan.rates,
            "seed": self._plan.seed,
            "drawn": self._plan.drawn,
            "faults": {fault.value: entry.sentence for fault, entry in FAULTS.items()},
        }

    async def change(self) -> ResponseReturnValue:
        body = {"rates": {}, "seed": 0, "next": [], **await json_object()}
        rates, following = body["rates"], body["next"]
        if not isinstance(rates, Mapping) or not isinstance(following, list):
            raise InvalidRequest("`rates` must be an object, and `next` a list.")
        expected = [find_fault(name) for name in following]
        self._plan.reset(read_rates(rates), whole(body, "seed", smallest=0))
        self._plan.expect(expected)
        return await self.show()
