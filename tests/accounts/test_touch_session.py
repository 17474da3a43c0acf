import psycopg
import pytest

SESSION_HASH = bytes(32)


@pytest.fixture(autouse=True)
async def _session(application: psycopg.AsyncConnection, anna: int) -> None:
    await application.execute("SELECT topup.open_session(%s, %s, 3600)", (SESSION_HASH, anna))


async def _touch(
    application: psycopg.AsyncConnection, session_hash: bytes, idle_seconds: float = 1800
) -> list[tuple[object, ...]]:
    cursor = await application.execute(
        "SELECT user_id, username FROM topup.touch_session(%s, %s)", (session_hash, idle_seconds)
    )
    return await cursor.fetchall()


async def _age(owner: psycopg.AsyncConnection, seconds: float) -> None:
    await owner.execute(
        "UPDATE topup.sessions SET last_seen_at = clock_timestamp() - make_interval(secs => %s)",
        (seconds,),
    )


async def _row_version(owner: psycopg.AsyncConnection) -> object:
    cursor = await owner.execute("SELECT ctid, xmin FROM topup.sessions")
    return await cursor.fetchone()


async def test_a_session_is_its_user(application: psycopg.AsyncConnection, anna: int) -> None:
    assert await _touch(application, SESSION_HASH) == [(anna, "anna")]


async def test_an_unknown_session_is_nobody(application: psycopg.AsyncConnection) -> None:
    assert await _touch(application, bytes(31) + b"\1") == []


@pytest.mark.parametrize(
    ("seconds_ago", "idle_seconds", "writes"),
    [(50, 1800, False), (61, 1800, True), (10, 40, False), (21, 40, True)],
)
async def test_a_touch_writes_once_a_minute_or_twice_in_a_shorter_idle_time(
    application: psycopg.AsyncConnection,
    owner: psycopg.AsyncConnection,
    seconds_ago: float,
    idle_seconds: float,
    writes: bool,
) -> None:
    await _age(owner, seconds_ago)
    before = await _row_version(owner)

    assert len(await _touch(application, SESSION_HASH, idle_seconds)) == 1

    assert (await _row_version(owner) != before) is writes


async def test_a_session_that_has_ended_is_not_woken(
    application: psycopg.AsyncConnection, owner: psycopg.AsyncConnection
) -> None:
    await _age(owner, 1801)
    before = await _row_version(owner)

    assert await _touch(application, SESSION_HASH) == []

    assert await _row_version(owner) == before
