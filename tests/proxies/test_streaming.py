"""The stream through a proxy: at once, frame by frame, and for as long as it takes."""

import asyncio
from contextlib import AsyncExitStack, suppress
from http import HTTPStatus

import httpx
import pytest

from tests.processes.payer import Payer, deliver, http_client, log_in, until, webhook
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.proxies.sockets import connections_of
from tests.services import Service, StartService
from tests.web.event_stream import Stream

pytestmark = pytest.mark.processes

FIRST_BYTE_SECONDS_MAX = 5.0  # long before the first heartbeat
IDLE_LIMIT_SECONDS = 3  # of the proxy, instead of 45
HEARTBEAT_SECONDS = 0.5  # instead of 30
STREAMS = 5
MUCH = b": %s\n\n" % (b"x" * 2000)


def address_of(topup: dict[str, str]) -> str:
    return f"/api/topup/stream?tx_ref={topup['tx_ref']}"


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


@pytest.mark.parametrize("http2", [False, True])
async def test_heartbeats_keep_a_stream_open_beyond_the_idle_limit(
    environment: dict[str, str],
    start_service: StartService,
    start_proxy: StartProxy,
    front: Front,
    http2: bool,
) -> None:
    environment["NAPVI_STREAM_HEARTBEAT_SECONDS"] = str(HEARTBEAT_SECONDS)
    start_proxy(start_service().address, idle_limit=f"{IDLE_LIMIT_SECONDS}s")
    async with (
        log_in(front.url, verify=front.trust, http2=http2) as payer,
        payer.client.stream("GET", address_of(await payer.topup())) as response,
    ):
        stream = Stream(response)
        for _ in range(int(1.5 * IDLE_LIMIT_SECONDS / HEARTBEAT_SECONDS)):
            await stream.until(lambda message: message.event == "heartbeat")


@pytest.mark.parametrize("http2", [False, True])
async def test_a_stream_without_heartbeats_is_cut_at_the_idle_limit(
    service: Service, start_proxy: StartProxy, front: Front, http2: bool
) -> None:
    start_proxy(service.address, idle_limit=f"{IDLE_LIMIT_SECONDS}s")
    async with (
        log_in(front.url, verify=front.trust, http2=http2) as payer,
        payer.client.stream("GET", address_of(await payer.topup())) as response,
    ):
        with suppress(httpx.RemoteProtocolError):  # Caddy 2.6 makes a clean end of it
            await Stream(response).rest()  # which fails if it takes as long as a heartbeat


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
        assert before >= STREAMS
    await payer.client.aclose()

    async def gone() -> bool:
        return connections_of(service) <= before - STREAMS

    await until(gone)
