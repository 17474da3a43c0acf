"""What this machine gives napvi: a directory for its data, and a database when none is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.database.embedded.binaries import find_binaries
from app.database.embedded.places import default_data_dir, default_run_dir
from app.database.embedded.supervisor import EmbeddedPostgres
from app.settings import Settings

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def data_directory(settings: Settings) -> Path:
    """Where data are kept that survive restarts; it need not exist yet."""
    return Path(settings.data_dir) if settings.data_dir else default_data_dir(PROJECT_ROOT)


@contextmanager
def database(settings: Settings, *, borrow: bool = False) -> Iterator[str]:
    """The URL of DATABASE_URL, or of an embedded PostgreSQL that lives as long as the context.

    With `borrow` the server of another process is used where one runs; without, such a directory
    is refused with DataDirectoryError. Call it from the main thread.
    """
    if settings.database_url:
        yield settings.database_url
        return
    data_dir = data_directory(settings)
    bin_dir = find_binaries(settings.postgres_bin)
    server = EmbeddedPostgres(data_dir, default_run_dir(data_dir), bin_dir=bin_dir)
    if borrow and server.is_serving():
        yield server.database_url()
        return
    with server:
        yield server.database_url()
