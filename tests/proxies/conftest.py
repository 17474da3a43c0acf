"""napvi as it is installed: reached only over HTTPS, through a proxy.

- `front`        where the proxy will listen
- `environment`  tells napvi so
- `start_proxy`  starts one, in front of the services named
- `proxy`        in front of `service`; each test runs with nginx and with Caddy
- `payer`        logged in through it; once over HTTP/1.1 and once over HTTP/2
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.processes.payer import Payer, log_in
from tests.proxies.front import IDLE_LIMIT, Front, held_front, running_proxy
from tests.services import Service


class StartProxy(Protocol):
    def __call__(self, *upstreams: str, idle_limit: str = ...) -> None: ...


@pytest.fixture
def front(short_dir: Path) -> Iterator[Front]:
    with held_front(short_dir) as front:
        yield front


@pytest.fixture
def environment(environment: dict[str, str], front: Front) -> dict[str, str]:
    return {**environment, "NAPVI_PUBLIC_URL": front.url, "NAPVI_COOKIE_SECURE": "true"}


@pytest.fixture(params=["nginx", "caddy"])
def start_proxy(request: pytest.FixtureRequest, front: Front) -> Iterator[StartProxy]:
    with ExitStack() as started:

        def start(*upstreams: str, idle_limit: str = IDLE_LIMIT) -> None:
            started.enter_context(running_proxy(request.param, front, upstreams, idle_limit))

        yield start


@pytest.fixture
def proxy(start_proxy: StartProxy, service: Service, front: Front) -> Front:
    start_proxy(service.address)
    return front


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def payer(request: pytest.FixtureRequest, proxy: Front) -> AsyncIterator[Payer]:
    http2 = request.param == "HTTP/2"
    async with log_in(proxy.url, verify=proxy.trust, http2=http2) as payer:
        assert (await payer.client.get("/healthz")).http_version == request.param
        yield payer
