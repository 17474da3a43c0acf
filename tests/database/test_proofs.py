"""The proofs are of one moment, also when one of them cannot be answered."""

import pytest

from app.database.proofs import PROOFS, Proof, findings, one_snapshot
from tests.payments import connected, open_process

UNANSWERABLE = Proof("one is a number", "SELECT ('x'::text)::bigint::text")


@pytest.mark.breaks_the_laws
async def test_what_happens_meanwhile_is_not_seen(database_url: str) -> None:
    async with open_process(database_url) as process:
        await process.user()
    drift = PROOFS[0]
    async with one_snapshot(database_url) as connection:
        assert await findings(connection, drift) == []
        async with connected(database_url) as superuser:
            await superuser.execute("UPDATE topup.wallets SET version = 7")
        [found] = await findings(connection, UNANSWERABLE)
        assert found == 'it cannot be asked: invalid input syntax for type bigint: "x"'
        assert await findings(connection, drift) == []
    async with one_snapshot(database_url) as connection:
        assert len(await findings(connection, drift)) == 1
