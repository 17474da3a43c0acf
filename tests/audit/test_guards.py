"""A guard that is weaker than it should be, or gone, is a finding that an auditor can make."""

from collections.abc import AsyncIterator
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.payments import connected

OFF: LiteralString = "SELECT guard FROM audit.guards WHERE NOT in_force"
REFUSE = "EXECUTE FUNCTION topup.refuse_change()"

DAMAGE: dict[LiteralString, str] = {
    "ALTER TABLE topup.checkpoints DISABLE TRIGGER checkpoints_before_change": (
        "trigger checkpoints_before_change on checkpoints"
    ),
    "DROP TRIGGER event_seals_before_truncate ON topup.event_seals": (
        "trigger event_seals_before_truncate on event_seals"
    ),
    "ALTER TABLE topup.events ENABLE REPLICA TRIGGER events_after_insert": (
        "trigger events_after_insert on events"
    ),
    f"""
    CREATE OR REPLACE TRIGGER events_before_change BEFORE UPDATE OR DELETE ON topup.events
    FOR EACH ROW WHEN (false) {REFUSE}
    """: "trigger events_before_change on events",
    f"""
    CREATE OR REPLACE TRIGGER events_before_change BEFORE UPDATE OF seq OR DELETE ON topup.events
    FOR EACH ROW {REFUSE}
    """: "trigger events_before_change on events",
    f"""
    CREATE OR REPLACE TRIGGER events_before_change BEFORE UPDATE ON topup.events
    FOR EACH ROW {REFUSE}
    """: "trigger events_before_change on events",
    """
    CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RETURN NEW; END';
    CREATE OR REPLACE TRIGGER ledger_entries_before_change
    BEFORE UPDATE OR DELETE ON topup.ledger_entries
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change()
    """: "trigger ledger_entries_before_change on ledger_entries",
    f"""
    CREATE TRIGGER another BEFORE INSERT ON topup.wallets FOR EACH ROW {REFUSE}
    """: "no other trigger and no rule on wallets",
    "CREATE RULE nothing AS ON INSERT TO topup.events DO INSTEAD NOTHING": (
        "no other trigger and no rule on events"
    ),
    """
    ALTER TABLE topup.events DISABLE TRIGGER ALL;
    ALTER TABLE topup.events ENABLE TRIGGER USER
    """: "triggers of foreign keys on events",
    "ALTER TABLE topup.topups DROP CONSTRAINT topups_amount_check": (
        "constraint topups_amount_check"
    ),
    "ALTER TABLE topup.ledger_entries DROP CONSTRAINT ledger_entries_user_id_fkey": (
        "constraint ledger_entries_user_id_fkey"
    ),
    """
    ALTER TABLE topup.ledger_entries DROP CONSTRAINT ledger_entries_account_name,
    ADD CONSTRAINT ledger_entries_account_name CHECK (account <> '') NOT VALID
    """: "constraint ledger_entries_account_name",
    """
    ALTER TABLE topup.wallets DROP CONSTRAINT wallets_balance_check,
    ADD CONSTRAINT wallets_balance_check CHECK (true)
    """: "constraint wallets_balance_check",
    "ALTER TABLE topup.users ADD CHECK (username <> '') NOT VALID": (
        "every constraint on users is validated"
    ),
    "ALTER TABLE topup.ledger_entries ALTER amount DROP NOT NULL": (
        "required columns of ledger_entries"
    ),
    "CREATE TABLE public.more () INHERITS (topup.events)": "events has its own rows alone",
    """
    CREATE TABLE public.above (amount bigint NOT NULL);
    ALTER TABLE topup.ledger_entries INHERIT public.above
    """: "ledger_entries has its own rows alone",
    "ALTER SEQUENCE topup.events_id_seq CACHE 50": "ids of events are drawn one by one, upwards",
    "ALTER SEQUENCE topup.ledger_entries_id_seq INCREMENT -1": (
        "ids of ledger_entries are drawn one by one, upwards"
    ),
    "ALTER SEQUENCE topup.events_id_seq CYCLE": "ids of events are drawn one by one, upwards",
    "GRANT UPDATE (balance) ON topup.wallets TO topup_app": "the application cannot write wallets",
    "GRANT DELETE ON topup.event_seals TO topup_app": "the application cannot write event_seals",
    "GRANT UPDATE (balance) ON topup.wallets TO pg_monitor": (
        "nobody but topup_owner may write wallets"
    ),
    "GRANT INSERT ON topup.events TO PUBLIC": "nobody but topup_owner may write events",
    "ALTER TABLE topup.events OWNER TO postgres": "nobody but topup_owner may write events",
    "GRANT topup_owner TO topup_app": "topup_app cannot become topup_owner",
    "CREATE ROLE intern LOGIN; GRANT topup_auditor, pg_write_all_data TO intern": (
        "nobody writes through pg_write_all_data"
    ),
    """
    CREATE ROLE clerks; GRANT pg_write_all_data TO clerks;
    CREATE ROLE intern LOGIN NOINHERIT; GRANT clerks TO intern
    """: "nobody writes through pg_write_all_data",
    "ALTER ROLE topup_app SET session_replication_role = replica": (
        "triggers fire in new sessions, whatever the role"
    ),
    "ALTER DATABASE test SET session_replication_role = replica": (
        "triggers fire in new sessions, whatever the role"
    ),
}


@pytest.fixture
async def superuser(database_url: str) -> AsyncIterator[AsyncConnection]:
    async with connected(database_url) as connection:
        yield connection


async def off(connection: AsyncConnection) -> set[str]:
    """As an auditor sees it."""
    async with connection.transaction(force_rollback=True):
        await connection.execute("SET LOCAL ROLE topup_auditor")
        return {guard for (guard,) in await (await connection.execute(OFF)).fetchall()}


async def test_every_guard_is_in_force_before(superuser: AsyncConnection) -> None:
    assert await off(superuser) == set()


async def test_every_table_of_money_is_guarded(superuser: AsyncConnection) -> None:
    cursor = await superuser.execute("SELECT guard FROM audit.guards")
    guards = [guard for (guard,) in await cursor.fetchall()]
    assert len(guards) == len(set(guards))
    for table in ("events", "ledger_entries", "wallets", "topups", "event_seals", "checkpoints"):
        assert f"constraint {table}_pkey" in guards


async def test_a_guard_that_is_weaker_or_gone_is_seen(superuser: AsyncConnection) -> None:
    for damage, guard in DAMAGE.items():
        async with superuser.transaction(force_rollback=True):
            await superuser.execute(damage)
            assert guard in await off(superuser), damage
    assert await off(superuser) == set()


async def test_the_role_that_migrates_may_come_from_a_hosting_provider(
    superuser: AsyncConnection,
) -> None:
    """Whose group writes everywhere, and who can become topup_owner anyhow."""
    async with superuser.transaction(force_rollback=True):
        await superuser.execute(
            """
            CREATE ROLE provider; GRANT pg_write_all_data TO provider;
            CREATE ROLE migrates LOGIN; GRANT provider, topup_owner TO migrates
            """
        )
        assert await off(superuser) == set()


async def test_a_body_that_is_not_what_was_signed_is_seen(superuser: AsyncConnection) -> None:
    """Those whose bytes were forgotten after a dismissal are not."""
    await superuser.execute(
        """
        INSERT INTO topup.payos_bodies (body_sha256, raw, fault, dismissed_at, dismissed_by,
            dismissed_reason)
        VALUES
        (sha256('as it was'), 'as it was', NULL, NULL, NULL, NULL),
        (sha256('forgotten'), '', 'odd', now(), 'Lan', 'a test'),
        (sha256('emptied'), '', 'odd', NULL, NULL, NULL),
        (sha256('edited'), 'otherwise', 'odd', now(), 'Lan', 'a test')
        """
    )
    cursor = await superuser.execute(
        """
        SELECT count(*) FROM audit.altered_bodies AS b
        WHERE b.body_sha256 IN
            (encode(sha256('emptied'), 'hex'), encode(sha256('edited'), 'hex'))
        """
    )
    assert await cursor.fetchone() == (2,)
    cursor = await superuser.execute("SELECT count(*) FROM audit.altered_bodies")
    assert await cursor.fetchone() == (2,)
