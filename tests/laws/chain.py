"""A log with a chain over it, and the superuser who changes both behind the doors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from app.chain.checkpoints import Checkpoint, compare
from app.database.chain_rows import compute_again
from tests.payments import UNKNOWN_ORDER, Process, connected, linked, transfer

EVERYTHING = 1_000
CHECKPOINTS: LiteralString = """
    SELECT number, taken_at, streams, events, root, previous_hash, hash
    FROM audit.checkpoints ORDER BY number
"""
REWRITE: LiteralString = """
    DO $$
    DECLARE v_id bigint; v_checkpoint topup.checkpoints; v_new topup.checkpoints;
    BEGIN
        DELETE FROM topup.event_seals;
        WHILE topup.seal_events(1000) > 0 LOOP END LOOP;
        FOR v_checkpoint IN DELETE FROM topup.checkpoints RETURNING * LOOP
            v_new := v_checkpoint;
            v_new.previous_hash := coalesce(
                (SELECT hash FROM topup.checkpoints WHERE number = v_new.number - 1),
                v_new.previous_hash
            );
            v_new.root := topup.chain_root(
                (SELECT root FROM topup.checkpoints WHERE number = v_new.number - 1),
                coalesce(
                    (SELECT events FROM topup.checkpoints WHERE number = v_new.number - 1), 0
                ),
                v_new.events
            );
            v_new.hash := topup.checkpoint_hash(v_new);
            INSERT INTO topup.checkpoints VALUES (v_new.*);
        END LOOP;
    END
    $$
"""
"""What the most thorough forger does: every seal and every checkpoint fits again."""

SILENT: LiteralString = """
    CREATE OR REPLACE FUNCTION topup.seal_findings()
    RETURNS TABLE (what text, stream text, event_id bigint, detail text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT NULL, NULL, NULL::bigint, NULL WHERE FALSE $$;
    CREATE OR REPLACE FUNCTION topup.event_hash(
        p_event topup.events, p_number bigint, p_place bigint, p_previous_hash bytea
    )
    RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$ SELECT s.hash FROM topup.event_seals AS s WHERE s.number = p_number $$;
"""
"""Proofs that hold whatever happens."""


async def write_history(process: Process) -> None:
    """Two top-ups of four and two events, and two transfers in suspense."""
    topup, other = await process.topup(50_000), await process.topup(50_000)
    await process.store.append_events(
        [
            linked(topup.tx_ref),
            transfer(topup.order_code, 20_000),
            transfer(UNKNOWN_ORDER, 7_000),
            transfer(topup.order_code, 30_000),
            transfer(other.order_code, 10_000),
            transfer(UNKNOWN_ORDER, 8_000),
        ]
    )


async def seal(connection: AsyncConnection) -> int:
    return int(await scalar(connection, "SELECT topup.seal_events(1000)"))


async def take_checkpoint(connection: AsyncConnection) -> None:
    await connection.execute("SELECT topup.take_checkpoint()")


async def scalar(connection: AsyncConnection, sql: LiteralString) -> Any:
    row = await (await connection.execute(sql)).fetchone()
    assert row is not None
    return row[0]


async def checkpoints(connection: AsyncConnection) -> list[Checkpoint]:
    async with connection.cursor(row_factory=class_row(Checkpoint)) as cursor:
        await cursor.execute(CHECKPOINTS)
        return await cursor.fetchall()


async def findings(connection: AsyncConnection) -> set[str]:
    cursor = await connection.execute(
        "SELECT what FROM audit.verify_chain() WHERE kind = 'finding'"
    )
    return {what for (what,) in await cursor.fetchall()}


async def outside_findings(connection: AsyncConnection, kept: Sequence[Checkpoint]) -> set[str]:
    """What only checkpoints kept elsewhere tell."""
    stored = {one.number: one for one in await checkpoints(connection)}
    return {finding.what for finding in compare(kept, stored)}


async def computed_findings(connection: AsyncConnection, kept: Sequence[Checkpoint]) -> set[str]:
    """What is found without a function of the database."""
    async with connection.transaction():
        chain = await compute_again(connection, kept)
    return {finding.what for finding in chain.findings}


async def ranges(connection: AsyncConnection) -> dict[str, int]:
    cursor = await connection.execute(
        "SELECT what, events FROM audit.verify_chain() WHERE kind = 'range'"
    )
    return dict(await cursor.fetchall())


@asynccontextmanager
async def superuser(url: str) -> AsyncIterator[AsyncConnection]:
    """Without triggers and foreign keys."""
    async with connected(url) as connection:
        await connection.execute("SET session_replication_role = replica")
        yield connection
