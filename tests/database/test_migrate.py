"""The migration runner, on real databases; edited variants use a copy of the sql directory."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.database.migrate import MigrationResult, check, migrate
from app.database.schema_files import SQL_DIR, read_schema_files
from app.errors import ConfigurationError, MigrationError
from tests.payers import payers
from tests.payments import connected, open_process
from tests.payments import query as rows
from tests.postgres import Postgres, throw_away_postgres

STARTS = 6
WAIT_SECONDS = 60
WAITS_FOR_USERS: LiteralString = """
    SELECT FROM pg_locks WHERE relation = 'topup.users'::regclass AND NOT granted
"""
ROLES = ("topup_owner", "topup_app", "topup_auditor")
EXTRA_FUNCTION = """
CREATE OR REPLACE FUNCTION topup.extra()
RETURNS integer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT {answer} $$;
"""


@pytest.fixture
def sql_dir(tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(SQL_DIR, tmp_path / "sql")


@pytest.fixture
def bare_postgres(postgres_bin: Path, made_cluster: Path) -> Iterator[Postgres]:
    """A server of its own: roles belong to the whole cluster, and here there are none yet."""
    with throw_away_postgres(postgres_bin, made_cluster) as postgres:
        yield postgres


def query(url: str, statement: bytes) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def write(sql_dir: Path, path: str, content: str) -> None:
    (sql_dir / path).write_text(content)


def next_migration(sql_dir: Path, name: str = "extra") -> str:
    return f"migrations/{len(read_schema_files(sql_dir).migrations) + 1:04d}_{name}.sql"


def snapshot(url: str) -> list[tuple[object, ...]]:
    """Every relation, function and recorded file; changes when any of them is made again."""
    return query(
        url,
        b"SELECT 'relation', oid::regclass::text, xmin::text FROM pg_class "
        b"WHERE relnamespace::regnamespace::text IN ('topup', 'audit') "
        b"AND relname <> 'schema_files' "
        b"UNION ALL SELECT 'function', oid::regprocedure::text, xmin::text FROM pg_proc "
        b"WHERE pronamespace::regnamespace::text IN ('topup', 'audit') "
        b"UNION ALL SELECT path, sha256::text, applied_at::text FROM topup.schema_files "
        b"ORDER BY 1, 2",
    )


async def test_an_empty_database_gets_every_file_once_in_order(empty_database_url: str) -> None:
    heard: list[str] = []
    result = await migrate(empty_database_url, heard.append)
    files = read_schema_files()
    expected = [file.path for file in (*files.migrations, *files.replaceable)]
    assert list(result.applied) == heard
    assert sorted(result.applied) == sorted(expected)
    migrations = len(files.migrations)
    assert list(result.applied[:migrations]) == expected[:migrations]
    await check(empty_database_url)


async def test_running_again_changes_nothing(database_url: str) -> None:
    before = snapshot(database_url)
    assert await migrate(database_url) == MigrationResult(applied=())
    assert snapshot(database_url) == before


async def test_everything_belongs_to_the_owner_and_public_may_call_nothing(
    database_url: str,
) -> None:
    strangers = query(
        database_url,
        b"SELECT oid::regclass::text FROM pg_class WHERE relowner <> 'topup_owner'::regrole "
        b"AND relnamespace::regnamespace::text IN ('topup', 'audit') "
        b"UNION ALL SELECT oid::regproc::text FROM pg_proc "
        b"WHERE pronamespace::regnamespace::text IN ('topup', 'audit') "
        b"AND (proowner <> 'topup_owner'::regrole "
        b"     OR has_function_privilege('public', oid, 'EXECUTE'))",
    )
    assert strangers == []


async def test_the_application_may_read_which_files_were_applied(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SET ROLE topup_app")
        await check(connection)


@pytest.mark.parametrize("folder", ["functions", "audit"])
async def test_a_changed_function_is_applied_again_and_nothing_else(
    empty_database_url: str, sql_dir: Path, folder: str
) -> None:
    path = f"{folder}/extra.sql"
    write(sql_dir, path, EXTRA_FUNCTION.format(answer=1))
    await migrate(empty_database_url, sql_dir=sql_dir)
    write(sql_dir, path, EXTRA_FUNCTION.format(answer=2))
    with pytest.raises(MigrationError, match=rf"behind the code: {path}\. .*app migrate"):
        await check(empty_database_url, sql_dir=sql_dir)
    result = await migrate(empty_database_url, sql_dir=sql_dir)
    assert result.applied == (path,)
    assert query(empty_database_url, b"SELECT topup.extra()") == [(2,)]


async def test_files_that_need_each_other_are_applied_whatever_their_names(
    empty_database_url: str, sql_dir: Path
) -> None:
    chain = 5
    for link in range(chain):
        source = "SELECT 1 AS one" if link == chain - 1 else f"TABLE topup.view_{link + 1}"
        view = f"CREATE OR REPLACE VIEW topup.view_{link} AS {source}"
        write(sql_dir, f"functions/aa_view_{link}.sql", view)
    await migrate(empty_database_url, sql_dir=sql_dir)
    assert query(empty_database_url, b"TABLE topup.view_0") == [(1,)]


async def test_functions_may_call_each_other(empty_database_url: str, sql_dir: Path) -> None:
    for name, other in (("ping", "pong"), ("pong", "ping")):
        body = f"SELECT CASE WHEN $1 > 0 THEN topup.{other}($1 - 1) ELSE '{name}' END"
        write(
            sql_dir,
            f"functions/{name}.sql",
            f"CREATE FUNCTION topup.{name}(integer) RETURNS text LANGUAGE sql AS $${body}$$",
        )
    await migrate(empty_database_url, sql_dir=sql_dir)
    assert query(empty_database_url, b"SELECT topup.ping(3)") == [("pong",)]


async def test_a_migration_brings_back_every_view_that_it_had_to_drop(
    empty_database_url: str, sql_dir: Path
) -> None:
    write(sql_dir, "audit/names.sql", "CREATE VIEW audit.names AS SELECT username FROM topup.users")
    await migrate(empty_database_url, sql_dir=sql_dir)
    path = next_migration(sql_dir)
    write(
        sql_dir,
        path,
        "DROP VIEW audit.names; ALTER TABLE topup.users ALTER username TYPE varchar(64)",
    )
    result = await migrate(empty_database_url, sql_dir=sql_dir)
    assert result.applied[0] == path
    assert query(empty_database_url, b"TABLE audit.names") == []


async def test_an_edited_migration_is_refused(empty_database_url: str, sql_dir: Path) -> None:
    await migrate(empty_database_url, sql_dir=sql_dir)
    first = min((sql_dir / "migrations").iterdir())
    first.write_text(f"{first.read_text()}\n-- harmless\n")
    for refused in (migrate, check):
        with pytest.raises(MigrationError, match=rf"{first.name} was edited.*new migration"):
            await refused(empty_database_url, sql_dir=sql_dir)


async def test_a_database_ahead_of_the_code_is_refused(
    empty_database_url: str, sql_dir: Path
) -> None:
    path = next_migration(sql_dir)
    write(sql_dir, path, "CREATE TABLE topup.extra (id bigint PRIMARY KEY)")
    await migrate(empty_database_url, sql_dir=sql_dir)
    before = snapshot(empty_database_url)
    (sql_dir / path).unlink()
    for refused in (migrate, check):
        with pytest.raises(MigrationError, match=rf"{path}\. Deploy the newer code"):
            await refused(empty_database_url, sql_dir=sql_dir)
    assert snapshot(empty_database_url) == before


async def test_a_database_behind_the_code_is_told_to_migrate(empty_database_url: str) -> None:
    with pytest.raises(MigrationError, match=r"0001_.* and \d+ more.*python -m app migrate"):
        await check(empty_database_url)


async def test_a_deleted_function_file_that_comes_back_is_applied_again(
    empty_database_url: str, sql_dir: Path
) -> None:
    path, body = "functions/extra.sql", EXTRA_FUNCTION.format(answer=1)
    write(sql_dir, path, body)
    await migrate(empty_database_url, sql_dir=sql_dir)
    (sql_dir / path).unlink()
    await check(empty_database_url, sql_dir=sql_dir)
    assert (await migrate(empty_database_url, sql_dir=sql_dir)).applied == ()
    write(sql_dir, path, body)
    assert (await migrate(empty_database_url, sql_dir=sql_dir)).applied == (path,)


async def test_a_failing_migration_leaves_nothing_and_names_the_line(
    empty_database_url: str, sql_dir: Path
) -> None:
    await migrate(empty_database_url, sql_dir=sql_dir)
    before = snapshot(empty_database_url)
    write(sql_dir, next_migration(sql_dir, "fine"), "CREATE TABLE topup.fine (id bigint)")
    path = next_migration(sql_dir, "wrong")
    write(sql_dir, path, "-- Đúng.\nCREATE TABLE topup.wrong (id bigint);\nSELECT nonsense();\n")
    with pytest.raises(MigrationError, match=rf"{path}, line 3: .*nonsense.*42883"):
        await migrate(empty_database_url, sql_dir=sql_dir)
    assert snapshot(empty_database_url) == before


async def test_a_failing_first_migration_leaves_not_even_the_schema(
    empty_database_url: str, sql_dir: Path
) -> None:
    write(sql_dir, "functions/wrong.sql", "CREATE FUNCTION topup.wrong(")
    with pytest.raises(MigrationError, match=r"functions/wrong\.sql, line 1: syntax error"):
        await migrate(empty_database_url, sql_dir=sql_dir)
    assert query(empty_database_url, b"SELECT to_regnamespace('topup')") == [(None,)]


async def test_a_constraint_that_fails_at_commit_is_reported(
    empty_database_url: str, sql_dir: Path
) -> None:
    write(
        sql_dir,
        next_migration(sql_dir),
        "CREATE TABLE topup.extra (id bigint PRIMARY KEY, "
        "parent bigint REFERENCES topup.extra DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO topup.extra VALUES (1, 2)",
    )
    with pytest.raises(MigrationError, match=r"changed nothing.*foreign key"):
        await migrate(empty_database_url, sql_dir=sql_dir)
    assert query(empty_database_url, b"SELECT to_regnamespace('topup')") == [(None,)]


@pytest.mark.parametrize("name", ["0001_again", "9999_gap", "extra", "0003-extra"])
async def test_migrations_have_to_be_numbered_without_gap_or_repeat(
    sql_dir: Path, name: str
) -> None:
    write(sql_dir, f"migrations/{name}.sql", "SELECT 1")
    with pytest.raises(MigrationError, match="no number may be missing or used twice"):
        read_schema_files(sql_dir)


def test_no_migration_holds_a_function_body() -> None:
    body = re.compile(rb"\bCREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE|AGGREGATE)\b", re.I)
    assert [file.path for file in read_schema_files().migrations if body.search(file.content)] == []


async def test_six_starts_at_once_apply_every_file_once(empty_database_url: str) -> None:
    results = await asyncio.gather(*(migrate(empty_database_url) for _ in range(STARTS)))
    applied = [path for result in results for path in result.applied]
    assert len(applied) == len(set(applied))
    assert sum(not result.applied for result in results) == STARTS - 1
    await check(empty_database_url)


async def test_six_starts_on_six_databases_of_one_cluster_share_the_roles(
    bare_postgres: Postgres,
) -> None:
    await migrate_at_once(bare_postgres, "postgres")


async def test_six_starts_of_a_role_that_is_no_superuser_share_the_roles(
    bare_postgres: Postgres,
) -> None:
    run(bare_postgres.url(), "CREATE ROLE administrator LOGIN CREATEROLE")
    await migrate_at_once(bare_postgres, "administrator")


async def test_six_starts_share_roles_that_are_there_and_only_have_to_be_granted(
    bare_postgres: Postgres,
) -> None:
    url = bare_postgres.url()
    run(url, "CREATE ROLE administrator LOGIN CREATEROLE", *(f"CREATE ROLE {r}" for r in ROLES))
    if query(url, b"SELECT current_setting('server_version_num')::integer >= 160000") == [(True,)]:
        terms = "WITH ADMIN TRUE, SET FALSE, INHERIT FALSE"  # what it has from CREATE ROLE
        run(url, *(f"GRANT {role} TO administrator {terms}" for role in ROLES))
    await migrate_at_once(bare_postgres, "administrator")


async def migrate_at_once(postgres: Postgres, role: str) -> None:
    with ExitStack() as databases:
        urls = [databases.enter_context(postgres.database(f"db{i}")) for i in range(STARTS)]
        for url in urls:
            run(url, f"GRANT CREATE ON DATABASE {conninfo_to_dict(url)['dbname']} TO {role}")
        urls = [make_conninfo(url, user=role) for url in urls]
        results = await asyncio.gather(*(migrate(url) for url in urls))
        assert {len(result.applied) for result in results} == {len(results[0].applied)}
        await asyncio.gather(*(check(url) for url in urls))


async def test_a_role_that_may_make_roles_and_schemas_is_enough(bare_postgres: Postgres) -> None:
    with bare_postgres.database("ours") as url:
        run(
            url,
            "CREATE ROLE administrator LOGIN CREATEROLE",
            "GRANT CREATE ON DATABASE ours TO administrator",
        )
        as_administrator = make_conninfo(url, user="administrator")
        assert (await migrate(as_administrator)).applied
        assert (await migrate(as_administrator)).applied == ()
        run(as_administrator, "SET ROLE topup_app", "TABLE topup.schema_files")
        run(as_administrator, "SET ROLE topup_auditor", "TABLE audit.money_equation")
        run(url, "REVOKE CREATE ON DATABASE ours FROM administrator")
        assert (await migrate(as_administrator)).applied == ()


async def test_an_ordinary_role_is_enough_when_the_roles_were_made_for_it(
    bare_postgres: Postgres,
) -> None:
    with bare_postgres.database("ours") as url:
        run(
            url,
            "CREATE ROLE deployer LOGIN",
            *(f"CREATE ROLE {role}; GRANT {role} TO deployer" for role in ROLES),
            "GRANT CREATE ON DATABASE ours TO deployer",
        )
        await migrate(make_conninfo(url, user="deployer"))


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [("", "create role"), ("CREATEROLE", "permission denied for database")],
)
async def test_a_role_with_too_few_rights_is_told_which_it_needs(
    bare_postgres: Postgres, attributes: str, complaint: str
) -> None:
    run(bare_postgres.url(), f"CREATE ROLE visitor LOGIN {attributes}")
    with pytest.raises(
        ConfigurationError, match=rf"DATABASE_URL: role visitor .*{complaint}.*CREATEROLE"
    ):
        await migrate(make_conninfo(bare_postgres.url(), user="visitor"))


async def test_a_database_that_is_not_there_is_an_error_of_the_setting(
    postgres: Postgres,
) -> None:
    for refused in (migrate, check):
        with pytest.raises(ConfigurationError, match=r"DATABASE_URL: .*cannot be reached"):
            await refused(postgres.url("nowhere"))


async def test_an_address_that_is_none_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refusal:
        await migrate("postgresql//napvi:secret@localhost/napvi")
    assert "secret" not in str(refusal.value)


async def test_payments_go_on_while_a_migration_waits_for_a_long_reader(
    database_url: str, sql_dir: Path
) -> None:
    path = next_migration(sql_dir)
    write(sql_dir, path, "CREATE TABLE topup.extra ();")
    told: asyncio.Queue[str] = asyncio.Queue()
    async with connected(database_url) as reader, open_process(database_url) as process:
        async with asyncio.timeout(WAIT_SECONDS), reader.transaction():
            await reader.execute("SELECT count(*) FROM audit.events")
            migrating = asyncio.create_task(migrate(database_url, told.put_nowait, sql_dir=sql_dir))
            while not (line := await told.get()).startswith("Locks were not free"):
                assert line.endswith(".sql")
            assert f"pid {reader.info.backend_pid} (postgres, " in line
            await process.topup()
        assert path in (await migrating).applied
    await check(database_url, sql_dir=sql_dir)


async def test_a_migration_that_waited_for_long_enough_says_for_whom(
    database_url: str, sql_dir: Path
) -> None:
    write(sql_dir, next_migration(sql_dir), "CREATE TABLE topup.extra ();")
    before = snapshot(database_url)
    async with connected(database_url) as reader, reader.transaction():
        await reader.execute("SELECT count(*) FROM audit.events")
        pid = reader.info.backend_pid
        with pytest.raises(MigrationError, match=rf"pid {pid} \(.*Nothing was changed"):
            await migrate(database_url, sql_dir=sql_dir, wait_seconds_max=0)
    assert snapshot(database_url) == before


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE topup.payos_checks ADD COLUMN extra boolean NOT NULL DEFAULT false",
        "ALTER TABLE topup.events ADD CONSTRAINT extra CHECK (seq > 0)",
        "ALTER TABLE topup.wallets ADD CONSTRAINT extra CHECK (version >= 0)",
        "ALTER TABLE topup.topups ADD CONSTRAINT extra CHECK (seq > 0)",
        "CREATE INDEX extra ON topup.ledger_entries (recorded_at)",
    ],
    ids=lambda change: change.split("topup.")[1].split()[0],
)
async def test_nobody_who_opens_and_pays_fails_beside_a_migration(
    database_url: str, sql_dir: Path, change: str
) -> None:
    """Whatever it changes, and though it makes the triggers of the log again in the end."""
    path = next_migration(sql_dir)
    write(sql_dir, path, change)
    async with payers(database_url):
        assert path in (await migrate(database_url, sql_dir=sql_dir)).applied
    await check(database_url, sql_dir=sql_dir)


async def test_a_migration_in_a_deadlock_is_tried_again(database_url: str, sql_dir: Path) -> None:
    path = next_migration(sql_dir)
    write(sql_dir, path, "ALTER TABLE topup.users ADD COLUMN extra text")
    told: list[str] = []
    async with asyncio.timeout(WAIT_SECONDS), connected(database_url) as reader:
        async with reader.transaction():
            await reader.execute("SET LOCAL deadlock_timeout = '1min'")  # the other is the victim
            await reader.execute("SELECT FROM topup.users")
            migrating = asyncio.create_task(migrate(database_url, told.append, sql_dir=sql_dir))
            while not await rows(database_url, WAITS_FOR_USERS):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await reader.execute("SELECT FROM topup.topups")
        assert path in (await migrating).applied
    assert told[0] == "It was in a deadlock with others. All is undone, and tried again in 3 s."
    await check(database_url, sql_dir=sql_dir)
