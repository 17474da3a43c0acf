import psycopg
import pytest

OPEN = "SELECT topup.open_session(%s, %s, %s)"
SESSION_HASH = bytes(32)


async def test_a_session_ends_after_its_absolute_time(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    await application.execute(OPEN, (SESSION_HASH, anna, 60.5))

    cursor = await application.execute(
        "SELECT user_id, revoked_at, last_seen_at - created_at < interval '1 second',"
        " expires_at - created_at BETWEEN interval '60 seconds' AND interval '61 seconds'"
        " FROM topup.sessions"
    )
    assert await cursor.fetchall() == [(anna, None, True, True)]


async def test_the_same_call_again_opens_nothing(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    for _ in range(2):
        await application.execute(OPEN, (SESSION_HASH, anna, 60))

    cursor = await application.execute("SELECT count(*) FROM topup.sessions")
    assert await cursor.fetchone() == (1,)


async def test_nobody_has_no_session(application: psycopg.AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await application.execute(OPEN, (SESSION_HASH, 1, 60))


async def test_an_id_that_was_not_hashed_is_refused(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await application.execute(OPEN, (b"the id itself", anna, 60))
