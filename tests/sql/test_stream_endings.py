"""A worker learns which of its streams were ended, and why."""

from tests.payments import Process, connected
from tests.sql.streams import alive, come, grow_older, leases, worker


async def test_a_worker_takes_what_was_ended_of_its_own_with_the_reason_and_once(
    process: Process, database_url: str
) -> None:
    anna, ben = await come(database_url, process), await come(database_url, process)
    async with (
        alive(database_url, 1),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
        connected(database_url, "topup_app") as logout,
    ):
        await one.open(anna.asks(1), anna.asks(2), ben.asks(3))
        await grow_older(database_url, 10, 1)
        await two.open(anna.asks(4), ben.asks(5), per_user_max=2)
        await logout.execute("SELECT topup.revoke_session(%s)", (ben.session_hash,))
        assert await one.take_ended() == {1: "superseded", 3: "login_ended"}
        assert await one.take_ended() == {}
        assert await leases(database_url) == {(1, 2): None, (2, 4): None, (2, 5): "login_ended"}


async def test_nothing_ended_is_nothing_taken(process: Process, database_url: str) -> None:
    anna = await come(database_url, process)
    async with worker(database_url) as one:
        await one.open(anna.asks(1))
        assert await one.take_ended() == {}
    assert await leases(database_url) == {(1, 1): None}
