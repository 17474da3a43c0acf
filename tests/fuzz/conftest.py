"""`--fuzz-examples N`: how many examples are drawn for each property, with a seed that is new.

Without it they are few and always the same, so that a change is not blamed for an older fault.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.payos_thread import SimulatorThread, simulator_thread

EXAMPLES = 10


@pytest.fixture
def effort(pytestconfig: pytest.Config) -> settings:
    """How long to look, and whether every run looks at the same examples."""
    examples: int | None = pytestconfig.getoption("--fuzz-examples")
    return settings(
        max_examples=examples or EXAMPLES,
        derandomize=examples is None,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with simulator_thread() as simulator:
        yield simulator
