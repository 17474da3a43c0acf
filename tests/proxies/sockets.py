"""What a proxy keeps open behind it."""

from pathlib import Path

from tests.processes.payer import until
from tests.services import Service

ESTABLISHED = "01"  # in /proc/net/tcp


def connections_of(service: Service) -> set[str]:
    """Those established, as the side of `service` has them, by the address of the other side."""
    port = f":{int(service.address.rpartition(':')[2]):04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        remote
        for _, local, remote, state, *_ in sockets
        if local.endswith(port) and state == ESTABLISHED
    }


async def let_go(service: Service, before: set[str], count: int) -> None:
    """Returns when `count` connections of those `before` are gone. Others may have come: of
    requests, and of Caddy, which asks for the health of `service`.
    """

    async def gone() -> bool:
        return len(before - connections_of(service)) >= count

    await until(gone)
