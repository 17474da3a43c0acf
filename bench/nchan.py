"""nchan as a contender of the streams: an nginx of our own that is gone afterwards.

What it does, and what it leaves out, is in bench/peers/nchan.conf.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.processes import die_with_parent
from bench.contenders import PEERS, Contender, state, wait_for
from tests.bulk import OpenTopup
from tests.ports import held_port

NCHAN = "nchan"
PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONNECTIONS_EACH = 1.25  # below a sixteenth of spare ones nginx closes those that are silent
SPARE_CONNECTIONS = 100
STOP_SECONDS_MAX = 10.0


@contextmanager
def nchan(topups: Sequence[OpenTopup]) -> Iterator[Contender]:
    """One worker process. It knows nothing of `topups` before their first event."""
    with tempfile.TemporaryDirectory(prefix="napvi-nchan-") as directory, held_port() as port:
        Path(directory, "nginx.conf").write_text(_configuration(port, len(topups)), "utf-8")
        with _running_nginx(directory) as pid:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/healthz", NCHAN)
            yield Contender(NCHAN, url, pid, topups, url, state, takes_webhooks=False)


def _configuration(port: int, streams: int) -> str:
    text = (PEERS / "nchan.conf").read_text("utf-8")
    connections = int(streams * CONNECTIONS_EACH) + SPARE_CONNECTIONS
    filled = {"MODULE;": f"{MODULE};", ":PORT": f":{port}", "CONNECTIONS;": f"{connections};"}
    for place, value in filled.items():
        assert text.count(place) == 1, place
        text = text.replace(place, value)
    return text


@contextmanager
def _running_nginx(directory: str) -> Iterator[int]:
    """Its pid. Asked to stop, not killed: its worker would stay."""
    program = shutil.which("nginx", path=PATH)
    if program is None or not MODULE.exists():
        raise SystemExit("The streams need nchan: apt-get install nginx libnginx-mod-nchan")
    with subprocess.Popen(
        (program, "-p", directory, "-c", "nginx.conf", "-e", "stderr"),
        preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
    ) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(STOP_SECONDS_MAX)
