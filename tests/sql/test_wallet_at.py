"""wallet_at: the balance of a wallet at a moment, by the order of the ledger."""

from datetime import UTC, datetime, timedelta

from app.model import UserId
from tests.payments import Process, connected, query, transfer

WALLET_AT = "SELECT audit.wallet_at(%s, %s)"
MOMENTS = """
    SELECT recorded_at FROM topup.ledger_entries WHERE user_id = %s ORDER BY id
"""
A_MICROSECOND = timedelta(microseconds=1)


async def balance_at(url: str, user_id: int, moment: datetime) -> int | None:
    """As an auditor asks."""
    async with connected(url, "topup_auditor") as connection:
        [(balance,)] = await (await connection.execute(WALLET_AT, (user_id, moment))).fetchall()
        assert balance is None or isinstance(balance, int)
        return balance


async def moments(url: str, user_id: UserId) -> list[datetime]:
    return [moment for (moment,) in await query(url, MOMENTS, user_id)]


async def test_each_entry_counts_from_the_moment_it_was_recorded(
    process: Process, database_url: str
) -> None:
    topup = await process.topup(10_000)
    for amount in (1_000, 2_000, 4_000):
        await process.store.append_events([transfer(topup.order_code, amount)])
    first, second, third = await moments(database_url, topup.user_id)
    seen = [
        await balance_at(database_url, topup.user_id, moment)
        for moment in (first - A_MICROSECOND, first, second - A_MICROSECOND, second, third)
    ]
    assert seen == [0, 1_000, 1_000, 3_000, 7_000]
    assert await balance_at(database_url, topup.user_id, datetime.now(UTC)) == 7_000


async def test_other_wallets_do_not_count_and_an_unknown_one_has_no_balance(
    process: Process, database_url: str
) -> None:
    topup, other = await process.topup(), await process.topup()
    await process.store.append_events([transfer(other.order_code, 1_000)])
    assert await balance_at(database_url, topup.user_id, datetime.now(UTC)) == 0
    assert await balance_at(database_url, 999_999, datetime.now(UTC)) is None


async def test_after_the_clock_was_set_back_it_is_still_a_balance_that_the_wallet_had(
    process: Process, database_url: str
) -> None:
    """Recorded at 10:00, at 12:00, and, an hour set back, at 11:30: 1, 3 and 7 thousand."""
    topup = await process.topup(10_000)
    for hour, minute, amount in ((10, 0, 1_000), (12, 0, 2_000), (11, 30, 4_000)):
        await set_clock(database_url, datetime(2026, 1, 2, hour, minute, tzinfo=UTC))
        await process.store.append_events([transfer(topup.order_code, amount)])
    seen = [
        await balance_at(
            database_url, topup.user_id, datetime(2026, 1, 2, hour, minute, tzinfo=UTC)
        )
        for hour, minute in ((9, 59), (10, 0), (11, 0), (11, 30), (11, 59), (12, 0), (13, 0))
    ]
    assert seen == [0, 1_000, 1_000, 7_000, 7_000, 7_000, 7_000]


async def set_clock(url: str, moment: datetime) -> None:
    """What is recorded from now on is recorded at this moment."""
    async with connected(url) as connection:
        await connection.execute(
            f"ALTER TABLE topup.events ALTER recorded_at SET DEFAULT '{moment.isoformat()}'"
        )
