"""The SQL of the hash chain: sealing and checkpoints."""

from dataclasses import dataclass
from types import MappingProxyType

from app.chain.checkpoints import Checkpoint
from app.database.pool import Database
from app.database.refusals import refusals
from app.errors import CheckpointRefused

SEAL = "SELECT topup.seal_events(%s)"
LAG = "SELECT events, extract(epoch FROM age)::double precision AS seconds FROM audit.seal_lag"
TAKE = """
    SELECT
        number, taken_at, streams, events, encode(root, 'hex') AS root,
        encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash
    FROM topup.take_checkpoint()
"""
CHECKPOINTS = """
    SELECT
        number, least(greatest(taken_at, '0002-01-01Z'), '9998-01-01Z') AS taken_at, streams,
        events, root, previous_hash, hash
    FROM audit.checkpoints ORDER BY number
"""
"""A moment that Python cannot tell is a forger's: another one does not fit its hash either."""

REFUSALS = MappingProxyType(
    {
        "TU018": "Events of more than 10 minutes ago cannot be sealed yet: a transaction that "
        "writes is open. Take the checkpoint when it has ended."
    }
)
"""By SQLSTATE, what a person is told; docs/errors.md lists them."""


@dataclass(frozen=True, slots=True)
class SealLag:
    """Events without a seal, counted to 10,000, and the age of the oldest. Source: seal_lag."""

    events: int
    seconds: float


class Chain:
    """Source of truth: topup.event_seals, topup.checkpoints. Each raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seal(self, events_max: int) -> int:
        """Seals the oldest events without a seal; how many. 0 while another process does."""
        sealed: int = await self._database.value(SEAL, (events_max,))
        return sealed

    async def lag(self) -> SealLag:
        [lag] = await self._database.rows(SealLag, LAG, ())
        return lag

    async def take_checkpoint(self) -> Checkpoint:
        """Of what can be sealed now. Raises CheckpointRefused."""
        with refusals(REFUSALS, CheckpointRefused):
            [checkpoint] = await self._database.rows(Checkpoint, TAKE, ())
        return checkpoint
