"""append_events: what the laws leave open."""

import hashlib
from dataclasses import replace

from app.model import Fact, Outcome, TxRef
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    append_raw,
    connected,
    element,
    query,
    transfer,
)

UNREAD = "SELECT fault FROM audit.unread_bodies"
DISMISS = "SELECT topup.dismiss_body(sha256(%s), 'no money', 'Lan')"
DISMISSED = "SELECT fault FROM audit.dismissed_bodies"


async def test_a_session_that_does_not_wait_for_its_commits_waits_for_this_one(
    process: Process, database_url: str
) -> None:
    """PayOS hears 200 and never tells us again."""
    topup = await process.topup()
    async with connected(database_url, "topup_app") as connection:
        await connection.execute("SET synchronous_commit = off")
        async with connection.transaction():
            await append_raw(connection, [element(transfer(topup.order_code, 1_000))])
            cursor = await connection.execute("SHOW synchronous_commit")
            assert await cursor.fetchone() == ("on",)
        cursor = await connection.execute("SHOW synchronous_commit")
        assert await cursor.fetchone() == ("off",)


async def test_a_stricter_session_stays_strict(process: Process, database_url: str) -> None:
    topup = await process.topup()
    async with connected(database_url, "topup_app") as connection:
        await connection.execute("SET synchronous_commit = remote_apply")
        async with connection.transaction():
            await append_raw(connection, [element(transfer(topup.order_code, 1_000))])
            cursor = await connection.execute("SHOW synchronous_commit")
            assert await cursor.fetchone() == ("remote_apply",)


async def test_a_batch_may_be_as_long_as_64(process: Process) -> None:
    topup = await process.topup(64_000)
    facts = [transfer(topup.order_code, 1_000) for _ in range(64)]
    answers = await process.store.append_events(facts)
    assert {answer.outcome for answer in answers} == {Outcome.APPLIED}
    assert [answer.seq for answer in answers] == list(range(2, 66))


async def test_the_id_of_a_conflict_never_changes(process: Process, database_url: str) -> None:
    """Another derivation would record conflicts again that are in the log of an installation."""
    topup = await process.topup()
    fact, other = (transfer(topup.order_code, amount, "FT-same") for amount in (1_000, 2_000))
    await process.store.append_events([fact, other])
    described = f"{fact.event_id}/{topup.order_code}/2000"
    derived = hashlib.sha256(described.encode()).hexdigest()[:32]
    assert await query(
        database_url, "SELECT replace(event_id::text, '-', '') FROM topup.events WHERE seq = 3"
    ) == [(derived,)]


async def test_a_repeat_within_a_batch_is_no_money_of_another_topup(process: Process) -> None:
    """Told again it names the second top-up, which therefore still waits for its own transfer."""
    first, second = await process.topup(30_000), await process.topup(30_000)

    def named(tx_ref: TxRef, reference: str) -> Fact:
        return transfer(UNKNOWN_ORDER, 30_000, reference, description_tx_refs=[tx_ref])

    answers = await process.store.append_events(
        [named(first.tx_ref, "FT-a"), named(second.tx_ref, "FT-a"), named(second.tx_ref, "FT-b")]
    )
    assert [(answer.outcome, answer.tx_ref) for answer in answers] == [
        (Outcome.APPLIED, first.tx_ref),
        (Outcome.DUPLICATE, first.tx_ref),
        (Outcome.APPLIED, second.tx_ref),
    ]


async def test_a_body_that_could_not_be_read_is_read_when_an_event_comes_of_it(
    process: Process, database_url: str
) -> None:
    """A later version understands what PayOS sends once more; twice in one batch, too."""
    topup = await process.topup()
    read, unread = (replace(transfer(topup.order_code, 1_000), body=b) for b in (b"a", b"b"))
    for body in (b"a", b"b"):
        await process.store.keep_body(body, "not understood")
    assert await query(database_url, UNREAD) == [("not understood",)] * 2
    await process.store.append_events([read, read])
    assert await query(database_url, UNREAD) == [("not understood",)]
    await process.store.append_events([replace(unread, body=None)])
    assert await query(database_url, UNREAD) == [("not understood",)]
    await process.store.append_events([unread])  # its event is known already
    assert await query(database_url, UNREAD) == []


async def test_what_a_person_said_of_a_body_stays(process: Process, database_url: str) -> None:
    topup = await process.topup()
    fact = replace(transfer(topup.order_code, 1_000), body=b"a")
    await process.store.keep_body(b"a", "not understood")
    await query(database_url, DISMISS, b"a")
    await process.store.append_events([fact])
    assert await query(database_url, DISMISSED) == [("not understood",)]
