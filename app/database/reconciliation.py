"""The SQL of asking PayOS again: when, about which top-ups, and how long that is overdue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.database.pool import Database
from app.model import Status, TxRef
from app.reconciliation import Order
from app.settings import Settings

ORDER_COLUMNS = """
    t.tx_ref, t.order_code, t.amount, t.status, t.opened_at, t.payment_link_id,
    t.checkout_url IS NOT NULL AS linked,
    topup.payable_until(t.expires_at) > pg_catalog.clock_timestamp() AS payable,
    (
        SELECT coalesce(sum((e.data ->> 'amount')::bigint), 0)::bigint
        FROM topup.events AS e
        WHERE
            e.tx_ref = t.tx_ref
            AND e.type = 'payment.received'
            AND e.data ->> 'order_code' = t.order_code::text
    ) AS credited
"""
CLAIM = "SELECT c FROM topup.claim_checks(%s, %s) AS c"
FINISH = "SELECT topup.finish_check(%s, %s)"
NUDGE = "SELECT topup.nudge_checks(%b::text[], %s)"
HASTEN = "SELECT topup.hasten_checks(%b::text[])"
ORDERS = f"SELECT {ORDER_COLUMNS} FROM topup.topups AS t WHERE t.tx_ref = ANY (%b::text[])"  # noqa: S608
ORDERS_SINCE = f"""
    SELECT {ORDER_COLUMNS} FROM topup.topups AS t
    WHERE
        t.order_code IS NOT NULL
        AND (t.status IN ('pending', 'underpaid') OR t.expires_at >= %s OR t.closed_at >= %s)
    ORDER BY t.opened_at
"""  # noqa: S608
OVERDUE = """
    SELECT coalesce(
        extract(epoch FROM pg_catalog.clock_timestamp() - min(c.next_at)), 0
    )::double precision
    FROM topup.payos_checks AS c
"""


class Checks:
    """Source of truth: topup.payos_checks. Every method raises DatabaseUnavailable."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def claim(self) -> list[Order]:
        """The top-ups that this process has to ask about now, for `reconcile_lease_seconds`."""
        values = (self._settings.reconcile_at_once, self._settings.reconcile_lease_seconds)
        tx_refs: list[TxRef] = await self._database.column(CLAIM, values)
        return await self.orders(tx_refs) if tx_refs else []

    async def finish(self, tx_ref: TxRef, answered: bool) -> None:
        """Gives a claim back; `answered`: PayOS did."""
        await self._database.execute(FINISH, (tx_ref, answered))

    async def nudge(self, tx_refs: Sequence[TxRef]) -> None:
        """Somebody is waiting for these: ask in `reconcile_nudge_seconds`, if not before."""
        values = (list(tx_refs), self._settings.reconcile_nudge_seconds)
        await self._database.execute(NUDGE, values)

    async def hasten(self, tx_refs: Sequence[TxRef]) -> None:
        """Who waits for these has perhaps called them off at PayOS: it is time to ask."""
        await self._database.execute(HASTEN, (list(tx_refs),))

    async def orders(self, tx_refs: Sequence[TxRef]) -> list[Order]:
        """Those of these top-ups that there are, in no order."""
        return await self._database.rows(_order, ORDERS, (list(tx_refs),))

    async def orders_since(self, since: datetime) -> list[Order]:
        """What is open, and what expired or was closed since then. Oldest first."""
        return await self._database.rows(_order, ORDERS_SINCE, (since, since))

    async def overdue_seconds(self) -> float:
        """How long ago the most urgent top-up should have been asked about; 0 if there is none."""
        seconds: float = await self._database.value(OVERDUE, ())
        return max(0.0, seconds)


def _order(*, status: str, **columns: Any) -> Order:
    return Order(status=Status(status), **columns)
