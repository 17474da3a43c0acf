"""Which process holds how many connections of a listening port, as /proc knows it."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from tests.services import Service

ESTABLISHED = "01"


def connections(service: Service, workers: Iterable[int]) -> dict[int, int]:
    """The open connections of `service`, for each of its workers."""
    port = urlsplit(service.url).port
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    open_ones = {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == ESTABLISHED and int(row[1].split(":")[1], 16) == port
    }
    return {pid: len(open_ones & _descriptors(pid)) for pid in workers}


def _descriptors(pid: int) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
