"""hypercorn.toml, and the sockets it names: taken before anything else is started."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, IPPROTO_TCP, TCP_USER_TIMEOUT, socket
from types import MappingProxyType
from typing import Any

from hypercorn.config import Config

from app.errors import ConfigurationError

HYPERCORN_TOML = Path(__file__).resolve().parents[2] / "hypercorn.toml"

DESCRIPTOR = "fd://"

WORKERS_MAX = 64
NO_WORKERS = f"is no number from 1 to {WORKERS_MAX}."
SOME_WORKERS = "Take as many as there are processor cores."

REFUSED = MappingProxyType(
    {
        "read_timeout": "would cut every stream after that many seconds.",
        "root_path": "is not supported: streams have one address.",
        "insecure_bind": "is not supported: a second, unencrypted door is the proxy's business.",
        "quic_bind": "is not supported.",
    }
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Sockets that listen, and how Hypercorn shall serve them.

    `addresses` are HOST:PORT or unix:PATH, as they became: there is no port 0. `workers` is what
    hypercorn.toml says; the sockets are for all of them.
    """

    config: Config
    addresses: tuple[str, ...]
    workers: int = 1

    @property
    def descriptors(self) -> tuple[int, ...]:
        return tuple(int(bind.removeprefix(DESCRIPTOR)) for bind in self.config.bind)


def open_endpoint(
    bind: str | None = None, path: Path = HYPERCORN_TOML, *, reader_timeout_seconds: float
) -> Endpoint:
    """Takes the address `bind`, or those of hypercorn.toml. Who connects waits for the server.

    A connection whose other end takes nothing for `reader_timeout_seconds` is cut by the kernel:
    its reader has stopped or vanished. Raises ConfigurationError when an address is in use or is
    none, or a setting cannot be.
    """
    config = read_config(path)
    workers, config.workers = config.workers, 1  # or Hypercorn would let others bind there too
    if bind is not None:
        config.bind = [bind]
    try:
        sockets = _sockets(config)
        for taken in sockets:
            if taken.family != AF_UNIX:  # and every connection accepted inherits it
                taken.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, int(reader_timeout_seconds * 1000))
            taken.listen(config.backlog)  # two may bind at the same moment, but not listen
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        complaint = f"{', '.join(config.bind)} cannot be used: {reason}."
        remedy = "Choose another address with --bind HOST:PORT."
        raise ConfigurationError("--bind", complaint, remedy) from error
    addresses = tuple(_address(taken.getsockname()) for taken in sockets)
    config.bind = [f"{DESCRIPTOR}{taken.detach()}" for taken in sockets]
    return Endpoint(config, addresses, workers)


def inherit_endpoint(descriptors: Sequence[int], path: Path = HYPERCORN_TOML) -> Endpoint:
    """The same sockets in a worker, which has them from its supervisor; the settings anew."""
    config = read_config(path)
    config.workers = 1
    config.bind = [f"{DESCRIPTOR}{descriptor}" for descriptor in descriptors]
    sockets = _sockets(config)
    addresses = tuple(_address(inherited.getsockname()) for inherited in sockets)
    for inherited in sockets:
        inherited.detach()
    return Endpoint(config, addresses)


def parse_workers(text: str) -> int:
    """What --workers says. Raises ConfigurationError when it is no number from 1 on."""
    if not text.isdecimal() or not _can_be_workers(int(text)):
        raise ConfigurationError("--workers", f"{text!r} {NO_WORKERS}", SOME_WORKERS)
    return int(text)


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
    if name == "workers" and not _can_be_workers(value):
        return f"{value!r} {NO_WORKERS}", SOME_WORKERS
    return None


def _can_be_workers(value: object) -> bool:
    return type(value) is int and 1 <= value <= WORKERS_MAX


def _sockets(config: Config) -> list[socket]:
    opened = config.create_sockets()
    return opened.secure_sockets or opened.insecure_sockets


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return f"unix:{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
