"""Whether this process lives, and whether it may be sent traffic."""

import asyncio

import pytest

from tests.payments import query
from tests.stream.relay import Relay
from tests.web.line import PATIENCE_SECONDS
from tests.web.service import Napvi, running

GOOD = {"database": True, "migrations": True, "listener": True, "accepting": True}
FORGET_THE_LATEST = """
    DELETE FROM topup.schema_files
    WHERE path = (SELECT max(path) FROM topup.schema_files WHERE path LIKE 'migrations/%%')
    RETURNING path, sha256
"""
REMEMBER = "INSERT INTO topup.schema_files VALUES (%s, %s) RETURNING path"
ALIVE = (200, {"status": "ok"})
READY = (200, {"status": "ok", "checks": GOOD})


def unready(*checks: str) -> tuple[int, object]:
    return 503, {"status": "unready", "checks": GOOD | dict.fromkeys(checks, False)}


async def ask(napvi: Napvi, path: str) -> tuple[int, object]:
    async with napvi.visitor() as visitor:
        answer = await visitor.get(path)
    return answer.status_code, answer.json()


async def becomes(napvi: Napvi, readiness: tuple[int, object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await ask(napvi, "/readyz") != readiness:
            pass


async def test_a_service_that_serves_is_alive_and_ready(napvi: Napvi) -> None:
    assert await ask(napvi, "/healthz") == ALIVE
    assert await ask(napvi, "/readyz") == READY


async def test_a_service_that_drains_is_alive_and_not_ready(napvi: Napvi) -> None:
    napvi.app.turn_away()
    assert await ask(napvi, "/healthz") == ALIVE
    assert await ask(napvi, "/readyz") == unready("accepting")


async def test_a_service_whose_listener_is_cut_off_is_not_ready_and_says_why_once(
    database_url: str, cheap_hasher: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        Relay(database_url) as relay,
        running(database_url, listen_database_url=relay.url) as napvi,
    ):
        relay.refusing = True
        relay.cut()
        await becomes(napvi, unready("listener"))
        await ask(napvi, "/readyz")
        relay.refusing = False
        await becomes(napvi, READY)
    assert caplog.text.count("event=readiness.lost reason=listener") == 1


async def test_a_service_without_its_database_is_alive_and_not_ready(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        Relay(database_url) as relay,
        running(relay.url, listen_database_url=database_url, connect_timeout_seconds=2) as napvi,
    ):
        relay.refusing = True
        relay.cut()
        assert await ask(napvi, "/readyz") == unready("database", "migrations")
        assert await ask(napvi, "/healthz") == ALIVE
        relay.refusing = False
        await becomes(napvi, READY)


async def test_a_service_whose_database_was_replaced_by_an_older_one_is_not_ready(
    napvi: Napvi, database_url: str
) -> None:
    [(path, sha256)] = await query(database_url, FORGET_THE_LATEST)
    assert await ask(napvi, "/readyz") == unready("migrations")
    await query(database_url, REMEMBER, path, sha256)
    assert await ask(napvi, "/readyz") == READY


async def test_a_service_whose_database_is_newer_is_ready(napvi: Napvi, database_url: str) -> None:
    """Another release is being rolled out."""
    await query(database_url, REMEMBER, "migrations/9999_newer.sql", bytes(32))
    assert await ask(napvi, "/readyz") == READY
