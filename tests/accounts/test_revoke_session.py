import psycopg

SESSION_HASH, OTHER_HASH = bytes(32), bytes(31) + b"\1"
REVOKE = "SELECT topup.revoke_session(%s)"


async def test_only_the_session_named_ends_and_only_once(
    application: psycopg.AsyncConnection, anna: int
) -> None:
    for session_hash in (SESSION_HASH, OTHER_HASH):
        await application.execute("SELECT topup.open_session(%s, %s, 60)", (session_hash, anna))

    revoked_at = set()
    for _ in range(2):
        await application.execute(REVOKE, (SESSION_HASH,))
        cursor = await application.execute(
            "SELECT session_hash, revoked_at FROM topup.sessions WHERE revoked_at IS NOT NULL"
        )
        revoked_at.update(await cursor.fetchall())

    ((session_hash, _),) = revoked_at
    assert session_hash == SESSION_HASH


async def test_an_unknown_session_is_no_error(application: psycopg.AsyncConnection) -> None:
    cursor = await application.execute(REVOKE, (SESSION_HASH,))

    assert len(await cursor.fetchall()) == 1
