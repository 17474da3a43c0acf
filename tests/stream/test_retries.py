"""When a browser comes back, and what it is told."""

import pytest

from app.metrics import StreamClose, StreamRefusal
from app.settings import Settings
from app.stream.retries import Retries
from tests.stream.event_source import EventSource

SETTINGS = Settings.load(
    stream_retry_seconds=2.0,
    stream_move_seconds=1.0,
    stream_yield_seconds=30.0,
    stream_busy_seconds=10.0,
)
DRAWS = 300
NEARLY_ALL = 0.8
"""Of a range, which so many draws must cover: a constant would bring browsers back in step."""


def heard(words: bytes) -> EventSource:
    source = EventSource()
    source.feed(words)
    return source


def assert_spread(milliseconds: list[int], low: int, high: int) -> None:
    assert low <= min(milliseconds) <= max(milliseconds) <= high
    assert max(milliseconds) - min(milliseconds) > NEARLY_ALL * (high - low)


def test_the_first_words_are_a_time_a_fifth_more_or_less_and_no_event() -> None:
    sources = [heard(Retries(SETTINGS).first()) for _ in range(DRAWS)]
    assert not any(source.messages for source in sources)
    assert_spread([source.retry_milliseconds or 0 for source in sources], 1_600, 2_400)


@pytest.mark.parametrize("reason", [StreamClose.AGE, StreamClose.SHUTDOWN])
def test_a_planned_end_brings_the_browser_back_soon_and_is_no_error(reason: StreamClose) -> None:
    sources = [heard(Retries(SETTINGS).last(reason)) for _ in range(DRAWS)]
    assert not any(source.messages for source in sources)
    assert_spread([source.retry_milliseconds or 0 for source in sources], 100, 1_000)


@pytest.mark.parametrize(
    ("reason", "code", "low", "high"),
    [
        (StreamClose.SUPERSEDED, "superseded", 24_000, 36_000),
        (StreamClose.LOGIN_ENDED, "not_logged_in", 1_600, 2_400),
        (StreamClose.SLOW, "slow", 1_600, 2_400),
    ],
)
def test_an_end_that_script_can_act_on_says_why(
    reason: StreamClose, code: str, low: int, high: int
) -> None:
    sources = [heard(Retries(SETTINGS).last(reason)) for _ in range(DRAWS)]
    for source in sources:
        (message,) = source.messages
        assert (message.event, message.json["code"]) == ("error", code)
        assert round(message.json["retry_seconds"] * 1_000) == source.retry_milliseconds
    assert_spread([source.retry_milliseconds or 0 for source in sources], low, high)


@pytest.mark.parametrize("reason", [StreamClose.FINAL, StreamClose.GONE])
def test_after_the_end_there_is_nothing_to_say(reason: StreamClose) -> None:
    assert Retries(SETTINGS).last(reason) == b""


@pytest.mark.parametrize(
    ("reason", "low", "high"),
    [
        (StreamRefusal.OFF, 24_000, 36_000),
        (StreamRefusal.BUSY, 8_000, 12_000),
        (StreamRefusal.TOO_MANY, 8_000, 12_000),
        (StreamRefusal.UNAVAILABLE, 8_000, 12_000),
    ],
)
def test_a_refusal_says_why_and_comes_back_after_a_while(
    reason: StreamRefusal, low: int, high: int
) -> None:
    sources = [heard(Retries(SETTINGS).refused(reason)) for _ in range(DRAWS)]
    assert {source.messages[0].json["code"] for source in sources} == {reason}
    assert_spread([source.retry_milliseconds or 0 for source in sources], low, high)
