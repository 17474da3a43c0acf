"""Each line of each projector, broken once: a proof notices it, or it is listed as equivalent."""

import pytest

from tests.mutations.document import DOCUMENT, Tried, code, missing, written
from tests.mutations.equivalent import EQUIVALENT
from tests.mutations.mutants import PROJECTORS, executable_lines, mutants
from tests.mutations.proof import bench
from tests.payments import Process

ALL = [mutant for function in PROJECTORS for mutant in mutants(function)]
STEP = 12
"""Of those that are tried without --mutants all, which takes a minute."""

ALL_SECONDS_MAX = 600


async def test_the_history_is_right_when_nothing_is_broken(
    process: Process, database_url: str
) -> None:
    async with bench(database_url, process) as one:
        assert await one.notices(None) == ()


@pytest.mark.timeout(ALL_SECONDS_MAX)
async def test_every_mutant_is_noticed_or_known_to_be_equivalent(
    process: Process, database_url: str, pytestconfig: pytest.Config
) -> None:
    effort = pytestconfig.getoption("--mutants")
    chosen = ALL[::STEP] if effort == "some" else ALL
    tried: Tried = []
    async with bench(database_url, process) as one:
        for mutant in chosen:
            noticed = await one.notices(mutant)
            if noticed is not None:
                tried.append((mutant, noticed))
    survived = {mutant.key for mutant, noticed in tried if not noticed}
    assert survived == EQUIVALENT.keys() & {mutant.key for mutant, _ in tried}

    if effort == "write":
        DOCUMENT.write_text(written(tried, STEP), "utf-8")
    document = DOCUMENT.read_text("utf-8")
    assert missing(tried, document) == []
    if effort == "all":
        assert document == written(tried, STEP)


def test_every_executable_line_has_its_mutants_and_they_are_in_the_document() -> None:
    document = DOCUMENT.read_text("utf-8")
    changed = {(mutant.function, mutant.number) for mutant in ALL}
    for function in PROJECTORS:
        for number, line in executable_lines(function):
            assert (function, number) in changed, f"{function}: {line}"
            assert f"\n| {code(line)} | " in document


def test_what_is_listed_as_equivalent_is_a_mutant() -> None:
    assert EQUIVALENT.keys() <= {mutant.key for mutant in ALL}
