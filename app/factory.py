"""The composition root: makes every part once and hands each what it needs."""

import logging

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from quart import Quart, Response, request
from quart_schema import Info, QuartSchema

from app.addresses import lead_nowhere
from app.database.accounts import Accounts
from app.database.appender import Appender
from app.database.migrate import check
from app.database.pool import Database
from app.database.store import Store
from app.errors import ConfigurationError, DatabaseUnavailable
from app.login import Login, configure_auth
from app.payos.gateway import Gateway
from app.payos.linking import Linker
from app.request_rules import install_request_rules
from app.settings import Settings
from app.stream.hub import Hub
from app.stream.listener import Listener
from app.texts import load_texts
from app.web.accounts import create_accounts_blueprint
from app.web.health import create_health_blueprint
from app.web.pages import create_pages_blueprint
from app.web.stream import create_stream_blueprint
from app.web.topups import create_topups_blueprint
from app.web.webhook import create_webhook_blueprint

VERSION = "0.1.0"

log = logging.getLogger(__name__)


class NapviApp(Quart):
    """The service. `open` before the first request, `drain` before the last, then `close`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("app")
        self.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0  # scripts are as new as the page, by ETag
        self.settings = settings
        self._opened = False
        self._turned_away = False
        self._draining = False
        self._connect_parts(settings)
        self._add_routes(settings)
        self.before_serving(self.open)
        self.after_serving(self.close)
        self.after_request(self._end_connection)

    async def open(self) -> None:
        """Connects. Raises ConfigurationError, MigrationError when serving cannot work."""
        if self._opened:
            return
        await check(_database_url(self.settings))
        await self.database.open()
        await self.appends.open()
        await self.listener.start()
        await self.hub.start()
        self._opened = True

    def turn_away(self) -> None:
        """Tells load balancers to look elsewhere; who comes all the same is served."""
        self._turned_away = True

    async def drain(self) -> None:
        """Ends every stream cleanly."""
        self._draining = True
        await self.hub.close()

    async def close(self) -> None:
        """Waits for links and payments that are being recorded, then disconnects."""
        await self.drain()
        await self.listener.stop()
        await self.linker.finish()
        await self.appender.drain()
        await self.gateway.close()
        await self.appends.close()
        await self.database.close()

    async def readiness(self) -> dict[str, bool]:
        """What readiness depends on, and whether it holds."""
        try:
            await self.store.ping()
            database = True
        except DatabaseUnavailable:
            database = False
        return {
            "database": database,
            "listener": self.listener.ready,
            "accepting": not self._turned_away,
        }

    async def asgi_app(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        lost = False

        async def send_while_heard(event: ASGISendEvent) -> None:
            nonlocal lost
            if lost:
                return
            try:
                await send(event)
            except OSError as error:  # the kernel cut the connection of a reader that had stopped
                lost = True
                log.info("event=connection.lost error=%s", type(error).__name__)

        if scope["type"] != "lifespan":
            lead_nowhere(scope)
        await super().asgi_app(scope, receive, send_while_heard)

    async def _end_connection(self, response: Response) -> Response:
        """While leaving: no further request shall come on a connection that is about to close."""
        if (self._turned_away or self._draining) and request.http_version == "1.1":
            response.headers["Connection"] = "close"
        return response

    def _connect_parts(self, settings: Settings) -> None:
        url = _database_url(settings)
        self.database = Database(url, settings.database_connections, settings)
        self.appends = Database(url, settings.append_connections, settings)
        self.store = Store(self.database, self.appends, settings.stream_grace_seconds)
        self.appender = Appender(
            self.store.append_events, settings.append_batch_max, settings.append_queue_max
        )
        self.listener = Listener(
            settings.listen_database_url or url,
            on_wake=lambda tx_ref: self.hub.wake(tx_ref),  # noqa: PLW0108 there is no hub yet
            on_connected=lambda: self.hub.wake_all(),  # noqa: PLW0108
            echo=self.store.notify,
            echo_seconds=settings.listener_echo_seconds,
            echo_timeout_seconds=settings.listener_echo_timeout_seconds,
            backoff_seconds_max=settings.listener_backoff_seconds_max,
        )
        self.hub = Hub(
            self.listener.listen,
            self.listener.unlisten,
            self.store.read_updates,
            settings.stream_frames_waiting_max,
            settings.stream_sweep_seconds,
        )
        self.gateway = Gateway(
            client_id=settings.payos_client_id or "",
            api_key=settings.payos_api_key.get_secret_value() if settings.payos_api_key else "",
            checksum_key=_checksum_keys(settings)[0],
            base_url=settings.payos_base_url,
            timeout_seconds=settings.payos_timeout_seconds,
            retries=settings.payos_retries,
        )
        self.linker = Linker(self.gateway, self.appender.append)
        self.login_of_request = Login(Accounts(self.database), settings)

    def _add_routes(self, settings: Settings) -> None:
        configure_auth(self, settings)
        install_request_rules(self, settings)
        # The interactive viewers load scripts from elsewhere; the document alone is enough.
        QuartSchema(
            self,
            info=Info("napvi", VERSION),
            swagger_ui_path=None,
            redoc_ui_path=None,
            scalar_ui_path=None,
        )
        login, store = self.login_of_request, self.store
        keys, channel = _checksum_keys(settings), settings.payos_client_id or ""
        append = self.appender.append
        for blueprint in (
            create_accounts_blueprint(login),
            create_topups_blueprint(settings, login, store, self.linker.link),
            create_stream_blueprint(settings, login, store, self.hub),
            create_webhook_blueprint(keys, channel, append, store.keep_body),
            create_pages_blueprint(store, login, load_texts(), settings),
            create_health_blueprint(self.readiness),
        ):
            self.register_blueprint(blueprint)


def create_app(settings: Settings) -> NapviApp:
    """The service, not connected yet. Raises ConfigurationError when a setting is missing."""
    settings.require_for_serving()
    return NapviApp(settings)


def _database_url(settings: Settings) -> str:
    if not settings.database_url:
        raise ConfigurationError(
            "DATABASE_URL", "is not set.", "Set it, or let `python -m app serve` start one."
        )
    return settings.database_url


def _checksum_keys(settings: Settings) -> tuple[str, ...]:
    """The first one signs; each is accepted."""
    return tuple(key.get_secret_value() for key in settings.payos_checksum_key)
