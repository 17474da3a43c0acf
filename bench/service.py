"""What is measured: napvi and a PayOS as processes of their own, on a PostgreSQL that syncs."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.database.embedded.binaries import find_binaries
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from tests.services import Service, environment_on


@contextmanager
def running_database(bin_dir: Path | None = None) -> Iterator[str]:
    """The URL of a migrated database on a PostgreSQL of its own, the embedded one by default."""
    directory = Path(tempfile.mkdtemp(prefix="napvi-bench-"))
    directory.chmod(0o711)  # as root: PostgreSQL runs as another user
    try:
        data_dir, run_dir = directory / "data", directory / "run"
        with EmbeddedPostgres(data_dir, run_dir, bin_dir=bin_dir or find_binaries()) as postgres:
            asyncio.run(migrate(postgres.database_url()))
            yield postgres.database_url()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running_service(database_url: str, *, workers: int = 1, **changes: str) -> Iterator[Service]:
    """A `serve` with `changes` to its environment, and its PayOS."""
    environment = environment_on(database_url) | changes
    with ExitStack() as stack:
        simulator = Service(environment, "simulator")
        stack.callback(simulator.stop)
        service = Service(
            {**environment, "PAYOS_BASE_URL": simulator.url}, "serve", "--workers", str(workers)
        )
        stack.callback(service.stop)
        yield service
