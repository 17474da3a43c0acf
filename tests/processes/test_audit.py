"""`audit` and `rebuild` as an operator runs them, and as an auditor who may read `audit` only."""

import asyncio
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from app.commands.rebuild import EXPORT_AGAIN
from app.database.chain import Chain
from app.database.proofs import PROOFS
from tests.faults.own_postgres import own_postgres_server
from tests.laws.chain import SILENT, superuser
from tests.payments import connected, open_process, transfer
from tests.processes.commands import command

pytestmark = pytest.mark.processes

DAMAGE = {
    "UPDATE topup.wallets SET balance = 1": ("fold of the log", "wallet or in suspense"),
    "UPDATE topup.ledger_entries SET amount = 7 WHERE user_id IS NULL": ("sum to zero",),
    "ALTER TABLE topup.events DISABLE TRIGGER events_before_change": ("guards",),
    "ALTER TABLE topup.events DROP CONSTRAINT events_tx_ref_seq_key": ("guards",),
    "GRANT INSERT ON topup.events TO topup_app": ("guards",),
    "UPDATE topup.checkpoints SET events = events + 1": ("was changed",),
    """
    INSERT INTO topup.payos_bodies (body_sha256, raw) VALUES (sha256('signed'), 'edited')
    """: ("raw webhooks",),
    """UPDATE topup.events SET data = data || '{"amount": "x"}' WHERE seq = 1""": (
        "fold of the log",
        "was changed",
    ),
}


@pytest.fixture
async def paid(database_url: str) -> None:
    async with open_process(database_url) as doors:
        topup = await doors.topup(50_000)
        await Chain(doors.database).take_checkpoint()
        await doors.store.append_events([transfer(topup.order_code, 50_000)])


@pytest.mark.usefixtures("paid")
async def test_an_auditor_is_told_that_every_proof_holds(
    environment: dict[str, str], database_url: str
) -> None:
    as_auditor = make_conninfo(database_url, options="-c role=topup_auditor")
    code, said = await command(environment | {"DATABASE_URL": as_auditor}, "audit")
    assert code == 0, said
    assert [line for line in said.splitlines() if line.startswith("holds  ")] == [
        f"holds  {proof.claim}" for proof in PROOFS
    ]
    assert said.splitlines()[-4:] == [
        "anchored  1 events, ids 1 to 1",
        "sealed    0 events",
        "unsealed  1 events, ids 2 to 2",
        f"All {len(PROOFS)} proofs hold.",
    ]


@pytest.mark.breaks_the_laws
@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("damage", DAMAGE)
async def test_what_contradicts_a_proof_is_told_and_ends_with_1(
    environment: dict[str, str], database_url: str, damage: str
) -> None:
    async with connected(database_url) as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(damage.encode())
    code, said = await command(environment, "audit")
    assert code == 1, said
    found = [line for line in said.splitlines() if line.startswith("FOUND  ")]
    for claim in DAMAGE[damage]:
        assert any(claim in line for line in found), said
    assert f"{len(found)} of {len(PROOFS)} proofs found something." in said


@pytest.mark.usefixtures("paid")
@pytest.mark.parametrize("membership", [[], ["GRANT topup_auditor TO a_stranger"]])
async def test_a_role_that_may_not_read_the_books_finds_nothing_in_them(
    environment: dict[str, str], database_url: str, membership: list[str]
) -> None:
    async with connected(database_url) as person:
        await person.execute("CREATE ROLE a_stranger LOGIN NOINHERIT")
        try:
            for grant in membership:
                await person.execute(grant.encode())
            url = make_conninfo(database_url, user="a_stranger")
            code, said = await command(environment | {"DATABASE_URL": url}, "audit")
        finally:
            await person.execute("DROP ROLE a_stranger")
    assert (code, "FOUND" in said) == (2, False), said
    assert "role a_stranger may not read schema audit. Grant topup_auditor to it" in said


@pytest.mark.breaks_the_laws
@pytest.mark.usefixtures("paid")
async def test_what_was_taken_from_every_auditor_is_told_beside_the_other_proofs(
    environment: dict[str, str], database_url: str
) -> None:
    async with connected(database_url) as forger:
        await forger.execute("REVOKE SELECT ON audit.unbalanced FROM topup_auditor")
    as_auditor = make_conninfo(database_url, options="-c role=topup_auditor")
    code, said = await command(environment | {"DATABASE_URL": as_auditor}, "audit")
    assert (code, said.count("FOUND"), said.count("holds  ")) == (1, 1, len(PROOFS) - 1), said
    assert "it cannot be asked: permission denied for view unbalanced" in said


def test_a_standby_is_no_place_to_prove_the_books_but_its_chain_can_be_computed(
    postgres_bin: Path, tmp_path: Path
) -> None:
    kept = str(tmp_path / "kept.jsonl")
    with own_postgres_server(postgres_bin) as server:
        environment = {"DATABASE_URL": server.url}
        code, said = asyncio.run(command(environment, "checkpoint", "--to", kept))
        assert code == 0, said
        server.stop()
        (server.cluster / "standby.signal").touch()
        server.start()
        code, said = asyncio.run(command(environment, "audit"))
        assert (code, "FOUND" in said) == (2, False), said
        assert "Ask the primary" in said
        code, said = asyncio.run(command(environment, "checkpoint", "verify", kept))
        assert (code, "0 findings." in said) == (0, True), said


@pytest.mark.breaks_the_laws
@pytest.mark.usefixtures("paid")
async def test_checkpoints_kept_elsewhere_tell_what_the_database_cannot(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    kept = str(tmp_path / "kept.jsonl")
    assert (await command(environment, "checkpoint", "--to", kept))[0] == 0
    code, said = await command(environment, "audit", "--kept", kept)
    assert (code, f"All {len(PROOFS) + 1} proofs hold." in said) == (0, True), said
    async with connected(database_url) as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM topup.checkpoints")
    assert (await command(environment, "audit"))[0] == 0
    code, said = await command(environment, "audit", "--kept", kept)
    assert (code, "checkpoint 2 is not in the database" in said) == (1, True), said


@pytest.mark.breaks_the_laws
@pytest.mark.usefixtures("paid")
async def test_an_event_edited_behind_silent_proofs_contradicts_the_checkpoints_kept_elsewhere(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    kept = str(tmp_path / "kept.jsonl")
    assert (await command(environment, "checkpoint", "--to", kept))[0] == 0
    async with superuser(database_url) as forger:
        await forger.execute(SILENT)
        await forger.execute("UPDATE topup.events SET occurred_at = 'infinity' WHERE seq = 2")
    assert (await command(environment, "audit"))[0] == 0
    code, said = await command(environment, "audit", "--kept", kept)
    assert code == 1, said
    assert "event_changed: event 2 of T" in said


@pytest.mark.usefixtures("paid")
async def test_a_rebuild_tells_what_differs_and_replaces_it_when_asked(
    environment: dict[str, str], database_url: str
) -> None:
    code, said = await command(environment, "rebuild")
    assert (code, "Differences: 0." in said) == (0, True), said
    async with connected(database_url) as connection:
        await connection.execute("UPDATE topup.wallets SET balance = 1")
    for option, ending in (("", "Differences: 1."), ("--swap", "Differences: 1, replaced.")):
        code, said = await command(environment, "rebuild", *filter(None, [option]))
        assert code == 1, said
        assert "balance: the log says 50000, found 1" in said
        assert ending in said
        assert EXPORT_AGAIN not in said
    assert (await command(environment, "rebuild"))[0] == 0
    assert (await command(environment, "audit"))[0] == 0


@pytest.mark.usefixtures("paid")
async def test_a_rebuild_that_replaces_entries_says_that_exports_are_out_of_date(
    environment: dict[str, str], database_url: str
) -> None:
    async with superuser(database_url) as forger:
        await forger.execute("UPDATE topup.ledger_entries SET amount = 1 WHERE user_id IS NOT NULL")
    for options, told in (([], False), (["--swap"], True), (["--swap"], False)):
        code, said = await command(environment, "rebuild", *options)
        assert (EXPORT_AGAIN in said) is told, (code, said)
