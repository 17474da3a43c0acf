"""`webhook confirm`: PayOS calls a running napvi while it is asked, and every usual obstacle is
told with its remedy.

One napvi and one PayOS for all of them: none changes anything that another one asks for.
"""

import re
import threading
from collections.abc import Iterator

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from app.http.request_rules import WEBHOOK_PATH as PATH
from tests.elsewhere import elsewhere
from tests.ports import held_port
from tests.postgres import Postgres, check_the_laws
from tests.processes.commands import command
from tests.services import (
    CHECKSUM_KEY,
    Service,
    StartService,
    environment_on,
    running_simulator,
    starting_services,
)

pytestmark = pytest.mark.processes

OTHER_KEY = "0ddba11f" * 8
RING = r"event=simulator.webhook order_code=123 kind=\w+ complaint=None"


@pytest.fixture(scope="module")
def database_url(postgres: Postgres, schema: NoopExecutor) -> Iterator[str]:
    with postgres.database("confirm", schema.template_dbname) as url:
        yield url
        check_the_laws(url)


@pytest.fixture(scope="module")
def simulator(database_url: str) -> Iterator[Service]:
    with running_simulator(environment_on(database_url)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def napvi(database_url: str, simulator: Service) -> Iterator[Service]:
    with starting_services(environment_on(database_url), simulator) as start:
        yield start()


@pytest.fixture
def shell(environment: dict[str, str], simulator: Service) -> dict[str, str]:
    """Where the command is given."""
    return {**environment, "PAYOS_BASE_URL": simulator.url}


async def test_payos_rings_while_it_is_asked_and_tells_of_payments_from_then_on(
    shell: dict[str, str], napvi: Service, simulator: Service, database_url: str
) -> None:
    url = napvi.url + PATH
    rung = len(re.findall(RING, simulator.output))
    code, said = await command(shell, "webhook", "confirm", url)
    assert code == 0, said
    assert f"PayOS tells {url} of every payment into account …" in said
    assert "leads nowhere from outside" in said
    simulator.wait_for(f"(?s)({RING}.*){{{rung + 1}}}")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM topup.events").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM topup.payos_bodies").fetchone() == (0,)


async def test_a_ping_that_payos_signs_with_another_key_is_told_before_payos_is_asked(
    shell: dict[str, str], napvi: Service
) -> None:
    shell["PAYOS_CHECKSUM_KEY"] = OTHER_KEY
    with held_port() as port:
        shell["PAYOS_BASE_URL"] = f"http://127.0.0.1:{port}"  # who asked there would say so
        code, said = await command(shell, "webhook", "confirm", napvi.url + PATH)
    assert code == 2, said
    assert "PAYOS_CHECKSUM_KEY of the running napvi is not the one that is set here" in said


async def test_a_key_that_is_not_that_of_the_channel_is_told(
    shell: dict[str, str], environment: dict[str, str], start_service: StartService
) -> None:
    environment["PAYOS_CHECKSUM_KEY"] = shell["PAYOS_CHECKSUM_KEY"] = OTHER_KEY
    code, said = await command(shell, "webhook", "confirm", start_service().url + PATH)
    assert code == 2
    assert "PAYOS_CHECKSUM_KEY of the running napvi is not that of this channel" in said


@pytest.mark.parametrize("setting", ["PAYOS_CLIENT_ID", "PAYOS_API_KEY"])
async def test_credentials_that_payos_does_not_know_are_told(
    setting: str, shell: dict[str, str], napvi: Service
) -> None:
    shell[setting] = "somebody-else"
    code, said = await command(shell, "webhook", "confirm", napvi.url + PATH)
    assert (code, "code 214" in said) == (2, True), said


@pytest.mark.parametrize(("status", "told"), [(302, "redirect"), (503, "fails (503)")])
async def test_what_payos_met_is_told_when_nobody_rang_from_here(
    status: int, told: str, shell: dict[str, str]
) -> None:
    with elsewhere(status, ("Location", "/")) as url:
        code, said = await command(shell, "webhook", "confirm", url, "--no-check")
    assert (code, told in said) == (2, True), said
    assert f"(Request failed with status code {status})" in said


async def test_who_never_answers_is_told(shell: dict[str, str]) -> None:
    with elsewhere(asleep=threading.Event()) as url:
        code, said = await command(shell, "webhook", "confirm", url, "--patience", "0.2")
    assert (code, "no answer came in time" in said) == (2, True), said


async def test_where_nobody_listens_is_told_from_here_and_by_payos(shell: dict[str, str]) -> None:
    with held_port() as port:
        url = f"http://127.0.0.1:{port}{PATH}"
        for options in ([], ["--no-check"]):
            code, said = await command(shell, "webhook", "confirm", url, *options)
            assert (code, "no connection can be made" in said) == (2, True), said


async def test_a_host_that_does_not_exist_is_told(shell: dict[str, str]) -> None:
    code, said = await command(shell, "webhook", "confirm", f"https://napvi.invalid{PATH}")
    assert (code, "host name is unknown" in said) == (2, True), said


async def test_payos_that_does_not_answer_is_told(shell: dict[str, str], napvi: Service) -> None:
    with held_port() as port:
        shell["PAYOS_BASE_URL"] = f"http://127.0.0.1:{port}"
        code, said = await command(shell, "webhook", "confirm", napvi.url + PATH)
    assert (code, "PayOS did not answer. Check that this machine reaches" in said) == (2, True)


async def test_payos_that_takes_no_more_calls_is_told(shell: dict[str, str]) -> None:
    with elsewhere(429, ("Retry-After", "7")) as url:
        shell["PAYOS_BASE_URL"] = url.removesuffix(PATH)
        code, said = await command(shell, "webhook", "confirm", url, "--no-check")
    assert (code, "PayOS takes no more calls for now" in said, "in 7 s" in said) == (2, True, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"http://shop.example{PATH}", f"Write https://shop.example{PATH}."),
        ("shop.example", "is no URL with a host"),
        ("https://shop.example:99999/", "is no URL with a host"),
        ("https://[::1/", "is no URL with a host"),
    ],
)
async def test_an_address_that_payos_cannot_use_is_refused(
    url: str, told: str, shell: dict[str, str]
) -> None:
    code, said = await command(shell, "webhook", "confirm", url)
    assert (code, told in said) == (2, True), said


async def test_another_path_than_that_of_napvi_is_doubted(
    shell: dict[str, str], napvi: Service
) -> None:
    code, said = await command(shell, "webhook", "confirm", napvi.url)
    assert (code, "the path is /, and napvi's is" in said, "(405)" in said) == (2, True, True), said


async def test_nothing_secret_is_said(shell: dict[str, str], napvi: Service) -> None:
    _, said = await command(shell, "webhook", "confirm", napvi.url + PATH)
    assert CHECKSUM_KEY not in said
    assert shell["PAYOS_API_KEY"] not in said
