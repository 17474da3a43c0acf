"""`python -m app demo`: a first impression that works, comes back, and leaves nothing running."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.database.embedded.places import default_run_dir
from tests.processes.descendants import alive, descendants
from tests.processes.payer import Payer, http_client, until
from tests.services import Process

pytestmark = pytest.mark.processes

WELCOME = r"(http://\S+)/wallet/topup\n +demo / (\S+)"
SECOND_START_SECONDS_MAX = 15.0


class Demo(Process):
    def __init__(self, data_dir: Path) -> None:
        super().__init__({"NAPVI_DATA_DIR": str(data_dir)}, "demo", "--bind", "127.0.0.1:0")

    async def log_in(self, client: httpx.AsyncClient) -> Payer:
        """With what the demo says about itself."""
        url, password = self.wait_for(WELCOME).groups()
        client.base_url = url
        account = {"username": "demo", "password": password}
        assert (await client.post("/api/auth/login", json=account)).status_code == 200
        return Payer(client)


StartDemo = Callable[[], Demo]


@pytest.fixture
def data_dir(short_dir: Path) -> Iterator[Path]:
    data_dir = short_dir / "napvi"
    yield data_dir
    shutil.rmtree(default_run_dir(data_dir), ignore_errors=True)


@pytest.fixture
def start_demo(data_dir: Path) -> Iterator[StartDemo]:
    with ExitStack() as started:

        def start() -> Demo:
            demo = Demo(data_dir)
            started.callback(demo.close)
            return demo

        yield start


@pytest.mark.alone
async def test_a_payment_in_the_demo_arrives_by_itself_and_is_there_after_a_restart(
    start_demo: StartDemo, data_dir: Path
) -> None:
    demo = start_demo()
    async with http_client() as browser:
        payer = await demo.log_in(browser)
        topup = await payer.topup(50_000)
        payos_url = topup["checkout_url"].partition("/web/")[0]
        statuses = []
        async for message in payer.messages(topup["tx_ref"]):
            statuses.append(message.json["status"])
            if statuses == ["pending"]:
                await browser.post(f"{payos_url}/simulator/links/{topup['order_code']}/pay")
        assert statuses == ["pending", "confirmed"]
    assert (data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
    demo.send(signal.SIGINT)
    assert demo.wait() == 0, demo.output

    started = time.monotonic()
    demo = start_demo()
    async with http_client() as browser:
        payer = await demo.log_in(browser)
        assert time.monotonic() - started < SECOND_START_SECONDS_MAX
        assert await payer.balance() == 50_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_whatever_ends_the_demo_nothing_goes_on_running(
    number: signal.Signals, start_demo: StartDemo
) -> None:
    demo = start_demo()
    demo.wait_for(WELCOME)
    started = descendants(demo.pid)
    assert started, "PostgreSQL is missing"
    demo.send(number)
    assert demo.wait() == (-9 if number == signal.SIGKILL else 0), demo.output

    async def gone() -> bool:
        return not any(alive(pid) for pid in started)

    await until(gone)


def test_a_password_that_was_lost_is_admitted(start_demo: StartDemo, data_dir: Path) -> None:
    demo = start_demo()
    demo.wait_for(WELCOME)
    demo.send(signal.SIGTERM)
    demo.wait()
    (data_dir / "demo.json").unlink()
    demo = start_demo()
    assert demo.wait() == 2
    assert "napvi: The login `demo` exists with a password" in demo.output
    assert "Traceback" not in demo.output


def test_a_second_demo_on_the_same_data_is_refused(start_demo: StartDemo) -> None:
    first = start_demo()
    first.wait_for(WELCOME)
    second = start_demo()
    assert second.wait() == 2
    assert f"in use by process {first.pid}" in second.output
