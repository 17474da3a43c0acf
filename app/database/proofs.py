"""The proofs of the books: what has to hold, and the question that finds where it does not.

Each question can be asked by an auditor with psql as well; it is read from schema `audit` alone.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import scalar_row

from app.chain.checkpoints import Checkpoint
from app.database.chain_rows import compute_again
from app.database.connecting import connect
from app.errors import ProofFailed

FINDINGS_SHOWN_MAX = 20
MAY_READ = """
    SELECT bool_or(pg_has_role(r.oid, 'USAGE'))
    FROM pg_roles AS r WHERE r.rolname IN ('topup_auditor', 'topup_app')
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """`question` gives a row of one text for everything that contradicts `claim`."""

    claim: str
    question: LiteralString


PROOFS: Sequence[Proof] = (
    Proof(
        "top-ups, wallets and ledger are the fold of the log",
        """
        SELECT concat_ws(' ', d.subject, d.key, 'expected', d.expected, 'found', d.actual)
        FROM audit.drift() AS d
        """,
    ),
    Proof(
        "every đồng received is in a wallet or in suspense",
        """
        SELECT format(
            'received %s, in wallets %s, in suspense %s', m.received, m.in_wallets, m.in_suspense
        )
        FROM audit.money_equation AS m WHERE m.difference IS DISTINCT FROM 0
        """,
    ),
    Proof(
        "the ledger entries of every event sum to zero",
        "SELECT format('event %s: %s', u.event_id, u.sum) FROM audit.unbalanced AS u",
    ),
    Proof(
        "the guards of the log and the ledger are in force",
        "SELECT g.guard FROM audit.guards AS g WHERE NOT g.in_force",
    ),
    Proof(
        "nothing in the log, its seals or its checkpoints was changed",
        """
        SELECT concat_ws(' ', v.what, v.stream, v.first_id::text, v.detail)
        FROM audit.verify_chain() AS v WHERE v.kind = 'finding'
        """,
    ),
    Proof(
        "the raw webhooks that are kept are those that were signed",
        """
        SELECT format('body %s of %s', a.body_sha256, a.received_at) FROM audit.altered_bodies AS a
        """,
    ),
)
REACH = """
    SELECT format(
        '%s %s events%s', rpad(r.what, 9), r.events, ', ids ' || r.first_id || ' to ' || r.last_id
    )
    FROM audit.chain_reach AS r
"""


@asynccontextmanager
async def one_snapshot(database_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that reads one moment and writes nothing.

    Raises ConfigurationError when the database cannot be reached.
    """
    connection = await connect(database_url, "audit")
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)
    async with connection, connection.transaction():  # each question is a savepoint within it
        yield connection


async def refuse_standby(connection: AsyncConnection) -> None:
    """Raises ProofFailed on one: it has no unlogged table, and the chain's proof reads one."""
    if await _only(connection, "SELECT pg_is_in_recovery()"):
        raise ProofFailed("a standby cannot answer every proof. Ask the primary.")


async def findings(connection: AsyncConnection, proof: Proof) -> list[str]:
    """What contradicts the claim, at most FINDINGS_SHOWN_MAX + 1 of it. Raises ProofFailed."""
    return await _answers(connection, proof.question)


async def reach(connection: AsyncConnection) -> list[str]:
    """How many events are anchored, sealed, unsealed, a line each. Raises ProofFailed."""
    return await _answers(connection, REACH)


async def _answers(connection: AsyncConnection, question: LiteralString) -> list[str]:
    """A question that a row makes unanswerable, or whose view is gone, has found that; so has one
    that was taken from every auditor."""
    try:
        async with connection.transaction(), connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(question)
            return await cursor.fetchmany(FINDINGS_SHOWN_MAX + 1)
    except psycopg.OperationalError as error:
        raise ProofFailed(f"a proof could not be run to its end: {error}".strip()) from error
    except psycopg.Error as error:
        denied = isinstance(error, psycopg.errors.InsufficientPrivilege)
        if denied and not await _only(connection, MAY_READ):
            raise ProofFailed(
                f"role {connection.info.user} may not read schema audit. Grant topup_auditor to "
                "it; a role that is NOINHERIT has to become it: options=-crole=topup_auditor."
            ) from error
        return [f"it cannot be asked: {error.diag.message_primary or error}"]


async def _only(connection: AsyncConnection, question: LiteralString) -> bool | None:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(question)
        answer: bool | None = await cursor.fetchone()
        return answer


async def checkpoint_findings(connection: AsyncConnection, kept: Sequence[Checkpoint]) -> list[str]:
    """Where the log, computed again, is not what the checkpoints cover. Raises ProofFailed."""
    chain = await compute_again(connection, kept)
    return [f"{finding.what}: {finding.detail}" for finding in chain.findings]
