"""Many top-ups of many users, for what is measured in the database alone: nobody logs in."""

from uuid import uuid4

import psycopg

from app.model import new_tx_ref
from tests.bulk import EXPIRY_SECONDS, OpenTopup

AMOUNT_VND = 50_000
OPEN = """
    WITH users AS MATERIALIZED (
        SELECT k, topup.register_user(%(name)s || k, 'no hash') AS user_id
        FROM generate_series(0, %(users)s - 1) AS k
    )

    SELECT o.tx_ref, o.order_code, o.amount, o.user_id, ''
    FROM unnest(%(tx_refs)s::text[]) WITH ORDINALITY AS t (tx_ref, n)
    INNER JOIN users AS u ON u.k = t.n %% %(users)s
    CROSS JOIN LATERAL topup.open_topup(
        t.tx_ref, gen_random_uuid(), u.user_id, %(amount)s, %(expiry)s, 100000, NULL, NULL, 0
    ) AS o
"""


def topups_of(database_url: str, count: int, users: int) -> list[OpenTopup]:
    """`count` pending ones, of so many new users in turn."""
    values = {
        "name": f"payer-{uuid4().hex[:12]}-",
        "users": users,
        "tx_refs": [new_tx_ref() for _ in range(count)],
        "amount": AMOUNT_VND,
        "expiry": EXPIRY_SECONDS,
    }
    with psycopg.connect(database_url) as connection:
        return [OpenTopup(*row) for row in connection.execute(OPEN, values)]
