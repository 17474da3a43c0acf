"""Whether this process lives, and whether it may be sent traffic."""

from tests.payments import connected
from tests.stream.relay import Relay
from tests.web.service import Napvi, running
import httpx

GOOD = {"database": True, "listener": True, "accepting": True}


async def ask(napvi: Napvi, path: str) -> tuple[int, object]:
    async with napvi.visitor() as visitor:
        answer = await visitor.get(path)
    return answer.status_code, answer.json()


async def test_a_service_that_serves_is_alive_and_ready(napvi: Napvi) -> None:
    assert await ask(napvi, "/healthz") == (200, {"status": "ok"})
    assert await ask(napvi, "/readyz") == (200, {"status": "ok", "checks": GOOD})


async def test_a_service_that_drains_is_alive_and_not_ready(napvi: Napvi) -> None:
    await napvi.app.drain()
    assert await ask(napvi, "/healthz") == (200, {"status": "ok"})
    checks = {**GOOD, "accepting": False}
    assert await ask(napvi, "/readyz") == (503, {"status": "unready", "checks": checks})


async def test_a_service_whose_listener_is_cut_off_is_not_ready(
    database_url: str, cheap_hasher: None
) -> None:
    async with Relay(database_url) as relay:
        async with running(database_url, listen_database_url=relay.url) as napvi:
            relay.refusing = True
            relay.cut()
            checks = {**GOOD, "listener": False}
            while await ask(napvi, "/readyz") != (503, {"status": "unready", "checks": checks}):
                pass
            relay.refusing = False
            while await ask(napvi, "/readyz") != (200, {"status": "ok", "checks": GOOD}):
                pass


async def test_a_service_without_its_database_is_alive_and_not_ready(
    database_url: str, cheap_hasher: None
) -> None:
    async with Relay(database_url) as relay:
        async with running(
            relay.url, listen_database_url=database_url, connect_timeout_seconds=1
        ) as napvi:
            relay.refusing = True
            relay.cut()
            checks = {**GOOD, "database": False}
            assert await ask(napvi, "/readyz") == (503, {"status": "unready", "checks": checks})
            assert await ask(napvi, "/healthz") == (200, {"status": "ok"})
            relay.refusing = False
            while await ask(napvi, "/readyz") != (200, {"status": "ok", "checks": GOOD}):
                pass
