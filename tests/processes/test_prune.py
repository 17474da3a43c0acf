"""What has been kept long enough is forgotten: by servers that run, and by the command."""

import asyncio
import hashlib

import pytest

from tests.payments import open_process, query
from tests.processes.commands import command
from tests.processes.payer import until
from tests.services import StartService

pytestmark = pytest.mark.processes


async def keep_old_bodies(url: str, count: int) -> None:
    await query(
        url,
        """
        INSERT INTO topup.payos_bodies (body_sha256, raw, received_at)
        SELECT sha256(n::text::bytea), n::text::bytea, clock_timestamp() - interval '91 days'
        FROM generate_series(1, %s) AS n RETURNING 1
        """,
        count,
    )


async def bodies(url: str) -> int:
    return int((await query(url, "SELECT count(*) FROM topup.payos_bodies"))[0][0])


async def test_the_command_removes_all_there_is_in_small_batches(
    environment: dict[str, str], database_url: str
) -> None:
    environment["NAPVI_PRUNE_ROWS_MAX"] = "3"
    await keep_old_bodies(database_url, 8)
    code, said = await command(environment, "prune")
    assert (code, said) == (0, "bodies       8\nsessions     0\nguesses      0\nlink_claims  0\n")
    assert await bodies(database_url) == 0


async def test_a_server_that_runs_removes_it_by_itself(
    environment: dict[str, str], start_service: StartService, database_url: str
) -> None:
    environment["NAPVI_PRUNE_SECONDS"] = "0.05"
    service = start_service()

    async def all_are_gone() -> bool:
        return await bodies(database_url) == 0

    for count in (2, 3):
        await keep_old_bodies(database_url, count)
        await until(all_are_gone)
    await asyncio.to_thread(service.wait_for, r"event=pruned bodies=[23]")


async def test_a_person_sees_what_could_not_be_read_and_dismisses_it(
    environment: dict[str, str], database_url: str
) -> None:
    async with open_process(database_url) as doors:
        await doors.store.keep_body(b"unread", "not understood")
    sha256 = hashlib.sha256(b"unread").hexdigest()
    code, said = await command(environment, "bodies", "list")
    assert (code, sha256 in said, "not understood" in said) == (0, True, True), said
    dismiss = ("bodies", "dismiss", sha256, "--by", "Lan", "--reason")
    assert await command(environment, *dismiss, "") == (
        2,
        "napvi: Say with --reason why nothing has to come of it.\n",
    )
    assert await command(environment, *dismiss, "no money") == (0, f"{sha256} is dismissed.\n")
    _, said = await command(environment, *dismiss, "no money")
    assert said == f"{sha256} had been dismissed before.\n"
    _, said = await command(environment, "bodies", "list")
    assert said == "Signed webhooks that could not be read: 0\n"
    code, said = await command(environment, "bodies", "dismiss", "0" * 64, "--reason", "x")
    assert (code, said) == (2, "napvi: No such body waits. `bodies list` shows what does.\n")
    assert (await command(environment, "bodies", "dismiss", "abc", "--reason", "x"))[0] == 2
