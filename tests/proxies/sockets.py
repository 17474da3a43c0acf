"""What a proxy keeps open behind it."""

from pathlib import Path

from tests.services import Service

ESTABLISHED = "01"  # in /proc/net/tcp


def connections_of(service: Service) -> int:
    """Established, as the side of `service` has them."""
    port = f":{int(service.address.rpartition(':')[2]):04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(port) and state == ESTABLISHED for _, local, _, state, *_ in sockets)
