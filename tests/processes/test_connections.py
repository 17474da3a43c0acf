"""Clients that come and go: what they held of the service is free again."""

from pathlib import Path

import pytest

from tests.processes.payer import until
from tests.services import Service, StartService
from tests.web.line import client

pytestmark = pytest.mark.processes

VISITS = 50


def open_files(service: Service) -> int:
    return sum(1 for _ in Path(f"/proc/{service.pid}/fd").iterdir())


async def test_who_leaves_an_idle_connection_holds_no_file(start_service: StartService) -> None:
    """Hypercorn by itself would keep each of them until `keep_alive_timeout`."""
    service = start_service()
    before = open_files(service)
    for _ in range(VISITS):
        async with client(service.url) as visitor:
            assert (await visitor.get("/healthz")).status_code == 200

    async def most_are_free() -> bool:
        return open_files(service) < before + VISITS // 2

    await until(most_are_free)
