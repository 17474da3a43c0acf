"""What a process does that nobody asked it for: reconciling, forgetting, sealing."""

from app.database.chain import Chain
from app.database.pool import Database
from app.database.retention import Retention
from app.maintenance.pruner import Pruner
from app.maintenance.sealer import Sealer
from app.metrics.metrics import Metrics
from app.payos.rounds import Rounds
from app.settings import Settings


class Background:
    """Each is a loop of its own: one that fails goes on, and holds up no other."""

    def __init__(
        self, settings: Settings, database: Database, rounds: Rounds, metrics: Metrics
    ) -> None:
        retention = Retention(database, settings)
        pruner = Pruner(retention.prune, metrics, settings.prune_seconds)
        sealer = Sealer(Chain(database), settings, metrics)
        self._loops = (rounds, pruner, sealer)

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        for loop in self._loops:
            await loop.stop()
