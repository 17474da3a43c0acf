"""What the hash chain costs: payments with and without it, sealing, checkpoints, verification.

Payments are appended in batches of 16 by two connections, as one process does, in turn without a
chain, with a prototype that seals in the same transaction, and with the sealer of another process
beside. All of that in one run: two runs on one machine differ by more than what is measured.
"""

import asyncio
import itertools
import platform
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import LiteralString

import click
from psycopg import AsyncConnection

from app.model import Fact
from bench.crowd import cpu_seconds
from bench.service import running_database
from tests.payments import append_raw, connected, element, open_process, transfer

BATCH = 16
APPENDERS = 2
TOPUPS_EACH = 320
WINDOW_SECONDS = 2.0
SEAL_SECONDS = 1.0  # as NAPVI_SEAL_SECONDS
SEALED_AT_ONCE = 1_000  # as NAPVI_SEAL_BATCH_MAX
AMOUNT_VND = 1_000_000_000  # nobody pays it in full: each payment is one more event
WITHOUT, INLINE, SEALER = "without", "inline", "sealer beside"

PROTOTYPE = """
    CREATE TABLE topup.inline_seals (LIKE topup.event_seals INCLUDING ALL);
    CREATE SEQUENCE topup.inline_numbers CACHE 100;
    CREATE FUNCTION topup.seal_inline() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        v_number CONSTANT bigint := nextval('topup.inline_numbers');
        v_before topup.inline_seals := (
            SELECT s FROM topup.inline_seals AS s
            WHERE s.stream = NEW.tx_ref ORDER BY s.place DESC LIMIT 1
        );
    BEGIN
        INSERT INTO topup.inline_seals (number, id, stream, place, hash)
        VALUES (
            v_number, NEW.id, NEW.tx_ref, NEW.seq,
            topup.event_hash(NEW, v_number, NEW.seq, v_before.hash)
        );
        RETURN NULL;
    END
    $$;
    ALTER TABLE topup.inline_seals OWNER TO topup_owner;
    ALTER SEQUENCE topup.inline_numbers OWNER TO topup_owner;
    ALTER FUNCTION topup.seal_inline() OWNER TO topup_owner;
    CREATE TRIGGER events_seal_inline AFTER INSERT ON topup.events
    FOR EACH ROW EXECUTE FUNCTION topup.seal_inline();
    ALTER TABLE topup.events DISABLE TRIGGER events_seal_inline;
"""
ENABLE: LiteralString = "ALTER TABLE topup.events ENABLE TRIGGER events_seal_inline"
DISABLE: LiteralString = "ALTER TABLE topup.events DISABLE TRIGGER events_seal_inline"
FILL = """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT
        gen_random_uuid(), 'T' || lpad(n::text, 8, '0'), s,
        CASE s WHEN 1 THEN 'topup.opened' ELSE 'payment.received' END,
        jsonb_build_object(
            'order_code', n, 'amount', 50000, 'reference', 'FT' || n, 'payment_link_id', md5('x'),
            'description_tx_refs', '[]'::jsonb, 'matched_by', 'order_code', 'source', 'webhook'
        ),
        clock_timestamp()
    FROM generate_series(1, %s::integer) AS n, generate_series(1, %s::integer) AS s
"""


@click.command()
@click.option(
    "--repetitions", default=15, show_default=True, help="Of the payments; 0 leaves them out."
)
@click.option("--streams", default=100_000, show_default=True, help="Of the chain that is read.")
@click.option("--events-each", default=1, show_default=True, help="In each of these.")
def main(repetitions: int, streams: int, events_each: int) -> None:
    """Measure what the hash chain costs."""
    print(f"Python {platform.python_version()}; durable commits")
    if repetitions:
        with running_database() as url:
            asyncio.run(measure_payments(url, repetitions))
    with running_database() as url:
        asyncio.run(measure_chain(url, streams, events_each))


async def measure_payments(url: str, repetitions: int) -> None:
    async with connected(url) as administrator, payers(url) as appenders:
        await administrator.execute(PROTOTYPE)
        rates: dict[str, list[float]] = {WITHOUT: [], INLINE: [], SEALER: []}
        used: dict[str, list[float]] = {WITHOUT: [], INLINE: [], SEALER: []}
        for turn in range(repetitions):
            for variant in rotated(list(rates), turn):
                await seal_everything(administrator)
                await administrator.execute(ENABLE if variant == INLINE else DISABLE)
                await administrator.execute("CHECKPOINT")
                async with sealer_beside(url, variant == SEALER):
                    per_second, cpu = await rate(appenders)
                rates[variant].append(per_second)
                used[variant].append(cpu)
    print(f"append_events in batches of {BATCH}, {APPENDERS} connections, events/s")
    for variant, some in rates.items():
        ratios = [one / without for one, without in zip(some, rates[WITHOUT], strict=True)]
        print(
            f"  {variant:14} median {statistics.median(some):6.0f}"
            f"  of without: median {statistics.median(ratios):.2f},"
            f" {min(ratios):.2f} to {max(ratios):.2f} in {repetitions} turns;"
            f" CPU of the appending backends {statistics.median(used[variant]) * 1e6:.0f} µs/event"
        )


def rotated(variants: Sequence[str], turn: int) -> list[str]:
    """Each is first in its turn: what came before has an effect."""
    first = turn % len(variants)
    return [*variants[first:], *variants[:first]]


@asynccontextmanager
async def payers(url: str) -> AsyncIterator[list[tuple[AsyncConnection, Iterator[list[Fact]]]]]:
    """For each appender its connection and its batches, of top-ups that are nobody else's."""
    async with (
        open_process(url) as process,
        connected(url, "topup_app") as one,
        connected(url, "topup_app") as other,
    ):
        appenders = []
        for connection in (one, other):
            topups = [await process.topup(AMOUNT_VND) for _ in range(TOPUPS_EACH)]
            appenders.append((connection, batches([topup.order_code for topup in topups])))
        yield appenders


def batches(order_codes: Sequence[int]) -> Iterator[list[Fact]]:
    turns = itertools.cycle(order_codes)
    while True:
        yield [transfer(order_code, 1) for order_code in itertools.islice(turns, BATCH)]


async def rate(
    appenders: Sequence[tuple[AsyncConnection, Iterator[list[Fact]]]],
) -> tuple[float, float]:
    """Events per second of all together, and seconds of CPU of their backends for each event."""
    backends = [connection.info.backend_pid for connection, _ in appenders]
    used = sum(map(cpu_seconds, backends))
    began = time.perf_counter()

    async def append(connection: AsyncConnection, work: Iterator[list[Fact]]) -> int:
        appended = 0
        while time.perf_counter() - began < WINDOW_SECONDS:
            outcomes = await append_raw(connection, [element(fact) for fact in next(work)])
            assert {row[0] for row in outcomes} == {"applied"}
            appended += len(outcomes)
        return appended

    counts = await asyncio.gather(*(append(*appender) for appender in appenders))
    taken = time.perf_counter() - began
    return sum(counts) / taken, (sum(map(cpu_seconds, backends)) - used) / sum(counts)


@asynccontextmanager
async def sealer_beside(url: str, wanted: bool) -> AsyncIterator[None]:
    async def seal() -> None:
        async with connected(url, "topup_app") as connection:
            while True:
                if await seal_once(connection) < SEALED_AT_ONCE:
                    await asyncio.sleep(SEAL_SECONDS)

    sealing = asyncio.create_task(seal()) if wanted else None
    try:
        yield
    finally:
        if sealing is not None:
            sealing.cancel()
            with suppress(asyncio.CancelledError):
                await sealing


async def seal_once(connection: AsyncConnection) -> int:
    cursor = await connection.execute("SELECT topup.seal_events(%s)", (SEALED_AT_ONCE,))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def seal_everything(connection: AsyncConnection) -> int:
    sealed = 0
    while some := await seal_once(connection):
        sealed += some
    return sealed


async def measure_chain(url: str, streams: int, events_each: int) -> None:
    events = streams * events_each
    print(f"{streams} streams, {events} events")
    async with connected(url) as administrator:
        await administrator.execute("SET session_replication_role = replica")
        await administrator.execute(FILL, (streams, events_each))
        await administrator.execute("SET session_replication_role = origin")
        await administrator.execute("ANALYZE")
        sealing = await seconds(lambda: seal_everything(administrator))
        print(f"  sealing            {events / sealing:8.0f} events/s")
        for name, statement in (
            ("checkpoint, all moved", "SELECT topup.take_checkpoint()"),
            ("checkpoint, none moved", "SELECT topup.take_checkpoint()"),
            ("verify_chain", "SELECT count(*) FROM audit.verify_chain()"),
        ):
            taken = await seconds(partial(administrator.execute, statement))
            print(f"  {name:22} {taken:6.2f} s")


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
