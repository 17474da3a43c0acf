"""Top-ups that PayOS has to be asked about, as the tests of their schedule see them."""

from app.model import Topup, TxRef
from tests.payments import query

AT_ONCE = 4
LEASE_SECONDS = 60.0


async def due_in_seconds(url: str, tx_ref: TxRef) -> float | None:
    """From the opening of the top-up to the next question; None: there will be none."""
    rows = await query(
        url,
        """
        SELECT extract(epoch FROM c.next_at - t.opened_at)::float8
        FROM topup.payos_checks AS c INNER JOIN topup.topups AS t ON t.tx_ref = c.tx_ref
        WHERE c.tx_ref = %s
        """,
        tx_ref,
    )
    return rows[0][0] if rows else None


async def make_due(url: str, *topups: Topup) -> None:
    """As if the time had come, in this order."""
    for place, topup in enumerate(topups):
        await query(
            url,
            """
            UPDATE topup.payos_checks
            SET next_at = clock_timestamp() - interval '1 h' + %s * interval '1 s'
            WHERE tx_ref = %s RETURNING 1
            """,
            place,
            topup.tx_ref,
        )


async def claim(
    url: str, at_once: int = AT_ONCE, lease_seconds: float = LEASE_SECONDS
) -> set[TxRef]:
    rows = await query(url, "SELECT topup.claim_checks(%s, %s)", at_once, lease_seconds)
    return {TxRef(tx_ref) for (tx_ref,) in rows}


async def finish(url: str, topup: Topup, answered: bool = True) -> None:
    await query(url, "SELECT topup.finish_check(%s, %s)", topup.tx_ref, answered)
