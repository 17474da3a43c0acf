"""When PayOS is not asked any more, and when it is asked again. The clock is moved by hand."""

import pytest

from app.payos.breaker import Breaker, BreakerOpen

NO_ANSWERS_MAX = 3
PAUSE_SECONDS = 10.0


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Tried(Breaker):
    """A breaker, and what it told about itself."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[bool] = []
        super().__init__(NO_ANSWERS_MAX, PAUSE_SECONDS, self.told.append, self.clock)

    def miss(self, times: int = 1) -> None:
        """So many calls without an answer, one after another."""
        for _ in range(times):
            self.not_answered(self.enter())

    def retry_after_seconds(self) -> int | None:
        """What a call is told that is not made; fails where it would be made."""
        with pytest.raises(BreakerOpen) as refusal:
            self.enter()
        return refusal.value.retry_after_seconds


@pytest.fixture
def breaker() -> Tried:
    return Tried()


def test_calls_are_made_until_so_many_in_a_row_had_no_answer(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX - 1)
    assert breaker.told == []
    breaker.miss()
    assert breaker.told == [True]
    assert breaker.retry_after_seconds() == PAUSE_SECONDS


def test_an_answer_between_them_begins_the_count_again(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX - 1)
    breaker.enter()
    breaker.answered()
    breaker.miss(NO_ANSWERS_MAX - 1)
    assert not breaker.enter()


def test_after_the_pause_one_call_is_made_and_the_others_still_fail(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX)
    breaker.clock.seconds += PAUSE_SECONDS - 0.5
    assert breaker.retry_after_seconds() == 1
    breaker.clock.seconds += 0.5
    assert breaker.enter()
    assert breaker.retry_after_seconds() == 1


def test_a_probe_that_is_answered_lets_everybody_through(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX)
    breaker.clock.seconds += PAUSE_SECONDS
    breaker.enter()
    breaker.answered()
    assert breaker.told == [True, False]
    assert not breaker.enter()
    breaker.miss(NO_ANSWERS_MAX - 1)
    assert not breaker.enter()


def test_a_probe_without_an_answer_begins_another_pause(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX)
    breaker.clock.seconds += PAUSE_SECONDS
    breaker.miss()
    assert breaker.retry_after_seconds() == PAUSE_SECONDS
    assert breaker.told == [True]
    breaker.clock.seconds += PAUSE_SECONDS
    assert breaker.enter()


def test_a_probe_that_is_given_up_leaves_its_place_to_the_next(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX)
    breaker.clock.seconds += PAUSE_SECONDS
    breaker.given_up(breaker.enter())
    assert breaker.enter()


def test_a_call_that_is_given_up_says_nothing_about_payos(breaker: Tried) -> None:
    breaker.miss(NO_ANSWERS_MAX - 1)
    for _ in range(NO_ANSWERS_MAX):
        breaker.given_up(breaker.enter())
    breaker.miss()
    assert breaker.told == [True]


def test_calls_that_were_under_way_neither_prolong_the_pause_nor_take_the_probe(
    breaker: Tried,
) -> None:
    stragglers = [breaker.enter() for _ in range(3)]
    breaker.miss(NO_ANSWERS_MAX)
    breaker.clock.seconds += PAUSE_SECONDS - 1
    breaker.not_answered(stragglers[0])
    breaker.clock.seconds += 1
    assert breaker.enter()
    breaker.not_answered(stragglers[1])
    breaker.given_up(stragglers[2])
    assert breaker.retry_after_seconds() == 1


def test_a_late_answer_to_any_call_ends_the_pause(breaker: Tried) -> None:
    breaker.enter()
    breaker.miss(NO_ANSWERS_MAX)
    breaker.answered()
    assert breaker.told == [True, False]
    assert not breaker.enter()
