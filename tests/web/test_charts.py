"""The line of a balance."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.charts import HEIGHT, LEAD, MARGIN, WIDTH, balance_chart
from app.model import EventType, LedgerEntry

START = datetime(2026, 1, 2, tzinfo=UTC)
TOP, BOTTOM, RIGHT = float(MARGIN), float(HEIGHT - MARGIN), WIDTH - MARGIN
MIDDLE = (LEAD + RIGHT) / 2

Step = tuple[int, int]
"""Hours since START, and đồng that came."""


def entries(steps: Sequence[Step], before: int = 0) -> list[LedgerEntry]:
    """Newest first, as the Store has them."""
    made, balance = [], before
    for hours, amount in steps:
        balance += amount
        at = START + timedelta(hours=hours)
        made.append(LedgerEntry(None, EventType.PAYMENT_RECEIVED, amount, balance, at))
    return made[::-1]


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", path)]


def test_without_entries_there_is_no_chart() -> None:
    assert balance_chart([], START) is None


def test_each_entry_is_a_step_at_its_time() -> None:
    chart = balance_chart(entries([(0, 50_000), (12, 50_000)]), START + timedelta(hours=24))
    assert chart is not None
    assert chart.line == f"M0 {BOTTOM}H{LEAD}.0V36.0H{MIDDLE}V{TOP}H{RIGHT}"
    assert chart.area == f"{chart.line}V{HEIGHT}H0Z"
    assert chart.end == f"M{RIGHT} {TOP}h0"
    assert (chart.since, chart.before, chart.after, chart.highest) == (START, 0, 100_000, 100_000)


def test_what_was_there_before_is_no_step() -> None:
    chart = balance_chart(entries([(0, 50_000)], before=50_000), START + timedelta(hours=1))
    assert chart is not None
    assert chart.line == f"M0 36.0H{LEAD}.0V{TOP}H{RIGHT}"
    assert (chart.before, chart.after) == (50_000, 100_000)


def test_money_that_goes_leads_down_from_the_highest() -> None:
    chart = balance_chart(entries([(0, 80), (1, -80)]), START + timedelta(hours=1))
    assert chart is not None
    assert chart.line == f"M0 {BOTTOM}H{LEAD}.0V{TOP}H{RIGHT}.0V{BOTTOM}H{RIGHT}"
    assert (chart.after, chart.highest) == (0, 80)


@given(
    st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 10**15)), min_size=1, max_size=20),
    st.integers(0, 10**15),
    st.integers(-(10**4), 10**4),
)
def test_a_chart_never_leaves_its_frame(steps: list[Step], before: int, now_hours: int) -> None:
    chart = balance_chart(entries(sorted(steps), before), START + timedelta(hours=now_hours))
    assert chart is not None
    assert all(0 <= number <= WIDTH for number in numbers(chart.area))
    assert all(TOP <= y <= BOTTOM for y in map(float, re.findall(r"V([\d.]+)", chart.line)))
    across = [float(x) for x in re.findall(r"H([\d.]+)", chart.line)]
    assert across == sorted(across)
