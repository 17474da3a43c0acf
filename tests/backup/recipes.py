"""The lines of docs/operations.md, as an operator copies them."""

import asyncio
import os
import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.services import Process

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text("utf-8")
APP = "python -m app "
TODAY = "$(date -I)"


@dataclass(frozen=True)
class Operator:
    """At a shell with `environment`; what the document calls /backup is `directory`."""

    environment: dict[str, str]
    directory: Path

    async def copy(self, program: str, **changes: str) -> list[str]:
        """Runs every line that runs `program` so, and gives what they said."""
        start = f"{APP}postgres {program}"
        lines = [line for line in DOCUMENT.splitlines() if line.startswith(start)]
        assert lines, f"docs/operations.md has no {start}"
        return [await self.run(*self._words(line, changes)) for line in lines]

    async def run(self, *arguments: str) -> str:
        """What the command said; it did not fail."""
        process = Process(self.environment, *arguments)
        try:
            code = await asyncio.to_thread(process.wait)
        finally:
            process.close()
        assert code == 0, f"{arguments}: {process.output}"
        assert "Traceback" not in process.output, process.output
        return process.output

    def _words(self, line: str, changes: dict[str, str]) -> list[str]:
        usual = {"/backup": str(self.directory), TODAY: date.today().isoformat()}
        for theirs, ours in (usual | changes).items():
            line = line.replace(theirs, ours)
        return shlex.split(line.removeprefix(APP))


def with_programs(environment: dict[str, str], bin_dir: Path) -> dict[str, str]:
    """Those of the PostgreSQL under test come first. Skips where it has none, except in CI."""
    if not (bin_dir / "pg_dump").exists():
        message = f"there is no pg_dump in {bin_dir}: the client of PostgreSQL"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return environment | {"PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"}
