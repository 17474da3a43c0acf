"""Many pending top-ups of a few payers, quickly: logins over HTTP, top-ups through the door.

PayOS does not know of them, so they have no link; a payment finds them by order code.
"""

from dataclasses import dataclass
from uuid import uuid4

import psycopg

from app.model import new_tx_ref
from tests.processes.payer import Payer, log_in

EXPIRY_SECONDS = 7200.0
TOPUPS_PER_COMMIT = 500
OPEN = "SELECT order_code FROM topup.open_topup(%s, %s, %s, %s, %s, 100000, NULL, NULL, 0)"


@dataclass(frozen=True)
class OpenTopup:
    """What a payer's browser and PayOS know about it."""

    tx_ref: str
    order_code: int
    amount: int
    user_id: int
    cookie: str

    def as_answered(self) -> dict[str, object]:
        """As `/api/topup/init` would have said it."""
        return {
            "tx_ref": self.tx_ref,
            "order_code": self.order_code,
            "amount": self.amount,
            "checkout_url": f"https://pay.example/{self.order_code:032x}",
        }


async def open_topups(
    url: str, database_url: str, count: int, payers: int = 4, amount: int = 50_000
) -> list[OpenTopup]:
    """`count` of them, of new payers in turn."""
    whose = [await _who(url) for _ in range(payers)]
    topups: list[OpenTopup] = []
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        while len(topups) < count:
            for _ in range(min(TOPUPS_PER_COMMIT, count - len(topups))):
                tx_ref, (user_id, cookie) = new_tx_ref(), whose[len(topups) % payers]
                values = (tx_ref, uuid4(), user_id, amount, EXPIRY_SECONDS)
                row = await (await connection.execute(OPEN, values)).fetchone()
                assert row is not None
                topups.append(OpenTopup(tx_ref, row[0], amount, user_id, cookie))
            await connection.commit()
    return topups


async def _who(url: str) -> tuple[int, str]:
    """The user id and the cookie of a new payer."""
    async with log_in(url) as payer:
        me = await payer.client.get("/api/auth/me")
        return int(me.json()["user_id"]), cookie_of(payer)


def cookie_of(payer: Payer) -> str:
    """For clients that are no httpx."""
    return "; ".join(f"{name}={value}" for name, value in payer.client.cookies.items())
