"""reconcile_streams: the leases of a worker are those of the streams that it has."""

from tests.payments import Process, connected, query
from tests.sql.streams import come, grow_older, leases, worker

EVERYTHING = "SELECT * FROM topup.stream_leases ORDER BY worker_id, stream_id"


async def test_what_a_crash_of_the_database_took_is_written_down_again(
    process: Process, database_url: str
) -> None:
    anna, ben = await come(database_url, process), await come(database_url, process)
    whose = "SELECT stream_id, user_id, session_hash, tx_ref FROM topup.stream_leases ORDER BY 1"
    async with worker(database_url) as one:
        await one.open(anna.asks(1), ben.asks(2))
        before = await query(database_url, whose)
        async with connected(database_url) as connection:
            await connection.execute("TRUNCATE topup.stream_leases")
        await one.reconcile((anna, 1), (ben, 2))
    assert await query(database_url, whose) == before


async def test_a_lease_without_a_stream_goes_and_those_of_other_workers_stay(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with worker(database_url, 1) as one, worker(database_url, 2) as two:
        await one.open(anna.asks(1), anna.asks(2))
        await two.open(anna.asks(1), anna.asks(3))
        await one.reconcile((anna, 2), (anna, 4))
        assert await leases(database_url) == dict.fromkeys([(1, 2), (1, 4), (2, 1), (2, 3)])
        await one.reconcile()
        assert await leases(database_url) == dict.fromkeys([(2, 1), (2, 3)])


async def test_a_lease_that_is_there_stays_as_it_is(process: Process, database_url: str) -> None:
    """Its age, and that it was ended."""
    anna = await come(database_url, process)
    async with worker(database_url) as one:
        await one.open(anna.asks(1), anna.asks(2))
        await grow_older(database_url, 10, 1, 2)
        await one.open(anna.asks(3), per_user_max=2)
        before = await query(database_url, EVERYTHING)
        await one.reconcile((anna, 1), (anna, 2), (anna, 3))
        assert await query(database_url, EVERYTHING) == before
        assert "superseded" in (await one.take_ended()).values()
