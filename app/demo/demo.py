"""Everything on one machine: PostgreSQL, a PayOS, the service, a login and what to do with them."""

import asyncio
from functools import partial

import click
import httpx
from pydantic import SecretStr

from app.database.migrate import migrate
from app.demo.secrets import DemoSecrets, keep_secrets
from app.errors import ConfigurationError, DataDirectoryError
from app.factory import NapviApp, create_app
from app.http.request_rules import WEBHOOK_PATH
from app.installation import data_directory, database
from app.payos.simulator import create_simulator
from app.server.serving import Site, run
from app.server.sockets import open_endpoint
from app.settings import Settings

USERNAME = "demo"
ANY_HOST = ("0.0.0.0", "[::]")  # noqa: S104 compared with, not bound to

WELCOME = """
  napvi is running.                                napvi đang chạy.

    {url}/wallet/topup
    {username} / {password}

  1. Log in, enter an amount, press the button.    Đăng nhập, nhập số tiền, bấm nút.
  2. Open the payment page in another window       Mở trang thanh toán ở cửa sổ khác và
     and pay: no money moves, it is a simulator.   trả tiền: chỉ là mô phỏng, không mất tiền.
  3. Watch the first window change by itself.      Cửa sổ đầu tự thay đổi.

  Ctrl-C stops all of it; login and balance        Ctrl-C dừng tất cả; tài khoản và số dư
  are kept.                                        được giữ lại.
"""


def run_demo(settings: Settings, bind: str) -> None:
    """Serves until SIGINT or SIGTERM. Raises NapviError when something is in the way."""
    service, payos = (
        open_endpoint(address, reader_timeout_seconds=settings.reader_timeout_seconds)
        for address in (bind, _next_port(bind))
    )
    click.echo("Starting PostgreSQL, a PayOS simulator and napvi ...")
    with database(settings) as database_url:
        asyncio.run(migrate(database_url))
        kept = keep_secrets(data_directory(settings))
        url, payos_url = (_local_url(endpoint.addresses[0]) for endpoint in (service, payos))
        app = create_app(_demo_settings(settings, kept, database_url, payos_url))
        simulator = create_simulator(
            kept.payos_client_id, kept.payos_api_key, kept.payos_checksum_key
        )
        site = Site(app, service, app.open, app.turn_away, app.drain)
        run([site, Site(simulator, payos)], settings, partial(_prepare, app, url, kept.password))
    click.echo("Stopped.")


def _demo_settings(
    settings: Settings, kept: DemoSecrets, database_url: str, payos_url: str
) -> Settings:
    return settings.model_copy(
        update={
            "database_url": database_url,
            "payos_base_url": payos_url,
            "payos_client_id": kept.payos_client_id,
            "payos_api_key": SecretStr(kept.payos_api_key),
            "payos_checksum_key": (SecretStr(kept.payos_checksum_key),),
            "secret_key": SecretStr(kept.secret_key),
            "cookie_secure": False,  # plain HTTP
        }
    )


async def _prepare(app: NapviApp, url: str, password: str) -> None:
    """Tells the simulator where webhooks go, makes sure of the login, says what to do."""
    await app.payments.gateway.confirm_webhook(url + WEBHOOK_PATH)
    credentials = {"username": USERNAME, "password": password}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        answer = await client.post("/api/auth/register", json=credentials)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = await client.post("/api/auth/login", json=credentials)
    if answer.is_error:
        raise DataDirectoryError(
            f"The login `{USERNAME}` exists with a password that is no longer known. "
            "Remove the data directory, or choose another one with NAPVI_DATA_DIR."
        )
    click.echo(WELCOME.format(url=url, username=USERNAME, password=password))


def _next_port(bind: str) -> str:
    """The address of the simulator; any free port if the service takes any."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError("--bind", f"{bind} is no HOST:PORT.", "Try 127.0.0.1:8000.")
    return f"{host}:{int(port) + 1 if int(port) else 0}"


def _local_url(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"http://{'127.0.0.1' if host in ANY_HOST else host}:{port}"
