"""The rows of the hash chain, read one by one to compute it again outside the database.

Schema audit alone is read, without a function of napvi in it: an auditor may do this.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from app.chain.checkpoints import Checkpoint, Finding, compare
from app.chain.recipe import Recomputation, SealedEvent
from app.database.chain import CHECKPOINTS
from app.errors import ProofFailed

FINDINGS_MAX = 1_000  # with so many, nobody asks for one more
ROWS_PER_READ = 1_000

SEALED_EVENTS: LiteralString = """
    SELECT
        s.number, s.stream, s.place, s.id, e.event_id::text, e.tx_ref, e.seq, e.type,
        e.data::text, trunc(extract(EPOCH FROM e.occurred_at) * 1000000)::text AS occurred_at,
        trunc(extract(EPOCH FROM e.recorded_at) * 1000000)::text AS recorded_at, s.hash,
        p.hash AS previous_hash
    FROM audit.sealed_events AS s
    LEFT JOIN audit.events AS e ON e.id = s.id
    LEFT JOIN audit.sealed_events AS p ON p.stream = s.stream AND p.place = s.place - 1
    ORDER BY s.number
"""
LAST_NUMBER = "SELECT coalesce(max(s.number), 0) FROM audit.sealed_events AS s"
WITHOUT_SEAL: LiteralString = """
    SELECT format('event %%s of %%s', e.id, coalesce(e.tx_ref, 'suspense'))
    FROM audit.events AS e
    WHERE e.id <= %s AND NOT EXISTS (SELECT FROM audit.sealed_events AS s WHERE s.id = e.id)
    ORDER BY e.id
    LIMIT %s
"""
UNSEALED = "SELECT count(*) FROM audit.events AS e WHERE e.id > %s"
# Sealing has begun: there is a checkpoint. A time to come would hide an event for ever.
OVERDUE: LiteralString = """
    SELECT format(
        'event %%s of %%s is the first of %%s without a seal that were not recorded in the last '
        '15 minutes', e.id, coalesce(e.tx_ref, 'suspense'), count(*) OVER ()
    )
    FROM audit.events AS e
    WHERE
        e.id > %s
        AND (
            e.recorded_at < now() - interval '15 minutes'
            OR e.recorded_at > now() + interval '15 minutes'
        )
    ORDER BY e.id
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ComputedChain:
    """`findings`, at most FINDINGS_MAX; the events that were computed again; those not sealed."""

    findings: Sequence[Finding]
    events: int
    unsealed: int


async def compute_again(
    connection: AsyncConnection,
    kept: Sequence[Checkpoint],
    progress: Callable[[int, int], None] | None = None,
) -> ComputedChain:
    """The chain, hash by hash, past the checkpoints of the database and those of `kept`.

    Reads the whole log, of one moment if `connection` is in such a transaction.
    `progress(events computed, of how many)`. Raises ProofFailed.
    """
    try:
        stored = await _stored(connection)
        findings = list(compare(kept, stored))
        chain = Recomputation((stored | {one.number: one for one in kept}).values())
        last_id = await _walk(connection, chain, findings, progress)
        for name in await _column(connection, WITHOUT_SEAL, last_id, FINDINGS_MAX):
            findings.append(Finding("event_without_seal", f"{name}; later ones have theirs"))
        for detail in await _column(connection, OVERDUE, last_id):
            findings.append(Finding("event_unsealed", detail))
        [unsealed] = await _column(connection, UNSEALED, last_id)
    except psycopg.Error as error:
        raise ProofFailed(f"the hash chain could not be read: {error}".strip()) from error
    return ComputedChain(findings[:FINDINGS_MAX], chain.events, unsealed)


async def _walk(
    connection: AsyncConnection,
    chain: Recomputation,
    findings: list[Finding],
    progress: Callable[[int, int], None] | None,
) -> int:
    """The largest id with a seal. Stops early when there is enough to be found."""
    [total] = await _column(connection, LAST_NUMBER)
    last_id = 0
    async with connection.cursor("sealed", row_factory=class_row(SealedEvent)) as cursor:
        await cursor.execute(SEALED_EVENTS)
        while rows := await cursor.fetchmany(ROWS_PER_READ):
            findings.extend(_found(chain, rows))
            last_id = max(last_id, *(row.id for row in rows))
            if progress is not None:
                progress(chain.events, total)
            if len(findings) >= FINDINGS_MAX:
                return last_id
    findings.extend(chain.end())
    return last_id


def _found(chain: Recomputation, rows: Sequence[SealedEvent]) -> Iterator[Finding]:
    for row in rows:
        yield from chain.seal(row)


async def _stored(connection: AsyncConnection) -> dict[int, Checkpoint]:
    async with connection.cursor(row_factory=class_row(Checkpoint)) as cursor:
        await cursor.execute(CHECKPOINTS)
        return {checkpoint.number: checkpoint for checkpoint in await cursor.fetchall()}


async def _column(
    connection: AsyncConnection, query: LiteralString, *values: object
) -> Sequence[Any]:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
