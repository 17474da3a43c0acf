"""napvi and the PayOS simulator as processes of their own, the way an operator runs them.

- `environment`    what both need to be told; a test may change it before it starts one
- `simulator`      a PayOS, at `simulator.url`
- `start_service`  starts a `serve` with options on the test's database, as often as it is called
- `service`        one of them, registered at the simulator
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from app.payos.simulator.wire import PAYER
from app.processes import die_with_parent
from tests.ports import held_port

ROOT = Path(__file__).resolve().parent.parent
SECONDS_MAX = 45.0
SERVING = re.compile(r"event=server\.serving address=(\S+)")

CHANNEL = "client-1"
CHECKSUM_KEY = "f00dbabe" * 8
CREDENTIALS = {"x-client-id": CHANNEL, "x-api-key": "made-up-api-key"}
SECRET_KEY = "made-up-secret-key-of-forty-characters--"
PASSWORD = "một mật khẩu dài"
NEVER_SAID = (
    CHECKSUM_KEY,
    CREDENTIALS["x-api-key"],
    SECRET_KEY,
    PASSWORD,
    str(PAYER["counterAccountName"]),
    str(PAYER["counterAccountNumber"]),
)


class Process:
    """`python -m app …`, which dies with the test run, and everything it says.

    `code`: the directory whose `app` and `sql` it is, this one unless another release is meant.
    """

    def __init__(self, environment: Mapping[str, str], *arguments: str, code: Path = ROOT) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._lines: list[str] = []
        self._silent_for_ever = False
        self._news = threading.Condition()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=code,
            env={**inherited, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        with self._news:
            return "".join(self._lines)

    def wait_for(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """The first match in the output. Fails when the process ends without one."""

        with self._news:
            self._news.wait_for(
                lambda: self._silent_for_ever or re.search(pattern, "".join(self._lines)),
                SECONDS_MAX,
            )
        match = re.search(pattern, self.output)
        assert match, f"{pattern} was not said:\n{self.output}"
        return match

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = SECONDS_MAX) -> int:
        """The exit code, once everything that was said has been read."""
        code = self._popen.wait(seconds)
        self._reader.join(seconds)
        return code

    def stop(self) -> None:
        """Ends it the way an operator does, if it still runs, and insists on a clean end."""
        try:
            self.send(signal.SIGTERM)
            code = self.wait()
        finally:
            self.close()
        assert code == 0, self.output
        assert "Traceback" not in self.output, self.output
        assert not [secret for secret in NEVER_SAID if secret in self.output], self.output

    def close(self) -> None:
        """Leaves nothing behind, however the test went."""
        self._popen.kill()
        self._popen.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as stdout:
            for line in stdout:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._silent_for_ever = True
            self._news.notify_all()


class Service(Process):
    """A process that serves HTTP at `address`, HOST:PORT."""

    def __init__(
        self,
        environment: Mapping[str, str],
        command: str,
        *options: str,
        bind: str = "127.0.0.1:0",
        code: Path = ROOT,
    ) -> None:
        super().__init__(environment, command, "--bind", bind, *options, code=code)
        try:
            self.address = self.wait_for(SERVING)[1]
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        return f"http://{self.address}"


class PayOS(Protocol):
    """A simulator, wherever it runs."""

    @property
    def url(self) -> str: ...


class StartService(Protocol):
    """Another one, at a port kept until the test ends, or at `bind`, where an earlier one was."""

    def __call__(self, *options: str, bind: str | None = ...) -> Service: ...


def environment_on(database_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "PAYOS_CLIENT_ID": CHANNEL,
        "PAYOS_API_KEY": CREDENTIALS["x-api-key"],
        "PAYOS_CHECKSUM_KEY": CHECKSUM_KEY,
        "NAPVI_SECRET_KEY": SECRET_KEY,
        "NAPVI_COOKIE_SECURE": "false",
        "NAPVI_TOPUPS_OPEN_MAX": "1000",
    }


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return environment_on(database_url)


@contextmanager
def running_simulator(environment: Mapping[str, str]) -> Iterator[Service]:
    simulator = Service(environment, "simulator")
    yield simulator
    simulator.stop()


@contextmanager
def starting_services(environment: Mapping[str, str], simulator: PayOS) -> Iterator[StartService]:
    """They end, as they should, when it does."""
    with ExitStack() as started:

        def start(*options: str, bind: str | None = None) -> Service:
            address = bind or f"127.0.0.1:{started.enter_context(held_port())}"
            everything = {**environment, "PAYOS_BASE_URL": simulator.url}
            service = Service(everything, "serve", *options, bind=address)
            started.callback(service.stop)
            return service

        yield start


@pytest.fixture
def simulator(environment: dict[str, str]) -> Iterator[Service]:
    with running_simulator(environment) as simulator:
        yield simulator


@pytest.fixture
def start_service(environment: dict[str, str], simulator: PayOS) -> Iterator[StartService]:
    with starting_services(environment, simulator) as start:
        yield start


@pytest.fixture
def service(start_service: StartService, simulator: PayOS) -> Service:
    service = start_service()
    register_webhook(simulator, service)
    return service


def register_webhook(simulator: PayOS, service: Service) -> None:
    """From now on the simulator reports payments to `service`."""
    registered = httpx.post(
        f"{simulator.url}/confirm-webhook",
        json={"webhookUrl": f"{service.url}/api/payos/webhook"},
        headers=CREDENTIALS,
        trust_env=False,
        timeout=SECONDS_MAX,
    )
    assert registered.json()["code"] == "00", registered.text
