"""Which faults a storm is made of, unless somebody says otherwise."""

from types import MappingProxyType

from app.payos.simulator.faults import FAULTS, Fault, Place, Rates

RATE_AT = MappingProxyType(
    {
        Place.CREATE: 0.03,  # several of them cost napvi its whole patience with PayOS
        Place.PAYMENT: 0.08,
        Place.DELIVERY: 0.07,
        Place.QUESTION: 0.1,
        Place.ANSWER: 1.0,
        Place.CALL: 0.05,
    }
)
"""Of each fault at a place."""


def storm_rates(chosen: Rates) -> Rates:
    """Those `chosen`, or all faults where none is. PayOS sends again, unless `chosen` says when.

    Otherwise a webhook that napvi could not take would be a loss of ours, not one of the plan.
    """
    if not chosen:
        return {fault: RATE_AT[entry.place] for fault, entry in FAULTS.items()}
    return {Fault.RETRY: RATE_AT[Place.ANSWER], **chosen}
