"""What reads and writes the log: two pools of connections, the store, the appender."""

from app.database.appender import Appender, measured
from app.database.migrations import Migrations
from app.database.pool import Database
from app.database.store import Store
from app.errors import ConfigurationError
from app.metrics.metrics import Metrics
from app.settings import Settings


class Recording:
    """The log, as a process reads and writes it. `url`: of the database."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.url = _database_url(settings)
        self.database = Database(self.url, settings.database_connections, settings)
        self.appends = Database(self.url, settings.append_connections, settings, at_rest=1)
        self.migrations = Migrations(self.database)
        self.store = Store(self.database, self.appends, settings.stream_grace_seconds)
        self.appender = Appender(
            measured(self.store.append_events, metrics),
            settings.append_batch_max,
            settings.append_queue_max,
            settings.append_connections,
        )

    async def open(self) -> None:
        await self.database.open()
        await self.appends.open()

    async def close(self) -> None:
        """Waits for facts that are being recorded."""
        await self.appender.drain()
        await self.appends.close()
        await self.database.close()


def _database_url(settings: Settings) -> str:
    if not settings.database_url:
        raise ConfigurationError(
            "DATABASE_URL", "is not set.", "Set it, or let `python -m app serve` start one."
        )
    return settings.database_url
