"""What a Python team would pick instead of napvi: Starlette, uvicorn, sse-starlette and Redis.

It does the same work: checks the same signature, keeps the body, records the payment once, moves
top-up, wallet and ledger in one transaction, and tells the browsers of that top-up, through Redis;
a stream checks login and ownership and begins with the current state; each payment has its line in
the log. It does none of what napvi does beyond that: no resume by id, no natural batching, no
second look when a message is lost.

Runs in an environment of its own: python starlette_redis.py PORT WORKERS DATABASE_URL REDIS_URL KEY
"""

import ctypes
import hashlib
import hmac
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
import uvicorn
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = logging.getLogger("payments")

CONNECTIONS = 8
PR_SET_PDEATHSIG = 1
STATE = "SELECT tx_ref, user_id, amount, amount_paid, status, seq FROM topups WHERE tx_ref = %s"
OWNED = """
    SELECT t.tx_ref, t.user_id, t.amount, t.amount_paid, t.status, t.seq
    FROM sessions AS s INNER JOIN topups AS t ON t.user_id = s.user_id
    WHERE s.session_hash = %s AND s.expires_at > now() AND t.tx_ref = %s
"""


def signature(data: dict[str, Any], key: str) -> str:
    text = "&".join(f"{name}={'' if data[name] is None else data[name]}" for name in sorted(data))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


async def record(pool: AsyncConnectionPool, data: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The top-up after the payment, in one transaction; a repeat changes nothing."""
    event_id = hashlib.sha256(f"{data['paymentLinkId']}/{data['reference']}".encode()).hexdigest()
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT * FROM topups WHERE order_code = %s FOR UPDATE", (data["orderCode"],)
        )
        topup = await cursor.fetchone()
        if topup is None:
            return {}
        await cursor.execute(
            "INSERT INTO bodies VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (hashlib.sha256(body).digest(), body),
        )
        await cursor.execute(
            """
            INSERT INTO events (event_id, tx_ref, seq, type, data)
            VALUES (%s, %s, %s, 'payment.received', %s) ON CONFLICT (event_id) DO NOTHING
            """,
            (event_id, topup["tx_ref"], topup["seq"] + 1, json.dumps(data)),
        )
        if not cursor.rowcount:
            return dict(topup)
        paid = topup["amount_paid"] + data["amount"]
        status = "confirmed" if paid >= topup["amount"] else "underpaid"
        await cursor.execute(
            "UPDATE topups SET amount_paid = %s, status = %s, seq = seq + 1 WHERE tx_ref = %s",
            (paid, status, topup["tx_ref"]),
        )
        await cursor.execute(
            "UPDATE wallets SET balance = balance + %s WHERE user_id = %s RETURNING balance",
            (data["amount"], topup["user_id"]),
        )
        wallet = await cursor.fetchone()
        assert wallet is not None
        await cursor.execute(
            """
            INSERT INTO ledger_entries (event_id, account, amount, balance_after)
            VALUES (%s, 'payos:clearing', %s, NULL), (%s, %s, %s, %s)
            """,
            (
                *(event_id, -data["amount"]),
                *(event_id, f"wallet:{topup['user_id']}", data["amount"], wallet["balance"]),
            ),
        )
        return {**topup, "amount_paid": paid, "status": status, "seq": topup["seq"] + 1}


class Peer:
    """The routes. A connection to Redis for each stream, as redis-py subscribes."""

    def __init__(self, database_url: str, redis_url: str, key: str) -> None:
        self._pool = AsyncConnectionPool(database_url, min_size=CONNECTIONS, open=False)
        self._broker = redis.asyncio.from_url(redis_url, max_connections=20_000)
        self._key = key

    async def webhook(self, request: Request) -> Response:
        body = await request.body()
        envelope = json.loads(body)
        data = envelope["data"]
        if not hmac.compare_digest(signature(data, self._key), envelope["signature"]):
            return JSONResponse({"success": False}, 401)
        if topup := await record(self._pool, data, body):
            await self._broker.publish(f"topup:{topup['tx_ref']}", json.dumps(topup))
            log.info("payment recorded tx_ref=%s seq=%s", topup["tx_ref"], topup["seq"])
        return JSONResponse({"success": True})

    async def stream(self, request: Request) -> Response:
        tx_ref = request.query_params["tx_ref"]
        session = hashlib.sha256(request.cookies.get("session", "").encode()).digest()
        async with self._pool.connection() as connection:
            cursor = await connection.execute(OWNED, (session, tx_ref))
            if await cursor.fetchone() is None:
                return JSONResponse({"error": "not found"}, 404)
        return EventSourceResponse(self._updates(tx_ref), ping=30)

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _updates(self, tx_ref: str) -> AsyncIterator[dict[str, str]]:
        async with self._broker.pubsub() as subscription:
            await subscription.subscribe(f"topup:{tx_ref}")
            yield {"event": "status-update", "data": json.dumps(await self._state(tx_ref))}
            async for message in subscription.listen():
                if message["type"] == "message":
                    yield {"event": "status-update", "data": message["data"].decode()}

    async def _state(self, tx_ref: str) -> dict[str, Any] | None:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(STATE, (tx_ref,))
            return await cursor.fetchone()

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._pool.open(wait=True)
        yield
        await self._pool.close()
        await self._broker.aclose()


def create_app(database_url: str, redis_url: str, key: str) -> Starlette:
    peer = Peer(database_url, redis_url, key)
    routes = [
        Route("/api/payos/webhook", peer.webhook, methods=["POST"]),
        Route("/api/topup/stream", peer.stream),
        Route("/healthz", peer.healthz),
    ]
    return Starlette(routes=routes, lifespan=peer.lifespan)


def worker() -> Starlette:
    """The application of one worker process, which has the arguments of the first process.

    A worker ends when that one does, however it ends.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    logging.basicConfig(
        level=logging.INFO,
        format="time=%(asctime)s level=%(levelname)s logger=%(name)s %(message)s",
    )
    return create_app(*sys.argv[3:])


if __name__ == "__main__":
    uvicorn.run(
        "starlette_redis:worker",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
