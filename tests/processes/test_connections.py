"""Clients that come and go: what they held of the service is free again."""

import re
from pathlib import Path

import pytest

from app.settings import Settings
from tests.payments import query
from tests.processes.payer import until
from tests.services import ROOT, Service, StartService
from tests.web.line import client

pytestmark = pytest.mark.processes

VISITS = 50
README = ROOT / "README.md"
LISTENER = 1
CLIENTS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'test' AND pid <> pg_backend_pid()"


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


async def test_a_worker_holds_as_many_connections_to_the_database_as_the_readme_says(
    start_service: StartService, database_url: str
) -> None:
    said = re.search(r"holds (\d+) connections, (\d+) at most", README.read_text("utf-8"))
    assert said
    settings = Settings.model_fields
    pools = ("database_connections", "append_connections")
    assert int(said[2]) == sum(settings[name].default for name in pools) + LISTENER
    start_service()

    async def all_are_there() -> bool:
        return await query(database_url, CLIENTS) == [(int(said[1]),)]

    await until(all_are_there)
