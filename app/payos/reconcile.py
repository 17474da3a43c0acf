"""Asks PayOS about one top-up and records what a webhook should have told."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from app.errors import PayOSRefused
from app.model import Appended, EventType, Fact, Outcome, Status, TxRef
from app.payos.answers import PENDING, SOURCE, LinkState
from app.payos.calls import PayOSCaller
from app.payos.gateway import Gateway
from app.payos.linking import linked
from app.payos.refusal import RefusedWithCode
from app.payos.standing import UNDERSTOOD, ending, is_ours, is_without_money, waits_for_money
from app.payos.transfer import event_id
from app.reconciliation import Findings, Order

log = logging.getLogger(__name__)

FOREIGN = "payment_link_id.foreign"
WITHDRAWN = frozenset({Status.CANCELLED, Status.EXPIRED})
OUT_OF_TIME, CALLED_OFF = "Het han", "Nguoi mua huy"


class Reconciler:
    """`channel` is our PayOS client id; `append` goes on to its end when the caller is cancelled;
    `resume` makes a link that nobody came back for, and tells whether it did; `caller`: who waits
    for the answers.

    Everything it records has an event id that follows from what happened, so that it does not
    matter who asks how often, or what webhooks come meanwhile.
    """

    def __init__(
        self,
        gateway: Gateway,
        append: Callable[[Fact], Awaitable[Appended]],
        channel: str,
        resume: Callable[[TxRef], Awaitable[bool]],
        caller: PayOSCaller = PayOSCaller.BACKGROUND,
    ) -> None:
        self._gateway = gateway
        self._append = append
        self._channel = channel
        self._resume = resume
        self._caller = caller

    async def check(self, order: Order, findings: Findings | None = None) -> Findings:
        """Brings the top-up to where PayOS is; when its time is over, also where PayOS refuses to
        tell. Raises PayOSFailed, DatabaseUnavailable: then some of it may be recorded, and the
        rest is found next time.

        `findings`: what asking about this `order` brought before; what it brings now is added,
        also where it raises.
        """
        findings, told = findings or Findings(), True
        try:
            state = await self._find(order, findings)
        except RefusedWithCode as refusal:
            if order.payable or not refusal.is_about_order:
                raise
            # Nothing else will be said of it, and money that comes late is credited.
            state, told = None, False
        if state is not None:
            state = await self._agree(order, state, findings)
        elif order.payable and not order.linked and order.status is Status.PENDING:
            findings.linked = await self._resume(order.tx_ref)
        await self._credit(state, findings)
        if is_without_money(state):
            await self._close(order, ending(order, state), findings)
        if told and not order.payable:  # before, an answer may be behind a webhook
            _compare(order, state, findings)
        return findings

    async def cancel(self, order: Order) -> Findings:
        """Closes the top-up at PayOS, then here; money that came meanwhile is credited instead, and
        the rest of it may still be paid.

        Raises as `check`; PayOSRefused also when PayOS does not close it. Then it stays open.
        """
        findings = Findings()
        state = await self._find(order, findings)
        if waits_for_money(state):
            state = await self._call_off(order, findings)
        await self._credit(state, findings)
        if is_without_money(state):
            await self._close(order, EventType.TOPUP_CANCELLED, findings)
        return findings

    async def _call_off(self, order: Order, findings: Findings) -> LinkState | None:
        """How it stands at PayOS, where nobody can pay it any more. Raises PayOSRefused while
        somebody can, or when money is on its way."""
        refusal = PayOSRefused("PayOS did not close the order.")
        try:
            state = await self._gateway.cancel_link(order.order_code, CALLED_OFF, self._caller)
        except RefusedWithCode as problem:  # it was paid, or closed, in between
            refusal = problem
            state = await self._find(order, findings)
        if waits_for_money(state):
            raise refusal
        return state

    async def _find(self, order: Order, findings: Findings) -> LinkState | None:
        """How PayOS sees our order; None if it has none. The money of an order that is not ours,
        but has its code, waits in suspense for a person."""
        state = await self._gateway.find_link(order.order_code, self._caller)
        if state is None or is_ours(order, state):
            return state
        await self._record(state, findings, unmatchable=FOREIGN)
        return None

    async def _agree(self, order: Order, state: LinkState, findings: Findings) -> LinkState | None:
        """The link is open at PayOS as long as somebody may pay, and known here; no longer."""
        if state.status != PENDING:
            return state
        if not order.payable or order.status in WITHDRAWN:
            await self._record(state, findings)  # the next call may fail
            try:  # what came in the meantime is in the answer
                return await self._gateway.cancel_link(order.order_code, OUT_OF_TIME, self._caller)
            except RefusedWithCode as refusal:
                if not refusal.is_about_order:
                    raise
                return await self._find(order, findings)
        if not order.linked:  # its answer was lost, or we were gone before it was recorded
            await self._append(linked(order.tx_ref, self._gateway.found(state)))
            findings.linked = True
        return state

    async def _credit(self, state: LinkState | None, findings: Findings) -> None:
        if state is None:
            findings.known = False
        else:
            await self._record(state, findings)

    async def _record(self, state: LinkState, findings: Findings, **more: str) -> None:
        """An answer that is recorded after another one has what that had, or knows better.

        `unmatchable`: why it belongs to no top-up, although an order code says so.
        """
        findings.unreadable = state.unreadable_transfers
        for transfer in state.transfers:
            appended = await self._append(state.fact(transfer, self._channel, **more))
            match appended.outcome:
                case Outcome.APPLIED:
                    findings.recovered.append(transfer.amount)
                case Outcome.SUSPENSE:
                    findings.suspended.append(transfer.amount)
                case Outcome.CONFLICT:
                    findings.held += 1
                case Outcome.REJECTED:
                    findings.unreadable += 1
            log.info(
                "event=reconcile.transfer order_code=%s outcome=%s tx_ref=%s seq=%s",
                state.order_code,
                appended.outcome,
                appended.tx_ref,
                appended.seq,
            )
        if state.unreadable_transfers or state.status not in UNDERSTOOD:
            log.error(
                "event=reconcile.odd reason=%s order_code=%s unreadable_transfers=%d",
                "transfer" if state.unreadable_transfers else "status",
                state.order_code,
                state.unreadable_transfers,
            )

    async def _close(self, order: Order, ending: EventType | None, findings: Findings) -> None:
        if ending is None or order.status is not Status.PENDING:
            return
        await self._append(
            Fact(
                event_id=event_id(ending, order.tx_ref),
                type=ending,
                data={"source": SOURCE},
                occurred_at=datetime.now(UTC),
                tx_ref=order.tx_ref,
            )
        )
        findings.closed = True


def _compare(order: Order, state: LinkState | None, findings: Findings) -> None:
    """A webhook may be signed by somebody else who has the key, or tell a transfer again under
    another reference. Sums, because what a webhook told may be listed under another one."""
    credited = order.credited + sum(findings.recovered)
    paid = 0 if state is None else state.amount_paid
    if credited > paid:
        findings.denied = credited - paid
        log.error(
            "event=reconcile.odd reason=more_credited order_code=%s credited=%d paid=%d",
            order.order_code,
            credited,
            paid,
        )
