"""How the webhooks of one transfer travel: in waves, one after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.payos.simulator.faults import Fault, Pace
from app.payos.simulator.letters import Desk, Kind, Letter

AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Wave:
    """Letters that are sent at the same moment, some time after the wave before was answered.

    With `behind_another` they wait, at most so long, for any other webhook to arrive.
    """

    letters: tuple[Letter, ...]
    after_seconds: float = 0.0
    behind_another: bool = False


Route = tuple[Wave, ...]


def route(fault: Fault | None, desk: Desk, pace: Pace) -> Route:
    """The way of a transfer that meets `fault`, one of those at Place.DELIVERY."""
    return ROUTES[fault](desk, pace)


def _straight(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.right(),)),)


def _twice(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.right(),)), Wave((desk.right(Kind.AGAIN),)))


def _in_parallel(desk: Desk, _pace: Pace) -> Route:
    copies = (desk.right(Kind.AGAIN),) * (AT_ONCE - 1)
    return (Wave((desk.right(), *copies)),)


def _held_back(desk: Desk, pace: Pace) -> Route:
    return (Wave((desk.right(),), pace.hold_seconds_max, behind_another=True),)


def _later(desk: Desk, pace: Pace) -> Route:
    return (Wave((desk.right(),), pace.delay_seconds),)


def _nowhere(_desk: Desk, _pace: Pace) -> Route:
    return ()


def _forged(desk: Desk, pace: Pace) -> Route:
    return (Wave((desk.forged(),)), Wave((desk.right(),), pace.retry_seconds[0]))


def _with_new_field(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.with_new_field(),)),)


def _without_payer(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.without_payer(),)),)


def _without_reference(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.without_reference(),)),)


def _contradicted(desk: Desk, _pace: Pace) -> Route:
    return (Wave((desk.right(),)), Wave((desk.conflicting(),)))


ROUTES: Mapping[Fault | None, Callable[[Desk, Pace], Route]] = MappingProxyType(
    {
        None: _straight,
        Fault.DUPLICATE: _twice,
        Fault.PARALLEL: _in_parallel,
        Fault.REORDER: _held_back,
        Fault.DELAY: _later,
        Fault.DROP: _nowhere,
        Fault.WRONG_SIGNATURE: _forged,
        Fault.NEW_FIELD: _with_new_field,
        Fault.MISSING_FIELD: _without_payer,
        Fault.MISSING_REFERENCE: _without_reference,
        Fault.OTHER_AMOUNT: _contradicted,
    }
)
