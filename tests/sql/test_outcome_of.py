"""outcome_of: what became of a fact; nothing is called known that is not in the log."""

from uuid import uuid4

import psycopg
import pytest

from tests.payments import connected

REPEAT = """
    SELECT topup.outcome_of(
        ROW(1, %s::uuid, 'payment.received', NULL, '{}', now(), NULL, %s, NULL)::topup.fact
    )
"""


@pytest.mark.parametrize("is_new", [False, None])
async def test_a_repeat_of_nothing_is_refused(database_url: str, is_new: bool | None) -> None:
    event_id = uuid4()
    async with connected(database_url) as connection:
        with pytest.raises(psycopg.Error) as refusal:
            await connection.execute(REPEAT, (event_id, is_new))
    assert refusal.value.sqlstate == "TU020"
    assert refusal.value.diag.message_detail == str(event_id)
