"""`checkpoint` and `checkpoint verify` as an administrator and an auditor use them."""

import json
from pathlib import Path

import pytest

from tests.laws.chain import REWRITE, superuser, write_history
from tests.payments import open_process, query
from tests.processes.commands import command

pytestmark = pytest.mark.processes


def numbers(file: str) -> list[int]:
    return [json.loads(line)["number"] for line in Path(file).read_text("utf-8").splitlines()]


@pytest.mark.breaks_the_laws
async def test_a_checkpoint_kept_elsewhere_convicts_who_made_everything_fit_again(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "checkpoints.jsonl")
    async with open_process(database_url) as process:
        await write_history(process)
        code, line = await command(environment, "checkpoint", "--to", file)
        assert (code, json.loads(line)["events"]) == (0, 8)
        await process.topup(50_000)
    assert (await command(environment, "checkpoint", "--to", file))[0] == 0
    assert numbers(file) == [1, 2]
    code, said = await command(environment, "checkpoint", "verify", file)
    assert (code, said.splitlines()[-2:]) == (
        0,
        ["2 checkpoints kept elsewhere cover the first 9 events.", "0 findings."],
    )

    async with superuser(database_url) as forger:
        await forger.execute(
            "UPDATE topup.events SET data = data || '{\"amount\": 1}' WHERE seq = 4"
        )
        await forger.execute(REWRITE)
    verdicts = await query(database_url, "SELECT kind FROM audit.verify_chain()")
    assert {kind for (kind,) in verdicts} == {"range"}
    code, said = await command(environment, "checkpoint", "verify", file)
    assert (code, said.splitlines()[:2]) == (
        1,
        [
            "checkpoint_differs: checkpoint 1 is another one in the database",
            "checkpoint_differs: checkpoint 2 is another one in the database",
        ],
    )


async def test_a_file_that_holds_something_else_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other").write_text('{"number": 1}\n', "utf-8")
    code, said = await command(environment, "checkpoint", "verify", str(tmp_path / "other"))
    assert (code, said) == (2, "napvi: line 1 is no checkpoint.\n")


async def test_a_file_that_holds_none_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "none").write_text("\n", "utf-8")
    for arguments in (["checkpoint", "verify"], ["audit", "--kept"]):
        code, said = await command(environment, *arguments, str(tmp_path / "none"))
        assert (code, said) == (2, "napvi: the file holds no checkpoint: it proves nothing.\n")
