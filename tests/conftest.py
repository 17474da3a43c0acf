"""A throw-away PostgreSQL for every test that asks for one, started when the first one does.

- `postgres`            the running server; `postgres.url(dbname)`
- `made_cluster`        a new one, for `copy_cluster`: for who starts servers of their own
- `empty_database_url`  a database of its own for one test, with nothing in it
- `database_url`        the same with the schema; afterwards the laws of the ledger are checked
- `shared_database_url` such a one for all tests of a module that get on with each other
- `short_dir`           a directory that a server can use: tmp_path is too long and too private

`--postgres-bin DIR`, or NAPVI_TEST_POSTGRES_BIN, chooses another PostgreSQL than napvi would.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import settings
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from app.database.embedded.binaries import find_binaries
from app.database.migrate import migrate
from app.errors import ConfigurationError
from tests.postgres import (
    Postgres,
    check_the_laws,
    new_cluster,
    short_directory,
    throw_away_postgres,
)

settings.register_profile("patient", deadline=None)  # the machine may be busy
settings.load_profile("patient")

pytest_plugins = ["tests.chromium", "tests.notify_queue", "tests.pooler", "tests.services"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres-bin",
        metavar="DIR",
        default=os.environ.get("NAPVI_TEST_POSTGRES_BIN"),
        help="bin directory of the PostgreSQL to test with",
    )
    parser.addoption(
        "--fuzz-examples",
        type=int,
        metavar="N",
        help="draw N new examples for each property of tests/fuzz, in place of a few known ones",
    )
    parser.addoption(
        "--operations",
        type=int,
        default=150,
        metavar="N",
        help="of each of the eight workers of tests/laws/test_mixed_operations.py",
    )
    parser.addoption(
        "--drift-seconds",
        type=float,
        default=1.5,
        metavar="S",
        help="how long audit.drift() is asked for there, while everybody writes",
    )
    parser.addoption(
        "--mutants",
        choices=["some", "all", "write"],
        default="some",
        help="try some mutants of the projectors, or all; write: all, into docs/mutations.md",
    )
    parser.addoption(
        "--interleaved-examples",
        type=int,
        metavar="N",
        help="draw N new interleaved histories for tests/laws, in place of a few known ones",
    )
    parser.addoption(
        "--events",
        type=int,
        metavar="N",
        default=50_000,
        help="of the log in which tests/sql/test_plans.py looks at the plans of hot queries",
    )


def _ignore_no_signal() -> None:
    """Under `nohup`, or in the background of a script, these are ignored, which children inherit.
    What is handled they do not: here nothing changes, and what the tests start is as elsewhere.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_configure(config: pytest.Config) -> None:
    _ignore_no_signal()
    config.addinivalue_line(
        "markers", "breaks_the_laws: damages the projections on purpose; they are not checked"
    )


def pytest_report_header(config: pytest.Config) -> str:
    try:
        program = find_binaries(config.getoption("--postgres-bin")) / "postgres"
    except ConfigurationError as error:
        return f"PostgreSQL: {error}"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return f"PostgreSQL: {done.stdout.strip()} in {program.parent}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_bin" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """To load all that the world trusts takes 24 ms for each client that is made, two or three a
    test, and nobody here has a certificate of theirs."""
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(f"{first}{end}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(file))
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def postgres_bin(pytestconfig: pytest.Config) -> Path:
    return find_binaries(pytestconfig.getoption("--postgres-bin"))


@pytest.fixture(scope="session")
def made_cluster(postgres_bin: Path) -> Iterator[Path]:
    with new_cluster(postgres_bin) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres(postgres_bin: Path, made_cluster: Path) -> Iterator[Postgres]:
    with throw_away_postgres(postgres_bin, made_cluster) as postgres:
        yield postgres


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    with postgres.database("empty") as url:
        yield url


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, postgres: Postgres, schema: NoopExecutor
) -> Iterator[str]:
    with postgres.database("test", schema.template_dbname) as url:
        yield url
        if request.node.get_closest_marker("breaks_the_laws") is None:
            check_the_laws(url)


@pytest.fixture(scope="module")
def shared_database_url(postgres: Postgres, schema: NoopExecutor) -> Iterator[str]:
    with postgres.database("shared", schema.template_dbname) as url:
        yield url
        check_the_laws(url)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    with short_directory() as directory:
        yield directory


def install_schema(
    *, host: str, port: int, user: str, dbname: str, password: str | None, autocommit: bool
) -> None:
    asyncio.run(migrate(make_conninfo(host=host, port=port, user=user, dbname=dbname)))


schema = factories.postgresql_noproc(dbname="schema", depends_on="postgres", load=[install_schema])
