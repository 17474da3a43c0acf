"""dismiss_body: a person says that nothing has to come of a webhook that could not be read."""

from dataclasses import replace

import psycopg
import pytest

from tests.payments import Process, connected, query, transfer

DISMISS = "SELECT topup.dismiss_body(sha256(%s), %s, %s)"
SAID = "SELECT dismissed_by, reason FROM audit.dismissed_bodies"


async def dismiss(url: str, body: bytes, reason: str = "no money", name: str = "Lan") -> bool:
    async with connected(url, "topup_app") as connection:
        row = await (await connection.execute(DISMISS, (body, reason, name))).fetchone()
    assert row is not None
    return bool(row[0])


async def test_it_waits_no_more_and_the_first_word_stays(
    database_url: str, process: Process
) -> None:
    await process.store.keep_body(b"unread", "not understood")
    await process.store.keep_body(b"other", "not understood")
    assert await dismiss(database_url, b"unread")
    assert not await dismiss(database_url, b"unread", "another reason", "Minh")
    assert await query(database_url, SAID) == [("Lan", "no money")]
    assert await query(database_url, "SELECT bodies_unread FROM audit.review_counts") == [(1,)]


@pytest.mark.parametrize(
    ("body", "reason", "name", "sqlstate"),
    [
        (b"unread", " ", "Lan", "TU009"),
        (b"unread", "no money", "", "TU017"),
        (b"unknown", "no money", "Lan", "TU025"),
        (b"read", "no money", "Lan", "TU025"),
    ],
)
async def test_what_does_not_wait_and_what_is_not_said_is_refused(
    database_url: str, process: Process, body: bytes, reason: str, name: str, sqlstate: str
) -> None:
    await process.store.keep_body(b"unread", "not understood")
    topup = await process.topup()
    await process.store.append_events([replace(transfer(topup.order_code, 1_000), body=b"read")])
    with pytest.raises(psycopg.Error) as refusal:
        await dismiss(database_url, body, reason, name)
    assert refusal.value.sqlstate == sqlstate
    assert await query(database_url, SAID) == []
