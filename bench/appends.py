"""Workload 4: append_events against a bare INSERT of the same rows, called by pgbench.

What matching, judging, projection, ledger and notification cost; what it saves that payments share
a commit; and what it costs that all of them are of one wallet. Each client has top-ups of its own,
so that clients meet in a hot wallet and nowhere before the commit.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

import psycopg

from app.payos.webhook import read_webhook
from bench.figures import OURS, Aim, Figure
from bench.scale import Scale
from bench.topups import topups_of
from tests.bulk import OpenTopup
from tests.processes.payer import webhook
from tests.services import CHANNEL, CHECKSUM_KEY

WORKLOAD = "appends"
SECONDS, SECONDS_MAX = 1, 30
TOPUPS = 4_096
PART_VND = 1
BATCHES = (1, 16)
BARE, SINGLY, HOT = "bare INSERT", "one in a commit", "one hot wallet"
MANY_FACTS, HOT_FACTS = "bench_facts", "bench_facts_hot"
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)

TABLES = """
    CREATE TABLE bench_facts (n bigint PRIMARY KEY, data text NOT NULL);
    CREATE TABLE bench_facts_hot (LIKE bench_facts INCLUDING ALL);
    CREATE TABLE bench_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        type text NOT NULL,
        data jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""
FACTS = """
    WITH facts AS MATERIALIZED (
        SELECT gen_random_uuid()::text AS event_id, 'payment.received' AS type, f.data
        FROM {facts} AS f
        WHERE f.n >= :first AND f.n < :first + {batch}
    )
"""
APPEND = r"""
    SELECT o.outcome
    FROM
        (
            SELECT
                array_agg(f.event_id) AS event_ids,
                array_agg(f.type) AS types,
                array_agg(NULL::text) AS tx_refs,
                array_agg(replace(f.data, 'REFERENCE', f.event_id)) AS data,
                array_agg(now()::text) AS occurred_at,
                array_agg(NULL::bytea) AS bodies
            FROM facts AS f
        ) AS b
    CROSS JOIN LATERAL topup.append_events(
        b.event_ids, b.types, b.tx_refs, b.data, b.occurred_at, b.bodies
    ) AS o;
"""
INSERT = """
    INSERT INTO bench_events (event_id, type, data, occurred_at)
    SELECT f.event_id::uuid, f.type, replace(f.data, 'REFERENCE', f.event_id)::jsonb, now()
    FROM facts AS f;
"""


def run(database_url: str, scale: Scale) -> list[Figure]:
    if shutil.which("pgbench") is None:
        raise SystemExit("This workload needs pgbench: apt-get install postgresql-contrib")
    _prepare(database_url)
    figures = {
        (clients, batch): Figure(WORKLOAD, _name(clients, batch), "events/s", _aims(clients, batch))
        for clients in scale.clients
        for batch in BATCHES
    }
    for _ in scale.each_round(WORKLOAD):
        for (clients, batch), figure in figures.items():
            figure.add(OURS, _events_per_second(database_url, APPEND, clients, batch))
            if clients > 1:
                hot = _events_per_second(database_url, APPEND, clients, batch, HOT_FACTS)
                figure.add(HOT, hot)
            figure.add(BARE, _events_per_second(database_url, INSERT, clients, batch))
            if batch > 1:
                figure.add(SINGLY, figures[clients, 1].values[OURS][-1])
    return list(figures.values())


def _name(clients: int, batch: int) -> str:
    return f"{clients} client{'s' * (clients > 1)}, {batch} in a commit"


def _aims(clients: int, batch: int) -> tuple[Aim, ...]:
    return (Aim(SINGLY, "at least", 3),) if clients > 1 and batch > 1 else ()


def _prepare(database_url: str) -> None:
    """Facts as the webhook makes them, but for the reference, which each call chooses."""
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLES)
        for table, users in ((MANY_FACTS, TOPUPS), (HOT_FACTS, 1)):
            _fill(connection, table, topups_of(database_url, TOPUPS, users))


def _fill(connection: psycopg.Connection, table: str, topups: Sequence[OpenTopup]) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for number, topup in enumerate(topups):
            body = webhook(topup.as_answered(), PART_VND)
            data = read_webhook(body, [CHECKSUM_KEY], CHANNEL).fact.data
            copy.write_row((number, json.dumps(data | {"reference": "REFERENCE"})))


def _events_per_second(
    database_url: str, statement: str, clients: int, batch: int, facts: str = MANY_FACTS
) -> float:
    chosen = FACTS.format(batch=batch, facts=facts)
    each = TOPUPS // clients
    first = f":client_id * {each} + random(0, {each - batch})"
    script = f"\\set first {first}\n{' '.join((chosen + statement).split())}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = ("pgbench", "--no-vacuum", "--protocol=prepared", f"--client={clients}")
        much = (f"--jobs={min(clients, 2)}", f"--time={SECONDS}", f"--file={file.name}")
        ended = subprocess.run(
            (*command, *much, database_url),
            capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
        )  # fmt: skip
    found = TPS.search(ended.stdout)
    if ended.returncode or found is None:
        raise SystemExit(f"pgbench: {ended.stderr}")
    return float(found[1]) * batch
