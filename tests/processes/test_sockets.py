"""hypercorn.toml: what is in it is used, what would do harm refuses the start."""

import os
import resource
import socket
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.server.sockets import (
    HYPERCORN_TOML,
    Endpoint,
    inherit_endpoint,
    open_endpoint,
    parse_workers,
    read_config,
)
from tests.services import StartService


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "hypercorn.toml"


def close(endpoint: Endpoint) -> None:
    for descriptor in endpoint.descriptors:
        socket.socket(fileno=descriptor).close()


def test_the_file_that_is_shipped_lets_a_burst_of_browsers_in() -> None:
    config = read_config(HYPERCORN_TOML)
    assert config.backlog >= 2048
    assert config.read_timeout is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("read_timeout = 60", "read_timeout in hypercorn.toml: would cut every stream"),
        ("workers = 0", "workers in hypercorn.toml: 0 is no number from 1 to 64"),
        ("workers = -1", "workers in hypercorn.toml: -1 is no number from 1 to 64"),
        ("workers = true", "workers in hypercorn.toml: True is no number from 1 to 64"),
        ("workers = 1.5", "workers in hypercorn.toml: 1.5 is no number from 1 to 64"),
        ("workers = 'two'", "workers in hypercorn.toml: 'two' is no number from 1 to 64"),
        ("quic_bind = ['127.0.0.1:1']", "quic_bind in hypercorn.toml: is not supported"),
        ("root_path = '/x'", "root_path in hypercorn.toml: is not supported"),
        ("keepalive = 5", "keepalive in hypercorn.toml: is no setting of Hypercorn"),
        ("backlog =", "hypercorn.toml: cannot be read"),
    ],
)
def test_a_setting_that_would_do_harm_is_refused(text: str, complaint: str, toml: Path) -> None:
    toml.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        read_config(toml)


def test_a_missing_file_is_named(toml: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"hypercorn\.toml: cannot be read"):
        read_config(toml)


def test_the_address_on_the_command_line_comes_first(toml: Path) -> None:
    toml.write_text("bind = ['127.0.0.1:1']")
    endpoint = open_endpoint("127.0.0.1:0", toml, reader_timeout_seconds=15)
    try:
        (address,) = endpoint.addresses
        host, _, port = address.rpartition(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port))).close()  # it waits for the server
    finally:
        close(endpoint)


def test_a_unix_socket_is_an_address_too(toml: Path, short_dir: Path) -> None:
    toml.write_text(f"bind = ['unix:{short_dir}/napvi.sock']")
    endpoint = open_endpoint(path=toml, reader_timeout_seconds=15)
    close(endpoint)
    assert endpoint.addresses == (f"unix:{short_dir}/napvi.sock",)


@pytest.mark.parametrize("text", ["0", "-1", "65", "two", "1.5", "²", ""])
def test_a_number_of_workers_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--workers: '{text}' is no number from 1 to 64"):
        parse_workers(text)


def test_workers_share_the_sockets_and_nobody_else_does(toml: Path) -> None:
    toml.write_text("workers = 2")
    endpoint = open_endpoint("127.0.0.1:0", toml, reader_timeout_seconds=15)
    try:
        assert endpoint.workers == 2
        worker = inherit_endpoint(endpoint.descriptors, toml)
        assert worker.addresses == endpoint.addresses
        with socket.socket(fileno=os.dup(endpoint.descriptors[0])) as taken:
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0
    finally:
        close(endpoint)


def test_serving_takes_as_many_files_as_it_may(start_service: StartService) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft // 2, hard))
    try:
        service = start_service()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(service.pid, resource.RLIMIT_NOFILE) == (hard, hard)
