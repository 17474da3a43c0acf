"""`python -m app …` as a person runs it."""

import asyncio
import os
import subprocess
from collections.abc import Mapping

from tests.services import ROOT, SECONDS_MAX, Process


async def command(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code, and everything that was said, which is never a traceback."""
    process = Process(environment, *arguments)
    try:
        code = await asyncio.to_thread(process.wait)
    finally:
        process.close()
    assert "Traceback" not in process.output, process.output
    return code, process.output


def shell(environment: Mapping[str, str], command: str) -> subprocess.CompletedProcess[str]:
    """What a line of a shell wrote and what it said, apart."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS_MAX,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done
