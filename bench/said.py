"""What a peer says is read as what napvi says is: through a pipe, line by line.

So the line of each payment costs both the same, also the benchmark that reads it.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LAST_LINES = 20


@contextmanager
def heard(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Reads the standard output until the process ends; shows its last lines when a run fails."""
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)

    threading.Thread(target=read, daemon=True).start()
    try:
        yield
    except BaseException:
        sys.stderr.writelines(lines[-LAST_LINES:])
        raise
