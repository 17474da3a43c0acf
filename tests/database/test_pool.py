"""The pool: work that nobody can cancel, and a database that goes away and comes back."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from app.database.connections import Away
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from app.database.pool import Database
from app.database.store import KEEP_BODY
from app.errors import ConfigurationError, DatabaseUnavailable, TopupNotFound, UsernameTaken
from app.settings import Settings
from tests.payments import grow_impatient, query
from tests.pooler import transaction_pooler
from tests.postgres import copy_cluster
from tests.stream.relay import Relay

CONNECTIONS = 4
CANCELS = 2_000
REQUESTS = 40
SECONDS_MAX = 10.0
IMPATIENT_SECONDS = 0.3


@asynccontextmanager
async def opened(
    url: str, connections: int = CONNECTIONS, **limits: Any
) -> AsyncIterator[Database]:
    database = Database(url, connections, Settings.load(**limits))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url, database_waiting_max=CANCELS) as database:
        yield database


async def one(connection: AsyncConnection) -> int:
    cursor = await connection.execute("SELECT 1")
    return 1 if await cursor.fetchone() == (1,) else 0


async def usable_connections(database: Database) -> int:
    """How many pieces of work the pool lets run at the same time."""
    met = asyncio.Barrier(CONNECTIONS)

    async def meet(connection: AsyncConnection) -> int:
        async with asyncio.timeout(SECONDS_MAX), met:
            return await one(connection)

    return sum(await asyncio.gather(*(database.run(meet) for _ in range(CONNECTIONS))))


async def test_cancelled_requests_do_not_lose_connections(database: Database) -> None:
    """On Python 3.11 a bare pool of this size is dead by then: it loses a connection whose waiter
    is cancelled in the moment that it is served.
    """
    dice = random.Random(1)
    requests: list[asyncio.Task[int]] = []
    cancelled = 0
    while cancelled < CANCELS:
        waiting = [request for request in requests if not request.done()]
        new = [asyncio.create_task(database.run(one)) for _ in range(REQUESTS - len(waiting))]
        requests = waiting + new
        for _ in range(dice.randrange(10)):
            await asyncio.sleep(0)
        cancelled += dice.choice(requests).cancel()
    await asyncio.wait(requests)
    assert await usable_connections(database) == CONNECTIONS


async def test_work_goes_on_when_its_caller_is_cancelled(
    database: Database, database_url: str
) -> None:
    begun = asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        begun.set()
        await connection.execute("SELECT pg_sleep(0.05)")
        await connection.execute("SELECT topup.register_user('somebody', 'hash')")

    caller = asyncio.create_task(database.run(work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.close()
    assert await query(database_url, "SELECT username FROM topup.users") == [("somebody",)]


async def test_it_is_the_application_in_utc_with_limits(database: Database) -> None:
    async def work(connection: AsyncConnection) -> Any:
        cursor = await connection.execute(
            """
            SELECT current_user, current_setting('TimeZone'), current_setting('lock_timeout'),
                current_setting('statement_timeout'), current_setting('application_name'),
                current_setting('idle_in_transaction_session_timeout')
            """
        )
        return await cursor.fetchone()

    assert await database.run(work) == ("topup_app", "UTC", "3s", "5s", "napvi", "10s")


@pytest.mark.parametrize(
    ("sqlstate", "problem"),
    [("TU002", TopupNotFound), ("TU003", UsernameTaken), ("57014", DatabaseUnavailable)],
)
async def test_a_refusal_becomes_its_problem(
    database: Database, sqlstate: str, problem: type[Exception]
) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(
            f"DO $$ BEGIN RAISE 'refused' USING ERRCODE = '{sqlstate}'; END $$"
        )

    with pytest.raises(problem):
        await database.run(work)


async def test_a_mistake_stays_a_mistake(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute("SELECT nothing FROM nowhere")

    with pytest.raises(psycopg.errors.UndefinedTable):
        await database.run(work)
    assert await usable_connections(database) == CONNECTIONS


@pytest.mark.parametrize(("failures", "survives"), [(2, True), (3, False)])
async def test_work_that_the_database_gave_up_is_tried_three_times(
    database: Database, failures: int, survives: bool
) -> None:
    attempts = 0

    async def work(connection: AsyncConnection) -> int:
        nonlocal attempts
        attempts += 1
        if attempts <= failures:
            await connection.execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")
        return await one(connection)

    if survives:
        assert await database.run(work) == 1
    else:
        with pytest.raises(DatabaseUnavailable):
            await database.run(work)
    assert attempts == 3


async def test_killed_connections_are_not_noticed(database: Database, database_url: str) -> None:
    await query(
        database_url,
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'napvi' AND pid <> pg_backend_pid()
        """,
    )
    assert await database.run(one) == 1
    assert await usable_connections(database) == CONNECTIONS


async def test_a_connection_that_dies_under_the_work_is_replaced(database: Database) -> None:
    attempts = 0

    async def work(connection: AsyncConnection) -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await one(connection)

    async def as_superuser(connection: AsyncConnection) -> int:
        await connection.execute("RESET ROLE")
        return await work(connection)

    assert await database.run(as_superuser) == 1
    assert attempts == 2


@pytest.fixture
def server(short_dir: Path, postgres_bin: Path, made_cluster: Path) -> Iterator[EmbeddedPostgres]:
    copy_cluster(made_cluster, short_dir / "data")
    server = EmbeddedPostgres(
        short_dir / "data", short_dir / "run", bin_dir=postgres_bin, durable=False
    )
    with server:
        yield server


async def test_a_restart_of_the_database_is_not_noticed(server: EmbeddedPostgres) -> None:
    await migrate(server.database_url())
    async with opened(server.database_url(), connections=8) as database:
        server.stop()
        server.start()
        assert await database.run(one) == 1


async def test_a_stopped_database_is_said_to_be_away_and_found_when_it_is_back(
    server: EmbeddedPostgres,
) -> None:
    """However long it was away: the pool asks again when somebody needs it, not less and less."""
    await migrate(server.database_url())
    async with opened(server.database_url()) as database:
        server.stop()
        grow_impatient(database, IMPATIENT_SECONDS)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await database.run(one)
        server.start()
        grow_impatient(database, SECONDS_MAX)
        assert await database.run(one) == 1
        assert await usable_connections(database) == CONNECTIONS


async def test_a_start_without_database_is_refused_with_the_remedy(short_dir: Path) -> None:
    database = Database(
        f"postgresql://postgres@/postgres?host={short_dir}",
        1,
        Settings.load(connect_timeout_seconds=1),
    )
    with pytest.raises(ConfigurationError, match="DATABASE_URL: the database cannot be reached"):
        await database.open()


async def test_behind_a_transaction_pooler_every_work_has_the_role_and_the_limits(
    database_url: str, short_dir: Path
) -> None:
    async def work(connection: AsyncConnection) -> Any:
        cursor = await connection.execute(
            "SELECT current_user, current_setting('statement_timeout'), current_setting('TimeZone')"
        )
        return await cursor.fetchone()

    with transaction_pooler(database_url, short_dir) as url:
        async with opened(url, listen_database_url=database_url) as database:
            found = await asyncio.gather(*(database.run(work) for _ in range(4 * CONNECTIONS)))
        async with await AsyncConnection.connect(url) as stranger:
            left_behind = await work(stranger)
    assert set(found) == {("topup_app", "5s", "UTC")}
    assert left_behind[:2] == ("postgres", "0")


async def test_who_would_wait_behind_too_many_is_refused_at_once(database_url: str) -> None:
    async with opened(database_url, 1, database_waiting_max=2) as database:
        let_go = asyncio.Event()

        async def hold(_: AsyncConnection) -> None:
            await let_go.wait()

        queue = [asyncio.create_task(database.run(hold)) for _ in range(3)]
        await asyncio.sleep(0)
        refused = asyncio.create_task(database.run(one))
        await asyncio.wait({refused}, timeout=SECONDS_MAX)
        let_go.set()
        await asyncio.gather(*queue)
        with pytest.raises(DatabaseUnavailable):
            await refused


async def test_a_long_outage_is_over_when_the_database_is_back(database_url: str) -> None:
    """However many asked meanwhile. One of them waits for it, so that the others need not."""
    limits = {"database_waiting_max": CONNECTIONS}
    async with Relay(database_url) as relay, opened(relay.url, **limits) as database:
        grow_impatient(database, IMPATIENT_SECONDS)
        relay.refusing = True
        relay.cut()
        for _ in range(3):
            asked = [asyncio.create_task(database.run(one)) for _ in range(CONNECTIONS)]
            await asyncio.wait(asked)
            assert all(isinstance(request.exception(), DatabaseUnavailable) for request in asked)
        relay.refusing = False
        async with asyncio.timeout(SECONDS_MAX):
            while await refused(database):
                pass


async def test_who_asks_behind_another_while_the_database_is_away_is_refused_at_once(
    database_url: str,
) -> None:
    async with Relay(database_url) as relay, opened(relay.url) as database:
        grow_impatient(database, IMPATIENT_SECONDS)
        relay.refusing = True
        relay.cut()
        assert await refused(database)
        grow_impatient(database, SECONDS_MAX)
        asking = asyncio.create_task(database.run(one))
        await asyncio.sleep(0)
        for _ in range(100):
            assert await refused(database)
        assert not asking.done()
        relay.refusing = False
        assert await asking == 1


async def refused(database: Database) -> bool:
    """Whether the database is away."""
    try:
        await database.run(one)
    except Away:
        return True
    return False


@pytest.mark.parametrize(("connections", "at_rest"), [(2, 1), (8, 8)])
async def test_a_server_that_falls_silent_as_it_lets_in_is_given_up_and_found_again(
    database_url: str, connections: int, at_rest: int
) -> None:
    async with Relay(database_url) as relay:
        settings = Settings.load(statement_timeout_seconds=0.5)
        database = Database(relay.url, connections, settings, at_rest=at_rest)
        await database.open()
        grow_impatient(database, IMPATIENT_SECONDS)
        relay.forget_who_is_let_in = True
        relay.cut()
        for _ in range(3):
            assert await refused(database)
        relay.forget_who_is_let_in = False
        async with asyncio.timeout(SECONDS_MAX):
            while await refused(database):
                pass
        await database.close()


async def test_one_connection_rests_and_the_others_come_when_it_is_held_up(
    database_url: str,
) -> None:
    """Work that comes alone meets the same backend each time."""

    async def backend(connection: AsyncConnection) -> int:
        return connection.info.backend_pid

    database = Database(database_url, CONNECTIONS, Settings.load(), at_rest=1)
    await database.open()
    try:
        assert len({await database.run(backend) for _ in range(2 * CONNECTIONS)}) == 1
        assert await usable_connections(database) == CONNECTIONS
    finally:
        await database.close()


async def test_work_after_the_end_is_refused(database_url: str) -> None:
    async with opened(database_url) as database:
        pass
    with pytest.raises(DatabaseUnavailable):
        await database.run(one)


async def test_a_database_that_falls_silent_is_given_up_and_found_again(database_url: str) -> None:
    """A peer that takes everything and answers nothing: no kernel notices that."""
    async with (
        Relay(database_url) as relay,
        opened(relay.url, connections=1, statement_timeout_seconds=0.5) as database,
    ):
        assert await database.run(one) == 1
        relay.forget()
        async with asyncio.timeout(SECONDS_MAX):
            with pytest.raises(DatabaseUnavailable):
                await database.run(one)
            assert await database.run(one) == 1


async def test_who_lost_a_connection_does_not_wait_for_those_that_are_silent(
    database_url: str,
) -> None:
    attempts = 0
    async with Relay(database_url) as relay, opened(relay.url) as database:

        async def work(connection: AsyncConnection) -> int:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                relay.forget()
                pid = connection.info.backend_pid
                await query(database_url, "SELECT pg_terminate_backend(%s)", pid)
            return await one(connection)

        async with asyncio.timeout(SECONDS_MAX):
            assert await database.run(work) == 1
        assert attempts == 2


async def test_who_meets_a_demoted_server_is_connected_anew(database: Database) -> None:
    attempts = 0

    async def work(connection: AsyncConnection) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await connection.execute("SET default_transaction_read_only = on")
        await connection.execute(KEEP_BODY, (b"{}", "a fault"))

    await database.run(work)
    assert attempts == 2


async def test_a_database_that_may_only_be_read_is_away(database_url: str) -> None:
    url = make_conninfo(database_url, options="-c default_transaction_read_only=on")

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(KEEP_BODY, (b"{}", "a fault"))

    async with opened(url) as database:
        with pytest.raises(DatabaseUnavailable):
            await database.run(work)
