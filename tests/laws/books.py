"""What the database has on record beside what the oracle expects: the same, always."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from app.model import TxRef, UserId
from tests.laws.doors import fingerprint
from tests.laws.expected import DETAILS
from tests.laws.oracle import CLEARING, SUSPENSE, Oracle
from tests.payments import GRACE_SECONDS

Rows = list[tuple[Any, ...]]

TOPUPS = """
    SELECT t.tx_ref, t.user_id, t.order_code, t.amount, t.idempotency_key,
        t.idempotency_fingerprint, extract(EPOCH FROM t.expires_at - t.opened_at)::float8,
        t.payment_link_id, ARRAY[t.checkout_url, t.qr_code, t.bank_bin, t.account_number,
            t.account_name, t.transfer_message],
        t.amount_paid, t.status, t.late, t.seq, c.seq, x.seq, o.seq
    FROM topup.topups AS t
    LEFT JOIN topup.events AS c ON c.tx_ref = t.tx_ref AND c.recorded_at = t.confirmed_at
    LEFT JOIN topup.events AS x ON x.tx_ref = t.tx_ref AND x.recorded_at = t.closed_at
    LEFT JOIN topup.events AS o ON o.tx_ref = t.tx_ref AND o.recorded_at = t.opened_at
    WHERE t.tx_ref = ANY (%s)
    ORDER BY t.tx_ref
"""
WALLETS = """
    SELECT
        w.user_id, w.balance, w.version,
        array_agg(ARRAY[l.amount, l.balance_after] ORDER BY l.id)
    FROM topup.wallets AS w LEFT JOIN topup.ledger_entries AS l ON l.user_id = w.user_id
    WHERE w.user_id = ANY (%s) GROUP BY w.user_id ORDER BY w.user_id
"""
ACCOUNTS = """
    SELECT a.account, coalesce(sum(l.amount), 0)::bigint
    FROM unnest(%s::text[]) AS a (account)
    LEFT JOIN topup.ledger_entries AS l ON l.account = a.account
    GROUP BY a.account
"""
UPDATES = """
    SELECT u.tx_ref, u.seq, u.type, u.status, u.amount_paid, u.late, u.wallet_balance
    FROM topup.read_updates(%s::text[], %s::bigint[], %s) AS u
    ORDER BY u.tx_ref, u.seq
"""
NOTES = """
    SELECT e.event_id, concat_ws(' ', e.data ->> 'matched_by', e.data ->> 'unmatched')
    FROM topup.events AS e WHERE e.event_id = ANY (%s)
"""
CHECKS = "SELECT tx_ref, doubtful FROM topup.payos_checks WHERE tx_ref = ANY (%s) ORDER BY tx_ref"


@dataclass(frozen=True)
class Books:
    """`updates` as a stream would send them, from the first event on; `checks`: whom PayOS will
    be asked about, and whether a transfer is in doubt; `notes`: how each fact was matched.
    """

    topups: Rows
    wallets: Rows
    accounts: dict[str, int]
    updates: Rows
    checks: Rows
    notes: dict[UUID, str]


async def read_accounts(connection: AsyncConnection) -> dict[str, int]:
    """The sums of the system accounts, whoever they are for."""
    return dict(await _rows(connection, ACCOUNTS, [CLEARING, SUSPENSE]))


async def recorded(connection: AsyncConnection, oracle: Oracle, before: dict[str, int]) -> Books:
    """`before`: what the system accounts held when the oracle had heard of nothing."""
    tx_refs = sorted(oracle.topups)
    now = await read_accounts(connection)
    return Books(
        topups=await _rows(connection, TOPUPS, tx_refs),
        wallets=await _rows(connection, WALLETS, users_of(oracle)),
        accounts={account: now[account] - before[account] for account in now},
        updates=await _rows(connection, UPDATES, tx_refs, [0] * len(tx_refs), GRACE_SECONDS),
        checks=await _rows(connection, CHECKS, tx_refs),
        notes=dict(await _rows(connection, NOTES, list(oracle.notes))),
    )


def expected(oracle: Oracle) -> Books:
    return Books(
        topups=[_topup_row(oracle, tx_ref) for tx_ref in sorted(oracle.topups)],
        wallets=[
            (
                user,
                oracle.balance(user),
                len(oracle.entries[user]),
                [list(entry) for entry in oracle.entries[user]] or [[None, None]],
            )
            for user in users_of(oracle)
        ],
        accounts={account: oracle.accounts[account] for account in (CLEARING, SUSPENSE)},
        updates=[
            (tx_ref, *told)
            for tx_ref in sorted(oracle.topups)
            for told in oracle.topups[tx_ref].history
        ],
        checks=[(tx_ref, oracle.topups[tx_ref].doubtful) for tx_ref in sorted(oracle.topups)],
        notes=oracle.notes,
    )


def users_of(oracle: Oracle) -> list[UserId]:
    return sorted({topup.user_id for topup in oracle.topups.values()})


def _topup_row(oracle: Oracle, tx_ref: TxRef) -> tuple[Any, ...]:
    topup = oracle.topups[tx_ref]
    return (
        tx_ref,
        topup.user_id,
        topup.order_code,
        topup.amount,
        topup.idempotency_key,
        fingerprint(topup.amount),
        topup.expiry_seconds,
        topup.link,
        [topup.details.get(name) for name in DETAILS],
        topup.amount_paid,
        topup.status,
        topup.late,
        topup.seq,
        topup.confirmed_seq,
        topup.closed_seq,
        1,
    )


async def _rows(
    connection: AsyncConnection, sql: LiteralString, *values: Sequence[Any] | float
) -> Rows:
    return await (await connection.execute(sql, values)).fetchall()
