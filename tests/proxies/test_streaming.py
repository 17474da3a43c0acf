"""The stream through a proxy: at once, frame by frame, and for as long as it takes."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from http import HTTPStatus

import httpx
import pytest

from tests.processes.payer import Payer, deliver, http_client, webhook
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.proxies.sockets import connections_of, let_go
from tests.services import PASSWORD, Service, starting_services
from tests.web.event_stream import Stream

pytestmark = pytest.mark.processes

FIRST_BYTE_SECONDS_MAX = 5.0  # long before the first heartbeat
IDLE_LIMIT_SECONDS = 5  # of the proxy, instead of 45
HEARTBEAT_SECONDS = 0.5  # instead of 30
STREAMS = 5
MUCH = b": %s\n\n" % (b"x" * 2000)


def address_of(topup: dict[str, str]) -> str:
    return f"/api/topup/stream?tx_ref={topup['tx_ref']}"


async def over_both_protocols(
    service: Service, front: Front, listen: Callable[[Stream], Awaitable[None]]
) -> None:
    """`listen` to a stream over HTTP/1.1, and to another over HTTP/2. What comes before them takes
    no part in the idle limit of the proxy: a login may be slower.
    """
    async with http_client(service.url) as payer:
        account = {"username": f"payer-{secrets.token_hex(4)}", "password": PASSWORD}
        login = dict((await payer.post("/api/auth/register", json=account)).cookies)
        payer.cookies = httpx.Cookies(login)  # over HTTP as well
        answer = await payer.post("/api/topup/init", json={"amount": 50_000})
        assert answer.status_code == HTTPStatus.CREATED, answer.text

    async def over(http2: bool) -> None:
        async with http_client(front.url, verify=front.trust, http2=http2) as browser:
            browser.cookies = httpx.Cookies(login)
            async with browser.stream("GET", address_of(answer.json())) as response:
                await listen(Stream(response))

    await asyncio.gather(over(False), over(True))


@pytest.mark.alone
async def test_a_stream_begins_at_once_and_brings_each_payment_when_it_comes(
    payer: Payer, proxy: Front
) -> None:
    topup = await payer.topup(30_000)
    browser = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate, br"}
    async with (
        asyncio.timeout(FIRST_BYTE_SECONDS_MAX) as limit,
        payer.client.stream("GET", address_of(topup), headers=browser) as response,
    ):
        stream = Stream(response)
        await stream.begun()
        limit.reschedule(None)
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store, no-transform"
        assert "content-encoding" not in response.headers
        for seq in (3, 4, 5):
            assert await deliver(payer.client, proxy.url, webhook(topup, 10_000)) == HTTPStatus.OK
            await stream.until_seq(seq)
        assert await stream.rest() == []


async def test_a_stream_that_begins_with_much_is_not_compressed_either(
    start_proxy: StartProxy, front: Front
) -> None:
    """A small first piece can pass for not worth it; what was missed while away is not small."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
        writer.write(head + MUCH)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        start_proxy(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with (
            http_client(front.url, verify=front.trust) as browser,
            browser.stream("GET", address_of({"tx_ref": "T00000000"})) as response,
        ):
            assert "gzip" in response.request.headers["accept-encoding"]
            assert "content-encoding" not in response.headers
            assert await response.aread() == MUCH


@pytest.fixture(scope="module")
def beating_service(environment: dict[str, str], simulator: Service) -> Iterator[Service]:
    often = environment | {"NAPVI_STREAM_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS)}
    with starting_services(often, simulator) as start:
        yield start()


async def test_heartbeats_keep_a_stream_open_beyond_the_idle_limit(
    beating_service: Service, start_proxy: StartProxy, front: Front
) -> None:
    async def listen(stream: Stream) -> None:
        for _ in range(int(1.2 * IDLE_LIMIT_SECONDS / HEARTBEAT_SECONDS)):
            await stream.until(lambda message: message.event == "heartbeat")

    start_proxy(beating_service.address, idle_limit=f"{IDLE_LIMIT_SECONDS}s")
    await over_both_protocols(beating_service, front, listen)


async def test_a_stream_without_heartbeats_is_cut_at_the_idle_limit(
    service: Service, start_proxy: StartProxy, front: Front
) -> None:
    async def listen(stream: Stream) -> None:
        with suppress(httpx.RemoteProtocolError):  # Caddy 2.6 makes a clean end of it
            await stream.rest()  # which fails if it takes as long as a heartbeat

    start_proxy(service.address, idle_limit=f"{IDLE_LIMIT_SECONDS}s")
    await over_both_protocols(service, front, listen)


async def test_who_leaves_is_not_kept_at_napvi(
    payer: Payer, proxy: Front, service: Service
) -> None:
    topup = await payer.topup()
    async with AsyncExitStack() as open_streams:
        streams = []
        for _ in range(STREAMS):
            request = payer.client.stream("GET", address_of(topup))
            streams.append(Stream(await open_streams.enter_async_context(request)))
            await streams[-1].begun()
        before = connections_of(service)
        assert len(before) >= STREAMS
    await payer.client.aclose()
    await let_go(service, before, STREAMS)
