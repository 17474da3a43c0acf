"""A start that cannot work ends at once: one sentence that names the setting and the remedy."""

import asyncio
import errno
import sys

import psycopg
import pytest

from app.cli import main
from tests.postgres import Postgres
from tests.processes.commands import command, shell
from tests.services import PayOS

pytestmark = pytest.mark.processes


NOWHERE = "postgresql://127.0.0.1:1/nowhere"
HURRIED = {"NAPVI_CONNECT_TIMEOUT_SECONDS": "1"}  # so long it tries to connect
SECRETS = ("PAYOS_CLIENT_ID", "PAYOS_API_KEY", "PAYOS_CHECKSUM_KEY", "NAPVI_SECRET_KEY")


@pytest.fixture
def serving(environment: dict[str, str]) -> dict[str, str]:
    """All that `serve` needs; the tests take something away."""
    return {**environment, "NAPVI_LOG_LEVEL": "error"}


async def refusal(environment: dict[str, str], *arguments: str) -> str:
    """The only thing that a command says before it ends with exit code 2."""
    code, said = await command(environment, *(arguments or ("serve", "--bind", "127.0.0.1:0")))
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith("napvi: ")
    return said


@pytest.mark.parametrize("setting", SECRETS)
async def test_a_missing_secret_is_named(setting: str, serving: dict[str, str]) -> None:
    del serving[setting]
    sentence = await refusal(serving)
    assert sentence.startswith(f"napvi: {setting}: is not set. ")
    assert "Copy it from" in sentence or "Set it to" in sentence


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("NAPVI_SECRET_KEY", "short", "long random text"),
        ("NAPVI_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("NAPVI_APPEND_BATCH_MAX", "1000", "docs/settings.md"),
        ("DATABASE_URL", NOWHERE, "Check that it runs"),
        ("NAPVI_COOKIE_SECURE", "true", "NAPVI_PUBLIC_URL: is not set."),
        ("DATABASE_URL", "", "is empty"),
        ("DATABASE_URL", "nonsense", "postgresql://user:password@host/database"),
        ("LISTEN_DATABASE_URL", NOWHERE, "Check"),
        ("NAPVI_POSTGRES_BIN", "/nonexistent", "bin directory"),
    ],
)
async def test_a_wrong_value_is_named_with_its_remedy(
    setting: str, value: str, remedy: str, serving: dict[str, str]
) -> None:
    serving[setting] = value
    if (setting, value) == ("DATABASE_URL", NOWHERE):
        serving |= HURRIED
    if setting == "NAPVI_POSTGRES_BIN":
        del serving["DATABASE_URL"]
    sentence = await refusal(serving)
    assert setting in sentence
    assert remedy in sentence


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("DATABASE_URL", "postgres//napvi:SECRETPW@127.0.0.1:1/db"),
        ("LISTEN_DATABASE_URL", "postgresql://napvi:TOP@SECRETPW@127.0.0.1:1/db"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/db?passwrod=SECRETPW"),
        ("LISTEN_DATABASE_URL", "host=127.0.0.1 password=TOP SECRETPW"),
    ],
)
async def test_an_address_that_is_none_is_told_without_its_password(
    setting: str, address: str, serving: dict[str, str]
) -> None:
    """libpq repeats what it cannot read."""
    serving[setting] = address
    sentence = await refusal(serving)
    assert sentence.startswith(f"napvi: {setting}: is not an address.")
    assert "SECRETPW" not in sentence


@pytest.mark.parametrize(
    "arguments", [("serve", "--bind", "127.0.0.1:0"), ("reconcile",), ("recover",)]
)
async def test_a_database_without_the_schema_is_refused(
    arguments: tuple[str, ...], empty_database_url: str, serving: dict[str, str]
) -> None:
    serving["DATABASE_URL"] = empty_database_url
    assert "Run `python -m app migrate`" in await refusal(serving, *arguments)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_cannot_hold_every_name_is_refused(
    encoding: str, postgres: Postgres, serving: dict[str, str]
) -> None:
    locale = "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
    with psycopg.connect(postgres.url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE old ENCODING {encoding} {locale}".encode())
        try:
            serving["DATABASE_URL"] = postgres.url("old")
            for arguments in (("migrate",), ("serve", "--bind", "127.0.0.1:0")):
                sentence = await refusal(serving, *arguments)
                assert f"the database has the encoding {encoding}, not UTF8." in sentence
                assert "ENCODING 'UTF8' TEMPLATE template0" in sentence
        finally:
            superuser.execute("DROP DATABASE old WITH (FORCE)")


@pytest.mark.breaks_the_laws
async def test_a_database_newer_than_the_code_is_refused(
    database_url: str, serving: dict[str, str]
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO topup.schema_files (path, sha256)"
            " VALUES ('migrations/9999_tomorrow.sql', sha256('tomorrow'))"
        )
    assert "ahead of the code" in await refusal(serving)
    assert "9999_tomorrow" in await refusal(serving, "migrate")


async def test_listening_through_a_transaction_pooler_is_refused(
    pooler_url: str, serving: dict[str, str]
) -> None:
    serving["LISTEN_DATABASE_URL"] = pooler_url
    serving["NAPVI_LISTENER_ECHO_TIMEOUT_SECONDS"] = "1"
    assert "LISTEN_DATABASE_URL" in await refusal(serving)


async def test_an_address_in_use_is_refused(simulator: PayOS, serving: dict[str, str]) -> None:
    address = simulator.url.removeprefix("http://")
    for name in ("serve", "simulator", "demo"):
        sentence = await refusal(serving, name, "--bind", address)
        assert f"{address} cannot be used: Address already in use" in sentence
        assert "--bind HOST:PORT" in sentence


@pytest.mark.parametrize(
    ("name", "bind", "complaint"),
    [
        (
            "serve",
            "127.0.0.1:99999",
            "127.0.0.1:99999 cannot be used: bind(): port must be 0-65535.",
        ),
        ("demo", "8000", "8000 is no HOST:PORT."),
    ],
)
async def test_an_address_that_is_none_is_refused(
    name: str, bind: str, complaint: str, serving: dict[str, str]
) -> None:
    sentence = await refusal(serving, name, "--bind", bind)
    assert sentence.startswith(f"napvi: --bind: {complaint}")


async def test_a_number_of_workers_that_is_none_is_refused(serving: dict[str, str]) -> None:
    """Others are in test_sockets.py."""
    sentence = await refusal(serving, "serve", "--bind", "127.0.0.1:0", "--workers", "-1")
    assert sentence.startswith("napvi: --workers: '-1' is no number from 1 to 64. ")


async def test_what_every_worker_refuses_is_said_once(serving: dict[str, str]) -> None:
    serving |= HURRIED | {"DATABASE_URL": NOWHERE}
    assert "Check that it runs" in await refusal(
        serving, "serve", "--bind", "127.0.0.1:0", "--workers", "3"
    )


MALFORMED = "postgres//u:secretpw@h/db?x=1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres://u:secret@pw@h/db", "audit"),
        *((MALFORMED, command) for command in ("audit", "rebuild", "schema", "export --since 0")),
        *((MALFORMED, command) for command in ("checkpoint", "postgres psql")),
    ],
)
async def test_a_malformed_address_is_told_without_its_password(
    url: str, words: str, environment: dict[str, str]
) -> None:
    sentence = await refusal(environment | {"DATABASE_URL": url}, *words.split())
    assert "DATABASE_URL: is not an address." in sentence
    assert "secret" not in sentence
    assert "pw@" not in sentence


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("suspense list --limit 99999999999999999999", "--limit"),
        ("recover --from 99999999999999999999", "--from"),
        ("recover --from 9007199254740990", "--from"),
        ("export --since 0 --wait nan", "--wait"),
        ("migrate --wait nan", "--wait"),
        ("webhook confirm --patience nan https://localhost/api/payos/webhook", "--patience"),
        ("simulator --patience nan", "--patience"),
    ],
)
async def test_a_number_that_is_none_or_too_large_is_refused_by_name(
    words: str, option: str, environment: dict[str, str]
) -> None:
    code, said = await command(environment, *words.split())
    assert (code, option in said) == (2, True), said


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EADDRINUSE, None])
def test_what_is_wrong_with_no_file_keeps_its_traceback(
    number: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OSError(number, "nobody expected this")

    monkeypatch.setattr("app.cli.commands", fail)
    with pytest.raises(OSError, match="nobody expected this"):
        main()


def test_a_full_disk_is_told_also_where_there_is_no_output(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.cli.commands", fail)
    monkeypatch.setattr("sys.stdout", None)  # as after >&-
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capfd.readouterr().err == "napvi: No space left on device.\n"


async def test_an_output_that_takes_nothing_is_told_in_a_sentence(
    environment: dict[str, str],
) -> None:
    for words in ("suspense list", "audit", "checkpoint", "export --since 0 --format csv"):
        line = f"exec '{sys.executable}' -m app {words} > /dev/full"
        done = await asyncio.to_thread(shell, environment, line)
        assert (done.returncode, "Exception" in done.stderr) == (2, False), done.stderr
        assert done.stderr.splitlines()[-1] == "napvi: No space left on device."
