"""What the fault tests share: napvi at quick settings, on any database, and one to break.

- `serve`         starts a `serve` on a database, with settings of its own
- `own_postgres`  a PostgreSQL for this test alone
"""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.own_postgres import OwnPostgres, own_postgres_server
from tests.faults.serving import Serve, serving


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


@pytest.fixture
def own_postgres(postgres_bin: Path) -> Iterator[OwnPostgres]:
    with own_postgres_server(postgres_bin) as server:
        yield server


@pytest.fixture
def many_files() -> Iterator[None]:
    """A connection is a file: this process and its children may have as many as there can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
