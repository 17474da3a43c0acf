"""audit.events, in a database whose locale knows more digits than ten."""

from typing import LiteralString

import psycopg
import pytest

from app.database.migrate import migrate
from tests.payments import connected, query
from tests.postgres import Postgres

ARABIC: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at)
    VALUES (
        gen_random_uuid(), 'payment.failed',
        '{"amount": "\u0663", "order_code": "\u0663"}', now()
    )
    RETURNING id
"""


async def test_the_log_is_readable_where_other_characters_are_digits(postgres: Postgres) -> None:
    """To ICU they are, and to no number."""
    async with connected(postgres.url()) as server:
        try:
            await server.execute(
                "CREATE DATABASE digits TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER icu ICU_LOCALE 'vi'"
            )
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this PostgreSQL was built without ICU")
        try:
            url = postgres.url("digits")
            await migrate(url)
            await query(url, ARABIC)
            found = await query(url, "SELECT amount, order_code FROM audit.events")
            assert found == [(None, None)]
        finally:
            await server.execute("DROP DATABASE digits WITH (FORCE)")
