"""Law 3: an event's entries sum to zero, a wallet is its entries, no đồng is missing."""

from uuid import uuid4

import psycopg
import pytest

from app.model import Outcome
from tests.payments import UNKNOWN_ORDER, Process, connected, query, transfer

EQUATION = "SELECT received, in_wallets, in_suspense, difference FROM audit.money_equation"


async def test_every_dong_is_in_a_wallet_or_in_suspense(
    process: Process, database_url: str
) -> None:
    topup, other = await process.topup(50_000), await process.topup(30_000)
    lost = transfer(UNKNOWN_ORDER, 7_000)
    await process.store.append_events(
        [
            transfer(topup.order_code, 20_000),
            transfer(other.order_code, 31_000),
            lost,
            transfer(UNKNOWN_ORDER, 500),
        ]
    )
    assert await query(database_url, EQUATION) == [(58_500, 51_000, 7_500, 0)]

    async with connected(database_url, "topup_app") as connection:
        await connection.execute(
            "SELECT topup.assign_suspense(%s, %s, 'asked for by phone', 'Lan')",
            (lost.event_id, topup.tx_ref),
        )
    assert await query(database_url, EQUATION) == [(58_500, 58_000, 500, 0)]


async def test_entries_of_every_event_sum_to_zero_and_wallets_are_their_entries(
    process: Process, database_url: str
) -> None:
    topup = await process.topup(50_000)
    await process.store.append_events(
        [transfer(topup.order_code, 20_000 + extra) for extra in range(5)]
        + [transfer(UNKNOWN_ORDER, 7_000)]
    )
    assert (
        await query(
            database_url,
            "SELECT count(*), sum(amount) FROM topup.ledger_entries GROUP BY event_id",
        )
        == [(2, 0)] * 6
    )
    [(balance, entries, latest)] = await query(
        database_url,
        """
        SELECT w.balance, sum(l.amount), (array_agg(l.balance_after ORDER BY l.id DESC))[1]
        FROM topup.wallets AS w INNER JOIN topup.ledger_entries AS l ON l.user_id = w.user_id
        GROUP BY w.user_id
        """,
    )
    assert balance == entries == latest == 100_010


async def test_an_unbalanced_posting_is_refused_at_commit(
    process: Process, database_url: str
) -> None:
    topup = await process.topup(50_000)
    fact = transfer(topup.order_code, 20_000)
    await process.store.append_events([fact])
    async with connected(database_url, "topup_owner") as connection:
        with pytest.raises(psycopg.Error) as refusal:
            async with connection.transaction():
                await connection.execute(
                    """
                    INSERT INTO topup.ledger_entries (event_id, account, amount, recorded_at)
                    VALUES (%s, 'suspense', 1, clock_timestamp())
                    """,
                    (fact.event_id,),
                )
                await connection.execute("SELECT 'deferred: the statement itself went through'")
    assert refusal.value.sqlstate == "TU011"
    assert refusal.value.diag.message_detail == str(fact.event_id)


@pytest.mark.parametrize("amount", [0, -1, 2**53, "a lot", None, 1.5, True])
async def test_what_is_no_amount_moves_no_money(
    process: Process, database_url: str, amount: object
) -> None:
    topup = await process.topup(50_000)
    [answer] = await process.store.append_events([transfer(topup.order_code, amount)])
    assert answer.outcome == Outcome.REJECTED
    assert await query(database_url, EQUATION) == [(0, 0, 0, 0)]


async def test_the_largest_amount_is_credited_to_the_last_dong(process: Process) -> None:
    topup = await process.topup(50_000)
    await process.store.append_events([transfer(topup.order_code, 2**53 - 1)])
    assert (await process.store.wallet(topup.user_id)).balance == 2**53 - 1


async def test_a_wallet_cannot_go_below_zero(process: Process, database_url: str) -> None:
    user = await process.user()
    async with connected(database_url, "topup_owner") as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            await connection.execute(
                "UPDATE topup.wallets SET balance = -1 WHERE user_id = %s", (user,)
            )


async def test_an_entry_needs_an_event(process: Process, database_url: str) -> None:
    async with connected(database_url, "topup_owner") as connection:
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            await connection.execute(
                """
                INSERT INTO topup.ledger_entries (event_id, account, amount, recorded_at)
                VALUES (%s, 'suspense', 1, clock_timestamp())
                """,
                (uuid4(),),
            )
