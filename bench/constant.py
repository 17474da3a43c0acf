"""What the server takes by itself: the answer to a webhook, and nothing behind it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.processes import die_with_parent


@contextmanager
def constant_answer(workers: int) -> Iterator[str]:
    """The URL of so many processes that give it."""
    with subprocess.Popen(
        (sys.executable, "-m", "bench.constant_process", str(workers)),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
    ) as process:
        assert process.stdout is not None
        try:
            if not (address := process.stdout.readline().strip()):
                raise SystemExit("The constant answer does not start.")
            yield f"http://{address}"
        finally:
            process.kill()
