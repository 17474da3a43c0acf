"""What a storm was, and every difference between the bank, the payers and the books."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from app.model import Books
from app.payos.simulator import Simulator
from app.payos.simulator.faults import Fault, Place
from app.payos.simulator.letters import Kind
from app.payos.simulator.storm.tally import Tally, percentile

DIFFERENCES_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Report:
    """`before` and `after` are the books around the storm, None where nobody could read them."""

    tally: Tally
    simulator: Simulator
    before: Books | None
    after: Books | None

    def lines(self) -> Iterator[str]:
        """For a person, one fact per line."""
        tally, drawn = self.tally, self.simulator.plan.drawn
        answers, seconds = self.simulator.courier.postbox.answers, tally.seconds
        sent = _by_kind(answers)
        yield f"payments            {len(tally.payments)}, {len(tally.unsettled)} not settled"
        yield f"paid at the bank    {tally.bank_total:,} đ in {tally.transfers} transfers"
        yield f"paid to strangers   {tally.foreign_total:,} đ"
        yield (
            f"webhooks sent       {sum(sent.values())}: {sent[Kind.AGAIN]} duplicates, "
            f"{sent[Kind.CONFLICTING]} with another amount, {self._refused()} not taken"
        )
        yield f"dropped             {drawn[Fault.DROP]}"
        yield (
            f"wrong signatures    {sent[Kind.FORGED]}, "
            f"{answers[Kind.FORGED, 401]} of them refused with 401"
        )
        yield (
            f"from money to page  p50 {percentile(seconds, 0.5):.3f} s, "
            f"p99 {percentile(seconds, 0.99):.3f} s, max {percentile(seconds, 1):.3f} s"
        )
        for place in Place:
            met = (f"{fault} {drawn[fault]}" for fault in Fault if fault.place is place)
            yield f"{f'faults at {place}':20}{', '.join(met)}"
        yield from self._books()

    def differences(self) -> list[str]:
        """What must not be. Empty, or the storm has found a fault of ours."""
        return [
            *(
                f"{payment.tx_ref or 'a top-up'}: {payment.received:,} đ at the bank, "
                f"not all seen{payment.complaint and ': '}{payment.complaint}"
                for payment in self.tally.unsettled
            ),
            *(
                f"{wallet.name}: {wallet.paid:,} đ at the bank, {wallet.balance} in the wallet"
                for wallet in self.tally.wallets
                if not wallet.agrees
            ),
            *self._between_bank_and_books(),
        ]

    def _between_bank_and_books(self) -> Iterator[str]:
        answers, bank = self.simulator.courier.postbox.answers, self.tally.bank_total
        forged = _by_kind(answers)[Kind.FORGED] - answers[Kind.FORGED, 401]
        if forged:
            yield f"{forged} webhooks with a wrong signature were not refused with 401"
        if sum(wallet.paid for wallet in self.tally.wallets) != bank:
            yield "the bank has money for orders that no payer knows of"
        if self.before is None or self.after is None:
            return
        received = self.after.received - self.before.received
        if not bank <= received <= bank + self.tally.foreign_total:
            yield f"{received:,} đ received, {bank:,} đ paid"
        yield from self._between_orders_and_books(self.before, self.after)
        if self.after.difference:
            yield f"{self.after.difference:,} đ are neither in a wallet nor in suspense"
        if self.after.drift:
            yield f"audit.drift() has {self.after.drift} rows"

    def _between_orders_and_books(self, before: Books, after: Books) -> Iterator[str]:
        """Of each order exactly what was paid; of a stranger's also nothing, if nobody asked."""
        for order in self.simulator.orders:
            code, paid = str(order.order_code), order.amount_paid
            received = after.received_for.get(code, 0) - before.received_for.get(code, 0)
            if received != paid and not (order.foreign and received == 0):
                yield f"order {code}: {received:,} đ received, {paid:,} đ paid"

    def _books(self) -> Iterator[str]:
        agreeing = sum(wallet.agrees for wallet in self.tally.wallets)
        yield f"wallets             {agreeing} of {len(self.tally.wallets)} as the bank has it"
        before, after = self.before, self.after
        if before is None or after is None:
            yield "books               not read: DATABASE_URL is not set"
            return
        yield f"from PayOS's answer {after.recovered - before.recovered} transfers"
        yield f"conflicts recorded  {after.conflicts - before.conflicts}"
        yield (
            f"books               {after.received:,} đ received = {after.in_wallets:,} đ in wallets"
            f" + {after.in_suspense:,} đ in suspense; difference {after.difference}, "
            f"drift {after.drift} rows"
        )

    def _refused(self) -> int:
        answers = self.simulator.courier.postbox.answers
        return sum(
            count
            for (kind, status), count in answers.items()
            if kind is not Kind.FORGED and not 200 <= status < 300
        )


def _by_kind(answers: Counter[tuple[Kind, int]]) -> Counter[Kind]:
    kinds: Counter[Kind] = Counter()
    for (kind, _), count in answers.items():
        kinds[kind] += count
    return kinds
