"""One napvi for all tests of a file: starting it takes longer than most of them do.

Each test has payers of its own in it, and leaves it running as it found it. What needs other
settings, or stops something, is a test of tests/browser.
"""

from collections.abc import Iterator

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.postgres import Postgres, check_the_laws
from tests.services import (
    Service,
    environment_on,
    register_webhook,
    running_simulator,
    starting_services,
)


@pytest.fixture(scope="module")
def database_url(postgres: Postgres, schema: NoopExecutor) -> Iterator[str]:
    with postgres.database("pages", schema.template_dbname) as url:
        yield url
        check_the_laws(url)


@pytest.fixture(scope="module")
def environment(database_url: str) -> dict[str, str]:
    """Every state on a screen is told. Who guesses a password waits long enough to be seen."""
    return environment_on(database_url) | {
        "NAPVI_STREAM_SEEN_PERCENT": "100",
        "NAPVI_LOGIN_DELAY_SECONDS": "30",
    }


@pytest.fixture(scope="module")
def simulator(environment: dict[str, str]) -> Iterator[Service]:
    with running_simulator(environment) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def service(environment: dict[str, str], simulator: Service) -> Iterator[Service]:
    with starting_services(environment, simulator) as start:
        service = start()
        register_webhook(simulator, service)
        yield service
