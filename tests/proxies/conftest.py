"""napvi as it is installed: reached only over HTTPS, through a proxy.

What starts slowly is there once for all tests of a file; each has payers of its own in it.

- `service`      behind `proxy`; `start_service` starts others, and `environment` is that of all
- `proxy`        in front of `service`; each test runs with nginx and with Caddy
- `payer`        logged in through it; once over HTTP/1.1 and once over HTTP/2
- `front`        where a proxy of one test will listen
- `start_proxy`  starts one there, in front of the services named
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.postgres import Postgres, check_the_laws, short_directory
from tests.processes.payer import Payer, log_in
from tests.proxies.front import IDLE_LIMIT, Front, held_front, running_proxy
from tests.services import Service, environment_on, running_simulator, starting_services

PROXIES = ("nginx", "caddy")


class StartProxy(Protocol):
    def __call__(self, *upstreams: str, idle_limit: str = ...) -> None: ...


@pytest.fixture(scope="module")
def database_url(postgres: Postgres, schema: NoopExecutor) -> Iterator[str]:
    with postgres.database("proxies", schema.template_dbname) as url:
        yield url
        check_the_laws(url)


@pytest.fixture(scope="module")
def entrance() -> Iterator[Front]:
    """Where `proxy` listens."""
    with short_directory() as directory, held_front(directory) as front:
        yield front


@pytest.fixture(scope="module")
def environment(database_url: str, entrance: Front) -> dict[str, str]:
    return environment_on(database_url) | {
        "NAPVI_PUBLIC_URL": entrance.url,
        "NAPVI_COOKIE_SECURE": "true",
    }


@pytest.fixture(scope="module")
def simulator(environment: dict[str, str]) -> Iterator[Service]:
    with running_simulator(environment) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def service(environment: dict[str, str], simulator: Service) -> Iterator[Service]:
    with starting_services(environment, simulator) as start:
        yield start()


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, entrance: Front, service: Service) -> Iterator[Front]:
    """Of nginx, the tests of a file may ask for 20 logins at once, and for two more each second."""
    with running_proxy(request.param, entrance, [service.address], IDLE_LIMIT):
        yield entrance


@pytest.fixture
def front(short_dir: Path) -> Iterator[Front]:
    with held_front(short_dir) as front:
        yield front


@pytest.fixture(params=PROXIES)
def start_proxy(request: pytest.FixtureRequest, front: Front) -> Iterator[StartProxy]:
    with ExitStack() as started:

        def start(*upstreams: str, idle_limit: str = IDLE_LIMIT) -> None:
            started.enter_context(running_proxy(request.param, front, upstreams, idle_limit))

        yield start


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def payer(request: pytest.FixtureRequest, proxy: Front) -> AsyncIterator[Payer]:
    http2 = request.param == "HTTP/2"
    async with log_in(proxy.url, verify=proxy.trust, http2=http2) as payer:
        assert (await payer.client.get("/healthz")).http_version == request.param
        yield payer
