"""Law 2 with many users and several sessions at once: whatever they do, in whatever order they
begin, wait, commit and roll back, the books are what the oracle says, after every commit.

`--interleaved-examples N` draws N new histories, in place of a few known ones.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.interleaved import SESSIONS, Interleaved, Tally
from tests.laws.sessions import open_sessions

EXAMPLES, STEPS = 4, 40
LONG_RUN_SECONDS_MAX = 3600


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.timeout(LONG_RUN_SECONDS_MAX)
def test_interleaved_sessions_come_to_what_the_oracle_says(
    database_url: str, runner: asyncio.Runner, pytestconfig: pytest.Config
) -> None:
    examples: int | None = pytestconfig.getoption("--interleaved-examples")
    effort = settings(
        max_examples=examples or EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=examples is None,
        database=None,
        phases=(Phase.generate,),  # who waits for whom may differ: not made smaller
        suppress_health_check=list(HealthCheck),
    )
    tally, stack = Tally(), AsyncExitStack()
    sessions = runner.run(stack.enter_async_context(open_sessions(database_url, SESSIONS)))

    class Here(Interleaved):
        def __init__(self) -> None:
            super().__init__(runner, sessions, tally)

    try:
        run_state_machine_as_test(Here, settings=effort)
    finally:
        runner.run(stack.aclose())
    assert tally.waited > 0
    logging.getLogger(__name__).info("%s", tally)
