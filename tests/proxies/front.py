"""nginx and Caddy with the configurations that are shipped.

They are run as they are but for what `nginx_conf` and `caddyfile` replace: addresses, the
certificate, places for files, and the idle limit where a test cannot wait that long.
"""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from app.processes import die_with_parent
from tests.ports import held_port
from tests.services import ROOT, SECONDS_MAX

HOST = "napvi.example.com"
IDLE_LIMIT = "45s"
PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Front:
    """Where a proxy listens, what it may write to, and who trusts it."""

    directory: Path
    https_port: int
    http_port: int
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.directory / "key.pem"


@contextmanager
def held_front(directory: Path) -> Iterator[Front]:
    """Two ports, kept for the proxy, and a certificate for localhost."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with held_port() as https, held_port() as http:
        front = Front(directory, https, http, trust)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(front.certificate, append=True)
        issued.private_key_pem.write_to_path(front.key)
        yield front


def nginx_conf(front: Front, upstreams: Sequence[str], idle_limit: str) -> str:
    first, *others = upstreams
    places = "".join(f"{name}_temp_path {front.directory}/{name};" for name in TEMPORARY)
    return _shipped(
        "nginx.conf",
        {
            "http {\n": f"http {{ {places}\n",
            "/run/nginx.pid": f"{front.directory}/nginx.pid",
            "/var/log/nginx/": f"{front.directory}/",
            f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(front.certificate),
            f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(front.key),
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "listen 80;": f"listen 127.0.0.1:{front.http_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{front.https_port} ssl http2;",
            "server 127.0.0.1:8000;": f"server {first};",
            "# server 127.0.0.1:8001;": "".join(f"server {other};" for other in others) + "#",
            HOST: "localhost",
            IDLE_LIMIT: idle_limit,
        },
    )


def caddyfile(front: Front, upstreams: Sequence[str], idle_limit: str) -> str:
    first, *others = upstreams
    ports = f"http_port {front.http_port}\n https_port {front.https_port}"
    return _shipped(
        "Caddyfile",
        {
            "\n{\n": f"\n{{\n admin off\n default_bind 127.0.0.1\n {ports}\n",
            "# tls /etc/ssl/napvi.pem /etc/ssl/napvi.key": f"tls {front.certificate} {front.key}",
            "127.0.0.1:8000": first,
            "# to 127.0.0.1:8001": "".join(f"to {other} " for other in others) + "#",
            HOST: "localhost",
            IDLE_LIMIT: idle_limit,
        },
    )


@contextmanager
def running_proxy(
    name: str, front: Front, upstreams: Sequence[str], idle_limit: str
) -> Iterator[None]:
    """`name` in front of `upstreams` (HOST:PORT), once it listens. Skips where there is none."""
    program = shutil.which(name, path=PATH)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    configuration = front.directory / name
    if name == "nginx":
        configuration.write_text(nginx_conf(front, upstreams, idle_limit))
        arguments = ["-e", "stderr", "-g", "daemon off;", "-c", str(configuration)]
    else:
        configuration.write_text(caddyfile(front, upstreams, idle_limit))
        arguments = ["run", "--adapter", "caddyfile", "--config", str(configuration)]
    home = {name: str(front.directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (
        (front.directory / "output").open("w+") as output,
        subprocess.Popen(
            [program, *arguments],
            env={"PATH": PATH, **home},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
        ) as process,
    ):
        try:
            _wait_until_it_listens(process, front)
            yield
        finally:
            process.terminate()  # nginx: a kill would leave its workers behind
            process.wait(SECONDS_MAX)
            output.seek(0)
            sys.stdout.write(output.read())  # pytest shows it when the test fails


def _shipped(name: str, replacements: Mapping[str, str]) -> str:
    text = (ROOT / "deploy" / name).read_text("utf-8")
    for old, new in replacements.items():
        assert old in text, f"{name} does not say {old}"
        text = text.replace(old, new)
    return text


def _wait_until_it_listens(process: subprocess.Popen[bytes], front: Front) -> None:
    """And is the one with the certificate of `front`: anybody else fails the handshake."""
    address = ("127.0.0.1", front.https_port)
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it does not listen"
        try:
            with (
                socket.create_connection(address, SECONDS_MAX) as connection,
                front.trust.wrap_socket(connection, server_hostname="localhost"),
            ):
                return
        except ConnectionRefusedError:
            time.sleep(0.01)
