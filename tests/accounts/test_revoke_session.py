import psycopg

from app.stream.channels import worker_channel
from tests.payments import open_process
from tests.sql.streams import come, grow_older, heard, leases, listening, log_in, worker

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


async def test_its_streams_are_ended_on_every_worker_and_nobody_elses(
    application: psycopg.AsyncConnection, database_url: str
) -> None:
    """Those of another login of the same user go on too."""
    async with (
        open_process(database_url) as process,
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
        worker(database_url, 3) as three,
        listening(database_url, 1, 2, 3) as listener,
    ):
        anna, ben = await come(database_url, process), await come(database_url, process)
        elsewhere = anna.asks(3)._replace(session_hash=await log_in(database_url, anna.user_id))
        await one.open(anna.asks(1), anna.asks(2), elsewhere, ben.asks(4))
        await two.open(anna.asks(1))
        await three.open(ben.asks(1))
        await application.execute(REVOKE, (anna.session_hash,))
        assert await heard(listener) == [(worker_channel(1), ""), (worker_channel(2), "")]
        await application.execute(REVOKE, (anna.session_hash,))
        assert await heard(listener) == []
    assert await leases(database_url) == {
        (1, 1): "login_ended",
        (1, 2): "login_ended",
        (1, 3): None,
        (1, 4): None,
        (2, 1): "login_ended",
        (3, 1): None,
    }


async def test_a_stream_that_made_room_before_keeps_its_reason(
    application: psycopg.AsyncConnection, database_url: str
) -> None:
    async with open_process(database_url) as process, worker(database_url) as one:
        anna = await come(database_url, process)
        await one.open(anna.asks(1))
        await grow_older(database_url, 10, 1)
        await one.open(anna.asks(2), per_user_max=1)
        await application.execute(REVOKE, (anna.session_hash,))
        assert await one.take_ended() == {1: "superseded", 2: "login_ended"}
