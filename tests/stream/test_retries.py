"""When browsers are told to come back, and with which words."""

import re

import pytest

from app.metrics.labels import StreamClose, StreamRefusal
from app.settings import Settings
from app.stream.retries import Retries
from tests.stream.event_source import EventSource

SETTINGS = Settings.load(
    stream_retry_seconds=2.0,
    stream_move_seconds=1.0,
    stream_yield_seconds=30.0,
    stream_busy_seconds=10.0,
)
DRAWS = 500

RETRY, YIELD, BUSY = (1_600, 2_400), (24_000, 36_000), (8_000, 12_000)
"""The range of each setting with its jitter of a fifth, in milliseconds."""
MOVE = (100, 1_000)

LAST = {
    StreamClose.FINAL: (None, None),
    StreamClose.GONE: (None, None),
    StreamClose.SLOW: ("slow", RETRY),
    StreamClose.AGE: (None, MOVE),
    StreamClose.SUPERSEDED: ("superseded", YIELD),
    StreamClose.LOGIN_ENDED: ("not_logged_in", RETRY),
    StreamClose.SHUTDOWN: (None, MOVE),
    StreamClose.LOST: (None, None),
    StreamClose.FAILED: (None, None),
}
REFUSED = {
    StreamRefusal.OFF: YIELD,
    StreamRefusal.BUSY: BUSY,
    StreamRefusal.TOO_MANY: BUSY,
    StreamRefusal.UNAVAILABLE: BUSY,
}
Range = tuple[int, int]


def heard(words: bytes) -> tuple[str | None, int | None]:
    """What a browser makes of it: the code of the error, if there is one, and the retry."""
    source = EventSource()
    source.feed(words)
    if not source.messages:
        return None, source.retry_milliseconds
    (message,) = source.messages
    assert message.event == "error"
    assert message.last_event_id == "", "an error must not touch where the browser resumes"
    assert round(message.json["retry_seconds"] * 1_000) == source.retry_milliseconds
    return message.json["code"], source.retry_milliseconds


def assert_spread(drawn: list[int | None], expected: Range) -> None:
    """All lie in the range, and they fill it: who left together does not come back together."""
    found = [milliseconds for milliseconds in drawn if milliseconds is not None]
    assert len(found) == DRAWS
    low, high = expected
    assert low <= min(found) < low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) < max(found) <= high


def test_every_reason_is_listed_here() -> None:
    assert set(LAST) == set(StreamClose)
    assert set(REFUSED) == set(StreamRefusal)


@pytest.mark.parametrize("reason", LAST)
def test_the_last_words_of_a_stream(reason: StreamClose) -> None:
    retries = Retries(SETTINGS)
    code, expected = LAST[reason]
    words = [retries.last(reason) for _ in range(DRAWS)]
    if expected is None:
        assert set(words) == {b""}
        return
    codes, milliseconds = zip(*map(heard, words), strict=True)
    assert set(codes) == {code}
    assert_spread(list(milliseconds), expected)


@pytest.mark.parametrize("reason", REFUSED)
def test_the_only_words_of_a_stream_that_is_refused(reason: StreamRefusal) -> None:
    retries = Retries(SETTINGS)
    answers = [heard(retries.refused(reason)) for _ in range(DRAWS)]
    assert {code for code, _ in answers} == {str(reason)}
    assert_spread([milliseconds for _, milliseconds in answers], REFUSED[reason])


def test_the_first_words_say_when_to_come_back_and_nothing_else() -> None:
    retries = Retries(SETTINGS)
    words = [retries.first() for _ in range(DRAWS)]
    assert all(re.fullmatch(rb"retry: [0-9]+\n\n", word) for word in words)
    assert_spread([heard(word)[1] for word in words], RETRY)
