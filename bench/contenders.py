"""What is compared: napvi and its peer, side by side on one PostgreSQL, each with its top-ups."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from app.processes import die_with_parent
from bench.figures import OURS
from bench.said import heard
from bench.service import running_service
from bench.topups import topups_of
from tests.bulk import OpenTopup, open_topups
from tests.ports import held_port
from tests.processes.payer import webhook
from tests.services import CHECKSUM_KEY

PEER = "Starlette + Redis"
PEERS = Path(__file__).parent / "peers"
PEER_PYTHON = Path(__file__).parent.parent / ".venv-peers" / "bin" / "python"
WORKERS = {1: "one worker", 2: "two workers"}
START_SECONDS_MAX = 20.0
PAYERS, TOPUPS_OF_A_PAYER_MAX = 8, 300  # each opening counts the open ones of its payer
FIRST_ORDER_CODE = 1_000_000
PART_VND = 1  # a top-up that is not paid in full goes on


@dataclass(frozen=True)
class Contender:
    """A service at `url` whose processes descend from `pid`, and its pending top-ups.

    `events_at`: where its events come from, for bench/publishers.py; `event`: one of a top-up, as
    it is put in there.
    """

    name: str
    url: str
    pid: int
    topups: Sequence[OpenTopup]
    events_at: str
    event: Callable[[OpenTopup], bytes]
    takes_webhooks: bool = True


def part(topup: OpenTopup) -> bytes:
    """A webhook: the smallest payment."""
    return webhook(topup.as_answered(), PART_VND)


def state(topup: OpenTopup) -> bytes:
    """As the peer tells it to browsers."""
    columns = {"tx_ref": topup.tx_ref, "user_id": topup.user_id, "order_code": topup.order_code}
    told = {"amount": topup.amount, "amount_paid": PART_VND, "status": "underpaid", "seq": 2}
    return json.dumps(columns | told).encode()


@contextmanager
def napvi(
    database_url: str,
    count: int,
    name: str = OURS,
    *,
    workers: int = 1,
    payers: int | None = None,
    **changes: str,
) -> Iterator[Contender]:
    """`payers`: so many that nobody logs in as; by default PAYERS that stream or poll."""
    limits = {
        "NAPVI_STREAMS_PER_PROCESS_MAX": str(max(count, 1_000)),
        "NAPVI_STREAMS_PER_USER_MAX": str(min(max(count, 10), 10_000)),
        "NAPVI_RECONCILE": "false",
    }
    with running_service(database_url, workers=workers, **limits | changes) as service:
        if payers is None:
            streaming = max(PAYERS, count // TOPUPS_OF_A_PAYER_MAX)
            topups = asyncio.run(open_topups(service.url, database_url, count, streaming))
        else:
            topups = topups_of(database_url, count, payers)
        yield Contender(name, service.url, service.pid, topups, database_url, part)


@contextmanager
def starlette_redis(
    database_url: str, count: int, *, workers: int = 1, payers: int = PAYERS
) -> Iterator[Contender]:
    """On a database of its own, beside that of napvi, one for each number of workers."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS peer{workers} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE peer{workers}")
    url = database_url.replace("/postgres?", f"/peer{workers}?")
    assert url != database_url, database_url
    topups = _peer_topups(url, count, payers)
    with held_port() as port, running_redis() as redis_url:
        program = (PEERS / "starlette_redis.py", str(port), str(workers))
        arguments = (*program, url, redis_url, CHECKSUM_KEY)
        with _started(PEER_PYTHON, *arguments, says=subprocess.PIPE) as process, heard(process):
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/healthz", PEER)
            yield Contender(PEER, address, process.pid, topups, redis_url, state)


@contextmanager
def running_redis() -> Iterator[str]:
    """A Redis that keeps nothing, at a socket of its own."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("The peer needs Redis: apt-get install redis-server")
    with tempfile.TemporaryDirectory() as directory:
        socket = f"{directory}/redis.sock"
        quiet = ("--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning")
        with _started(program, *quiet, "--unixsocket", socket):
            yield f"unix://{socket}"


@contextmanager
def _started(
    *command: str | Path, says: int = subprocess.DEVNULL
) -> Iterator["subprocess.Popen[str]"]:
    """Killed at the end: asked to stop, it would wait for streams."""
    with subprocess.Popen(
        command,
        stdout=says,
        stderr=subprocess.STDOUT if says == subprocess.PIPE else None,
        text=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _peer_topups(url: str, count: int, payers: int) -> list[OpenTopup]:
    topups = []
    with psycopg.connect(url) as connection:
        connection.execute((PEERS / "schema.sql").read_bytes())
        for user_id in range(1, payers + 1):
            session = hashlib.sha256(f"session-{user_id}".encode()).digest()
            connection.execute("INSERT INTO wallets (user_id) VALUES (%s)", (user_id,))
            connection.execute(
                "INSERT INTO sessions VALUES (%s, %s, now() + interval '1 day')", (session, user_id)
            )
        for number in range(count):
            user_id = number % payers + 1
            topup = OpenTopup(
                f"T{number:08d}",
                FIRST_ORDER_CODE + number,
                50_000,
                user_id,
                f"session=session-{user_id}",
            )
            topups.append(topup)
        with connection.cursor().copy(
            "COPY topups (tx_ref, order_code, amount, user_id) FROM STDIN"
        ) as copy:
            for topup in topups:
                copy.write_row((topup.tx_ref, topup.order_code, topup.amount, topup.user_id))
    return topups


def wait_for(address: str, name: str) -> None:
    """Returns once it answers. Ends the run when it does not."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            httpx.get(address, trust_env=False).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} does not start.") from None
            time.sleep(0.1)
        else:
            return
