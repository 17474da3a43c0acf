"""While a new version is rolled out, processes of the one before work on the upgraded database."""

import asyncio
import io
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.database.migrate import migrate
from tests.payments import query
from tests.ports import held_port
from tests.processes.payer import Payer, deliver, http_client, log_in, until, webhook
from tests.services import PASSWORD, ROOT, Service, StartService
from tests.upgrade.conftest import Release, of_last_release
from tests.upgrade.history import PAYER

pytestmark = [pytest.mark.processes, of_last_release]

BALANCE_OF_OLD = 125_000
NEEDED = ("app", "sql", "hypercorn.toml", "pyproject.toml")


@pytest.fixture
def old_code(release: Release, tmp_path: Path) -> Path:
    """The files of that release, from the history of the project."""
    archive = ["git", "-C", str(ROOT), "archive", release.commit, "--", *NEEDED]
    done = subprocess.run(archive, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this copy has no commit {release.commit[:7]}: {done.stderr.decode()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def old(environment: dict[str, str], simulator: Service, old_code: Path) -> Iterator[Service]:
    """A process of that release, on its database, which it knows."""
    everything = {**environment, "PAYOS_BASE_URL": simulator.url}
    with held_port() as port:
        service = Service(everything, "serve", bind=f"127.0.0.1:{port}", code=old_code)
        try:
            yield service
        finally:
            service.stop()


@asynccontextmanager
async def payer_of_old(url: str) -> AsyncIterator[Payer]:
    """Somebody who has been a customer since before the upgrade."""
    async with http_client(url) as client:
        account = {"username": PAYER, "password": PASSWORD}
        answer = await client.post("/api/auth/login", json=account)
        assert answer.status_code == 200, answer.text
        yield Payer(client)


async def pays(payer: Payer, streamed_at: str, told_at: str) -> int:
    """A top-up whose stream and whose webhook are at these; returns its amount."""
    topup = await payer.topup()
    statuses = []
    async for message in payer.messages(topup["tx_ref"], at=streamed_at):
        statuses.append(message.json["status"])
        if statuses == ["pending"]:
            assert await deliver(payer.client, told_at, webhook(topup)) == 200
    assert statuses == ["pending", "confirmed"]
    return int(topup["amount"])


async def calls_off(payer: Payer) -> None:
    topup = await payer.topup()
    answer = await payer.client.post("/api/topup/cancel", json={"tx_ref": topup["tx_ref"]})
    assert answer.status_code == 200, answer.text
    status = await payer.client.get("/api/topup/status", params={"tx_ref": topup["tx_ref"]})
    assert status.json()["status"] == "cancelled"


async def test_old_processes_serve_on_while_the_database_is_upgraded_beneath_them(
    database_url: str, old: Service, start_service: StartService
) -> None:
    async with asyncio.timeout(150), payer_of_old(old.url) as payer:
        assert await payer.balance() == BALANCE_OF_OLD
        for _ in range(6):  # statements are prepared, and planned for the schema of before
            await pays(payer, old.url, old.url)
        before = await payer.balance()
        waiting = await payer.topup()
        stream = payer.messages(waiting["tx_ref"])
        assert (await anext(stream)).json["status"] == "pending"

        await migrate(database_url)

        assert await deliver(payer.client, old.url, webhook(waiting)) == 200
        assert [message.json["status"] async for message in stream] == ["confirmed"]
        new = start_service()
        paid = int(waiting["amount"])
        for streamed_at, told_at in ((old, old), (old, new), (new, old), (new, new)):
            paid += await pays(payer, streamed_at.url, told_at.url)
        await calls_off(payer)
        assert await payer.balance() == before + paid
        async with payer_of_old(new.url) as at_new, log_in(old.url) as newcomer:
            assert await at_new.balance() == before + paid
            assert await pays(newcomer, new.url, old.url) == await newcomer.balance()
            assert (await newcomer.client.post("/api/auth/logout", json={})).status_code == 204

        async def is_sealed() -> bool:
            return await query(database_url, "SELECT events FROM audit.seal_lag") == [(0,)]

        await until(is_sealed)  # until then what is that old looks like nobody will seal it
