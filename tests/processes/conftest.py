"""What the tests of processes share.

- `simulator`  a PayOS for this test alone, in a thread; tests/services.py has one that is a process
"""

from collections.abc import Iterator

import pytest

from tests.payos_thread import SimulatorThread, simulator_thread


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with simulator_thread() as simulator:
        yield simulator
