"""All the money that the database knows of, read as an auditor would."""

from typing import LiteralString

import psycopg
from psycopg.rows import class_row

from app.database.connecting import connect
from app.errors import ConfigurationError
from app.model import Books

ROLE = "SET ROLE topup_app"
BOOKS: LiteralString = """
    SELECT
        m.received::bigint AS received,
        m.in_wallets::bigint AS in_wallets,
        m.in_suspense::bigint AS in_suspense,
        m.difference::bigint AS difference,
        (
            SELECT count(*) FROM topup.events AS e
            WHERE e.type = 'payment.received' AND e.data ->> 'source' = 'payos.get'
        ) AS recovered,
        (SELECT count(*) FROM topup.events AS e WHERE e.type = 'payment.conflict') AS conflicts,
        (
            SELECT coalesce(jsonb_object_agg(o.order_code, o.amount), '{}')
            FROM (
                SELECT e.data ->> 'order_code' AS order_code,
                    sum((e.data ->> 'amount')::bigint) AS amount
                FROM topup.events AS e WHERE e.type = 'payment.received' GROUP BY 1
            ) AS o
        ) AS received_for,
        (SELECT count(*) FROM audit.drift()) AS drift
    FROM audit.money_equation AS m
"""


async def read_books(database_url: str) -> Books:
    """What stands there now, in one snapshot. Raises ConfigurationError when nothing can be read.

    Reads the whole log: for checks, not for service. Source: audit.money_equation, audit.drift().
    """
    try:
        async with (
            await connect(database_url, "storm") as connection,
            connection.cursor(row_factory=class_row(Books)) as cursor,
        ):
            await cursor.execute(ROLE)
            await cursor.execute(BOOKS)
            books = await cursor.fetchone()
    except psycopg.Error as error:
        complaint = f"the books cannot be read: {error}".strip()
        raise ConfigurationError("DATABASE_URL", f"{complaint}.", "Unset it?") from error
    if books is None:
        raise ConfigurationError("DATABASE_URL", "there are no books.", "Migrate it first.")
    return books
