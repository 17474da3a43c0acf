"""The balance of a wallet as a line: a step for each entry, drawn as SVG paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.model import LedgerEntry

WIDTH, HEIGHT = 320, 72
MARGIN = 4  # a line of 2 px is not cut at the edge
LEAD = 12  # what was there before the first step is seen


@dataclass(frozen=True, slots=True)
class BalanceChart:
    """`line`, `area`, `end` are path data within WIDTH x HEIGHT; zero đồng is the lower edge."""

    line: str
    area: str
    end: str  # where the line is now
    since: datetime
    before: int  # đồng, until the first step
    after: int  # đồng, since the last one
    highest: int
    width: int = WIDTH
    height: int = HEIGHT


def balance_chart(entries: Sequence[LedgerEntry], now: datetime) -> BalanceChart | None:
    """The chart of `entries`, which come newest first as `Store.wallet` has them; None of none."""
    if not entries:
        return None
    steps = entries[::-1]
    since, before = steps[0].recorded_at, steps[0].balance_after - steps[0].amount
    highest = max(before, *(step.balance_after for step in steps))
    span_seconds = max((now - since).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        share = min(max((at - since).total_seconds() / span_seconds, 0.0), 1.0)
        return round(LEAD + share * (WIDTH - MARGIN - LEAD), 1)

    def y(balance: int) -> float:
        room = HEIGHT - 2 * MARGIN
        return round(HEIGHT - MARGIN - balance / max(highest, 1) * room, 1)

    moves = "".join(f"H{x(step.recorded_at)}V{y(step.balance_after)}" for step in steps)
    line = f"M0 {y(before)}{moves}H{WIDTH - MARGIN}"
    return BalanceChart(
        line=line,
        area=f"{line}V{HEIGHT}H0Z",
        end=f"M{WIDTH - MARGIN} {y(steps[-1].balance_after)}h0",
        since=since,
        before=before,
        after=steps[-1].balance_after,
        highest=highest,
    )
