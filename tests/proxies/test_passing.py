"""What passes a proxy, what does not, and what napvi can tell of the browser in front of it."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from app.errors import TooBusy
from tests.processes.payer import Payer, http_client
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.services import PASSWORD, Service

pytestmark = pytest.mark.processes

WEBHOOK_BYTES_MAX = 64 * 1024
BURST = 20
COMPRESSED = ("/wallet", "/static/topup-stream.js", "/openapi.json")
INSIDE = ("/metrics", "/metrics?x", "//metrics", "/%6detrics", "/./metrics", "/x/../metrics")


async def test_a_login_gets_a_cookie_that_travels_over_https_only(payer: Payer) -> None:
    account = {"username": "lan.nguyen", "password": PASSWORD}
    await payer.client.post("/api/auth/register", json=account)
    answer = await payer.client.post("/api/auth/login", json=account)
    assert answer.status_code == HTTPStatus.OK
    cookie = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= cookie
    name = answer.headers["set-cookie"].partition("=")[0]
    assert name == "__Host-napvi_session"
    document = (await payer.client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["login"]["name"] == name
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("start_proxy", ["nginx"], indirect=True)  # Caddy has no module for it
async def test_nginx_lets_one_address_log_in_only_so_often(
    start_proxy: StartProxy, service: Service, front: Front
) -> None:
    """Not over HTTP/2: an answer before the end of the request breaks off the client's others."""
    start_proxy(service.address)
    async with http_client(front.url, verify=front.trust) as client:
        posts = (client.post("/api/auth/logout", json={}) for _ in range(100))
        answers = await asyncio.gather(*posts)
        assert sum(answer.status_code == HTTPStatus.NO_CONTENT for answer in answers) > BURST
        refused = [answer for answer in answers if answer.status_code != HTTPStatus.NO_CONTENT]
        assert refused
        for answer in refused:
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json() == TooBusy().document()
            assert answer.headers["retry-after"] == "5"
            assert "strict-transport-security" in answer.headers
        assert (await client.get("/login")).is_success


async def test_pages_scripts_and_json_are_compressed(payer: Payer) -> None:
    for path in COMPRESSED:
        answer = await payer.client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == HTTPStatus.OK
        assert answer.headers["content-encoding"] == "gzip", path
        assert "accept-encoding" in answer.headers["vary"].lower()


async def test_writes_are_taken_from_our_own_pages_only(payer: Payer, proxy: Front) -> None:
    """Of a browser that sends no Sec-Fetch-Site: its Origin has to be the Host that napvi sees."""
    for origin, status in ((proxy.url, 201), ("https://localhost", 403)):
        answer = await payer.client.post(
            "/api/topup/init", json={"amount": 50_000}, headers={"Origin": origin}
        )
        assert answer.status_code == status, origin


async def test_a_visit_over_plain_http_ends_at_the_wallet_over_https(
    payer: Payer, proxy: Front
) -> None:
    async with http_client(f"http://localhost:{proxy.http_port}") as client:
        answer = await client.get("/?lang=en")
    assert answer.status_code == HTTPStatus.PERMANENT_REDIRECT
    location = httpx.URL(answer.headers["location"])
    assert location.copy_with(port=None) == "https://localhost/?lang=en"
    answer = await payer.client.get(location.raw_path.decode(), follow_redirects=True)
    assert answer.status_code == HTTPStatus.OK
    assert str(answer.url) == f"{proxy.url}/wallet"


async def test_metrics_are_not_for_the_world(proxy: Front) -> None:
    async with http_client(proxy.url, verify=proxy.trust) as client:
        for target in INSIDE:
            extensions = {"target": target.encode()}  # as it is: httpx would tidy it up
            answer = await client.get("/", extensions=extensions)
            assert answer.status_code == HTTPStatus.NOT_FOUND, target
            assert "json" not in answer.headers.get("content-type", ""), "napvi was asked"


async def test_a_body_larger_than_napvi_takes_is_refused(proxy: Front) -> None:
    async def chunks(size: int) -> AsyncIterator[bytes]:
        yield b" " * size

    async with http_client(proxy.url, verify=proxy.trust) as payos:
        for size, status in (
            (WEBHOOK_BYTES_MAX, HTTPStatus.BAD_REQUEST),  # napvi's answer to a body of spaces
            (WEBHOOK_BYTES_MAX + 1, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
            (100 * 1024, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        ):
            for body in (b" " * size, chunks(size)):
                answer = await payos.post("/api/payos/webhook", content=body)
                assert answer.status_code == status, (size, type(body))
                asked = "json" in answer.headers.get("content-type", "")
                assert asked is (status == HTTPStatus.BAD_REQUEST), "who answers"
