"""Databases of earlier releases: `VERSION.sql` is what release.py kept of each.

- `release`       each of them in turn
- `database_url`  a database of that release, as full as it was; nothing has migrated it
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.postgres import Postgres, check_the_laws

HERE = Path(__file__).parent
HEAD = re.compile(r"-- The database of napvi (?P<version>\S+) as its commit (?P<commit>\w+) makes")


@dataclass(frozen=True)
class Release:
    version: str
    commit: str
    database: str
    """SQL that makes it."""


def releases() -> list[Release]:
    """Oldest first."""
    texts = [path.read_text("utf-8") for path in sorted(HERE.glob("*.sql"))]
    heads = [(HEAD.match(text), text) for text in texts]
    found = [Release(head["version"], head["commit"], text) for head, text in heads if head]
    return sorted(found, key=lambda release: [int(n) for n in release.version.split(".")])


of_last_release = pytest.mark.parametrize("release", releases()[-1:], ids=lambda r: r.version)
"""For what only the release before is promised."""


@pytest.fixture(params=releases(), ids=lambda release: release.version)
def release(request: pytest.FixtureRequest) -> Release:
    assert isinstance(request.param, Release)
    return request.param


@pytest.fixture
def database_url(postgres: Postgres, release: Release, schema: NoopExecutor) -> Iterator[str]:
    """`schema` made the roles, which belong to the server."""
    with postgres.database("release") as url:
        with psycopg.connect(url) as connection:
            connection.execute(release.database.encode())
        yield url
        check_the_laws(url)


@pytest.fixture
def fresh_url(postgres: Postgres, schema: NoopExecutor) -> Iterator[str]:
    """A database of this version, with nothing in it."""
    with postgres.database("fresh", schema.template_dbname) as url:
        yield url
