"""notify_if_room: what it says is what it did."""

from psycopg import AsyncConnection
from psycopg.sql import SQL

from tests.notify_queue import half_full
from tests.payments import connected

NOTIFY = "SELECT sent, queue_usage::double precision FROM topup.notify_if_room('here', %s)"


async def heard(connection: AsyncConnection, number: int) -> list[str]:
    return [
        notification.payload
        async for notification in connection.notifies(timeout=30, stop_after=number)
    ]


async def test_the_application_notifies_and_is_told_the_usage(database_url: str) -> None:
    async with connected(database_url) as listener, connected(database_url, "topup_app") as app:
        await listener.execute(SQL("LISTEN here"))
        row = await (await app.execute(NOTIFY, ("first",))).fetchone()
        assert row is not None
        sent, usage = row
        assert sent is True
        assert 0 <= usage < 0.5
        assert await heard(listener, 1) == ["first"]


async def test_above_half_it_sends_nothing_and_says_so(small_queue_url: str) -> None:
    async with (
        connected(small_queue_url) as listener,
        connected(small_queue_url, "topup_app") as app,
    ):
        await listener.execute(SQL("LISTEN here"))
        async with half_full(small_queue_url):
            row = await (await app.execute(NOTIFY, ("skipped",))).fetchone()
            assert row is not None
            sent, usage = row
            assert sent is False
            assert 0.5 <= usage < 1
        await app.execute(NOTIFY, ("next",))
        assert await heard(listener, 1) == ["next"]
