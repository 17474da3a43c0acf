"""What a service holds, seen from outside: /proc, /metrics and the database."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.payments import query
from tests.processes.descendants import descendants
from tests.processes.payer import http_client
from tests.services import Service

ESTABLISHED = "01"


def connections(service: Service) -> int:
    """How many TCP connections it has with clients."""
    port = f":{urlsplit(service.url).port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[1].endswith(port) and row[3] == ESTABLISHED for row in rows)


def resident_mib(service: Service) -> float:
    """The memory of the process and its children."""
    kib = 0
    for pid in (service.pid, *descendants(service.pid)):
        status = Path(f"/proc/{pid}/status").read_text()
        kib += int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0])
    return kib / 1024


def open_files(service: Service) -> int:
    """Of the process and its children."""
    pids = (service.pid, *descendants(service.pid))
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


async def metric(service: Service, name: str, label: str = "") -> float:
    """The sum over all label values, or over those with `label`, such as 'reason="gone"'."""
    async with http_client(service.url) as client:
        text = (await client.get("/metrics", headers={"Connection": "close"})).text
    values = re.findall(rf"^{name}(?:{{.*{label}.*}})? (\S+)$", text, re.MULTILINE)
    assert values, f"there is no {name} in:\n{text}"
    return sum(map(float, values))


async def leases(database_url: str) -> int:
    """How many streams count towards a payer's limit."""
    return int((await query(database_url, "SELECT count(*) FROM topup.stream_leases"))[0][0])
