"""close_streams: a worker gives back what it names."""

from tests.payments import Process
from tests.sql.streams import come, leases, worker


async def test_a_worker_gives_back_the_streams_it_names_and_no_others(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with worker(database_url, 1) as one, worker(database_url, 2) as two:
        await one.open(anna.asks(1), anna.asks(2), anna.asks(3))
        await two.open(anna.asks(1))
        await one.close(1, 3)
        assert await leases(database_url) == {(1, 2): None, (2, 1): None}
        await one.close(3)
        await one.close()
        await one.close(None)
        assert await leases(database_url) == {(1, 2): None, (2, 1): None}


async def test_what_was_given_back_can_be_leased_again(process: Process, database_url: str) -> None:
    anna = await come(database_url, process)
    async with worker(database_url) as one:
        await one.open(anna.asks(1), per_user_max=1)
        await one.close(1)
        assert await one.open(anna.asks(2), per_user_max=1) == {2: "open"}
