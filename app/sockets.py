"""hypercorn.toml, and the sockets it names: taken before anything else is started."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, IPPROTO_TCP, TCP_USER_TIMEOUT
from types import MappingProxyType
from typing import Any

from hypercorn.config import Config

from app.errors import ConfigurationError

HYPERCORN_TOML = Path(__file__).resolve().parent.parent / "hypercorn.toml"

REFUSED = MappingProxyType(
    {
        "read_timeout": "would cut every stream after that many seconds.",
        "insecure_bind": "is not supported: a second, unencrypted door is the proxy's business.",
        "quic_bind": "is not supported.",
    }
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Sockets that listen, and how Hypercorn shall serve them.

    `addresses` are HOST:PORT or unix:PATH, as they became: there is no port 0.
    """

    config: Config
    addresses: tuple[str, ...]


def open_endpoint(
    bind: str | None = None, path: Path = HYPERCORN_TOML, *, reader_timeout_seconds: float
) -> Endpoint:
    """Takes the address `bind`, or those of hypercorn.toml. Who connects waits for the server.

    A connection whose other end takes nothing for `reader_timeout_seconds` is cut by the kernel:
    its reader has stopped or vanished. Raises ConfigurationError when an address is in use or is
    none, or a setting cannot be.
    """
    config = read_config(path)
    if bind is not None:
        config.bind = [bind]
    try:
        opened = config.create_sockets()
        sockets = opened.secure_sockets or opened.insecure_sockets
        for socket in sockets:
            if socket.family != AF_UNIX:  # and every connection accepted inherits it
                socket.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, int(reader_timeout_seconds * 1000))
            socket.listen(config.backlog)  # two may bind at the same moment, but not listen
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        complaint = f"{', '.join(config.bind)} cannot be used: {reason}."
        remedy = "Choose another address with --bind HOST:PORT."
        raise ConfigurationError("--bind", complaint, remedy) from error
    addresses = tuple(_address(socket.getsockname()) for socket in sockets)
    config.bind = [f"fd://{socket.detach()}" for socket in sockets]
    return Endpoint(config, addresses)


def read_config(path: Path) -> Config:
    """The settings of Hypercorn. Raises ConfigurationError that names the one that cannot be."""
    try:
        entries = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(path.name, f"cannot be read: {error}.", "Restore it.") from error
    for name, value in entries.items():
        if fault := _fault(name, value):
            raise ConfigurationError(f"{name} in {path.name}", *fault)
    return Config.from_mapping(entries)


def _fault(name: str, value: Any) -> tuple[str, str] | None:
    """The complaint and the remedy, if there is anything to complain about."""
    if name in REFUSED:
        return REFUSED[name], "Remove it."
    if not hasattr(Config, name):
        return "is no setting of Hypercorn.", "Remove it."
    if name == "workers" and value != 1:
        remedy = "Start several `serve` processes instead, each with a --bind of its own."
        return "can only be 1 for now.", remedy
    return None


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return f"unix:{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
