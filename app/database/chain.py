"""The SQL of the hash chain: sealing, checkpoints, and what the database says of both."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.checkpoints import Checkpoint, Finding, compare
from app.database.pool import Database

SEAL = "SELECT topup.seal_events(%s) AS sealed"
LAG = "SELECT events, extract(epoch FROM age)::double precision AS seconds FROM audit.seal_lag"
TAKE = """
    SELECT
        number, taken_at, streams, events, encode(root, 'hex') AS root,
        encode(previous_hash, 'hex') AS previous_hash, encode(hash, 'hex') AS hash
    FROM topup.take_checkpoint()
"""
CHECKPOINTS = """
    SELECT number, taken_at, streams, events, root, previous_hash, hash
    FROM audit.checkpoints ORDER BY number
"""
VERIFY = """
    SELECT kind, what, stream, first_id, last_id, events, detail FROM audit.verify_chain()
"""


@dataclass(frozen=True, slots=True)
class SealLag:
    """Events without a seal, counted to 10,000, and the age of the oldest. Source: seal_lag."""

    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reach:
    """Events that are anchored, sealed or unsealed, by their identities; None: there are none."""

    what: str
    events: int
    first_id: int | None
    last_id: int | None


@dataclass(frozen=True, slots=True)
class ChainProof:
    """`findings`: signs of a change behind the doors; `reaches`: how far the proof goes."""

    findings: list[Finding]
    reaches: list[Reach]


class Chain:
    """Source of truth: topup.event_seals, topup.checkpoints. Each raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seal(self, events_max: int) -> int:
        """Seals the oldest events without a seal; how many. 0 while another process does."""
        [sealed] = await self._database.rows(_sealed, SEAL, (events_max,))
        return sealed

    async def lag(self) -> SealLag:
        [lag] = await self._database.rows(SealLag, LAG, ())
        return lag

    async def take_checkpoint(self) -> Checkpoint:
        """Of what is sealed now."""
        [checkpoint] = await self._database.rows(Checkpoint, TAKE, ())
        return checkpoint

    async def checkpoints(self) -> list[Checkpoint]:
        """All that the database has, by number."""
        return await self._database.rows(Checkpoint, CHECKPOINTS, ())

    async def prove(self, kept: Sequence[Checkpoint] = ()) -> ChainProof:
        """The chain against itself and its checkpoints, and those against `kept` elsewhere.

        Reads the whole log. Source: audit.verify_chain().
        """
        stored = {one.number: one for one in await self.checkpoints()}
        said = await self._database.rows(_said, VERIFY, ())
        findings = [*compare(kept, stored), *(one for one in said if isinstance(one, Finding))]
        return ChainProof(findings, [one for one in said if isinstance(one, Reach)])


def _sealed(*, sealed: int) -> int:
    return sealed


def _said(
    *,
    kind: str,
    what: str,
    stream: str | None,
    first_id: int | None,
    last_id: int | None,
    events: int | None,
    detail: str | None,
) -> Finding | Reach:
    """A row of audit.verify_chain."""
    if kind == "range":
        return Reach(what, events or 0, first_id, last_id)
    event = "" if first_id is None else f"event {first_id} of {stream}, "
    return Finding(what, f"{event}{detail}")
