"""A proxy in front of several napvi processes, or of none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from tests.ports import held_port
from tests.processes.payer import deliver, http_client, log_in, until
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.services import Service

pytestmark = pytest.mark.processes

REQUESTS = 4


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with held_port() as port:
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def crashing_service(posts: list[bytes]) -> AsyncIterator[str]:
    """The address of one that lives until a POST has arrived, which it adds to `posts`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readline()
        if head.startswith(b"POST "):
            posts.append(head)
        elif head:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_instance_that_is_away_gets_no_requests(
    nobody: str, service: Service, start_proxy: StartProxy, front: Front
) -> None:
    start_proxy(nobody, service.address)
    async with http_client(front.url, verify=front.trust) as payos:

        async def noticed() -> bool:
            statuses = [await deliver(payos, front.url, b"no webhook") for _ in range(REQUESTS)]
            return statuses == [HTTPStatus.BAD_REQUEST] * REQUESTS

        await until(noticed)
    async with log_in(front.url, verify=front.trust) as payer:
        for _ in range(REQUESTS):
            await payer.topup()
            assert await payer.balance() == 0


async def test_a_post_that_was_not_answered_is_not_sent_to_another_instance(
    start_proxy: StartProxy, front: Front
) -> None:
    posts: list[bytes] = []
    async with crashing_service(posts) as one, crashing_service(posts) as other:
        start_proxy(one, other)
        async with http_client(front.url, verify=front.trust) as client:
            answer = await client.post("/api/payos/webhook", content=b"{}")
    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert posts == [b"POST /api/payos/webhook HTTP/1.1\r\n"]


async def test_a_stream_that_nobody_can_give_is_asked_for_again(
    nobody: str, start_proxy: StartProxy, front: Front
) -> None:
    start_proxy(nobody)
    async with http_client(front.url, verify=front.trust) as client:
        stream, other = await asyncio.gather(
            client.get("/api/topup/stream?tx_ref=T00000000"), client.get("/wallet")
        )
    assert (stream.status_code, stream.text) == (HTTPStatus.OK, "retry: 2000\n\n")
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] in {"no-cache", "no-store"}
    assert stream.headers["strict-transport-security"] == "max-age=31536000"
    assert other.status_code in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
