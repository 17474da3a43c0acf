"""The composition root: makes every part once and hands each what it needs."""

import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from quart import Quart, Response, request

from app.addresses import lead_nowhere
from app.database.accounts import Accounts
from app.database.appender import Appender, measured
from app.database.leases import LeaseStore
from app.database.migrate import check
from app.database.openings import Openings
from app.database.pool import Database
from app.database.reconciliation import CheckBook
from app.database.review import Review
from app.database.store import Store
from app.errors import ConfigurationError, DatabaseUnavailable
from app.exchange import Exchange
from app.login import Login, configure_auth
from app.loop_lag import LoopLag
from app.metrics import Metrics
from app.openapi import install_openapi
from app.outlet import Outlet
from app.payos.cancelling import Canceller
from app.payos.gateway import Gateway
from app.payos.linking import ORDER_CODES_TRIED_MAX, Linker
from app.payos.reconcile import Reconciler
from app.payos.rounds import Rounds
from app.request_rules import install_request_rules
from app.review_gauges import ReviewGauges
from app.rollout import gets_stream
from app.security_headers import install_security_headers
from app.settings import Settings
from app.stream.hub import Hub
from app.stream.leases import Leases
from app.stream.listener import Audience, Listener
from app.stream.streams import Streams
from app.texts import load_texts
from app.web.accounts import create_accounts_blueprint
from app.web.cancel import create_cancel_blueprint
from app.web.health import create_health_blueprint
from app.web.metrics import create_metrics_blueprint
from app.web.pages import create_pages_blueprint
from app.web.seen import create_seen_blueprint
from app.web.stream import STREAM_PATH, StreamDecision, create_stream_blueprint
from app.web.topups import create_topups_blueprint
from app.web.webhook import create_webhook_blueprint

VERSION = "0.1.0"


class NapviApp(Quart):
    """The service. `open` before the first request, `drain` before the last, then `close`."""

    asgi_http_class = Exchange

    def __init__(self, settings: Settings) -> None:
        super().__init__("app")
        self.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0  # scripts are as new as the page, by ETag
        self.settings = settings
        self.metrics = Metrics(settings.prometheus_multiproc_dir)
        self._loop_lag = LoopLag(self.metrics.loop_lag_seconds.observe)
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
        self._loop_lag.start()
        await self.database.open()
        await self.appends.open()
        await self.listener.start()
        await self.hub.start()
        self.streams.start()
        self.rounds.start()
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
        await self.streams.stop()
        await self.listener.stop()
        await self.rounds.stop()
        await self.linker.finish()
        await self.canceller.finish()
        await self.appender.drain()
        await self.gateway.close()
        await self.appends.close()
        await self.database.close()
        self._loop_lag.stop()

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

    def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> Coroutine[Any, Any, None]:
        """Not a coroutine of its own: there would be one more for each open stream."""
        if scope["type"] == "lifespan":
            return super().__call__(scope, receive, send)
        lead_nowhere(scope)
        send = Outlet(send).send
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", STREAM_PATH):
            return self.streams.answer(scope, receive, send, self._decide)
        return super().__call__(scope, receive, send)

    async def _decide(
        self, scope: HTTPScope, send: ASGISendCallable
    ) -> Callable[[], Awaitable[None]]:
        return await StreamDecision(self, scope).decide(send)

    async def _end_connection(self, response: Response) -> Response:
        """While leaving: no further request shall come on a connection that is about to close."""
        if (self._turned_away or self._draining) and request.http_version == "1.1":
            response.headers["Connection"] = "close"
        return response

    def _connect_parts(self, settings: Settings) -> None:
        url = _database_url(settings)
        worker_id = secrets.randbelow(2**31)
        self.database = Database(url, settings.database_connections, settings)
        self.appends = Database(url, settings.append_connections, settings)
        self.store = Store(self.database, self.appends, settings.stream_grace_seconds)
        self.appender = Appender(
            measured(self.store.append_events, self.metrics),
            settings.append_batch_max,
            settings.append_queue_max,
        )
        self.listener = Listener(
            settings.listen_database_url or url,
            Audience(
                on_wake=lambda tx_ref: self.hub.wake(tx_ref),  # noqa: PLW0108 no hub is there yet
                on_connected=self._read_everything,
                on_summons=lambda: self.leases.wake(),  # noqa: PLW0108
                on_skipped=self._look_around,
            ),
            worker_id,
            echo=self.store.notify,
            echo_seconds=settings.listener_echo_seconds,
            echo_timeout_seconds=settings.listener_echo_timeout_seconds,
            backoff_seconds_max=settings.listener_backoff_seconds_max,
            metrics=self.metrics,
        )
        self.hub = Hub(
            self.listener.listen,
            self.listener.unlisten,
            self.store.read_updates,
            settings.stream_frames_waiting_max,
            settings.stream_sweep_seconds,
            self.metrics,
        )
        self.leases = Leases(
            LeaseStore(self.database, worker_id, settings),
            settings.stream_check_seconds,
            self.metrics,
        )
        self.streams = Streams(
            self.hub,
            self.leases,
            settings,
            self.metrics,
            lambda user_id: gets_stream(user_id, settings.stream),
        )
        self.gateway = Gateway(settings, self.metrics)
        self.openings = Openings(
            self.database,
            settings,
            claim_seconds=ORDER_CODES_TRIED_MAX
            * (self.gateway.create_seconds_max + settings.statement_timeout_seconds),
        )
        self.linker = Linker(
            self.gateway, self.appender.append, self.openings.renumber, self.openings.release
        )
        book, channel = CheckBook(self.database, settings), settings.payos_client_id or ""
        reconciler = Reconciler(self.gateway, self.appender.append, channel)
        self.canceller = Canceller(book.orders, reconciler.cancel)
        self.rounds = Rounds(book, reconciler.check, settings, self.metrics)
        self.review_gauges = ReviewGauges(
            Review(self.database).counts,
            self.metrics,
            settings.metrics_review_age_seconds_max,
            settings.metrics_review_timeout_seconds,
        )
        self.login_of_request = Login(Accounts(self.database), settings)

    def _read_everything(self) -> None:
        self.hub.wake_all()
        self.leases.reconcile()

    def _look_around(self) -> None:
        self.hub.sweep()
        self.leases.wake()

    def _add_routes(self, settings: Settings) -> None:
        configure_auth(self, settings)
        install_request_rules(self, settings)
        install_security_headers(self)
        install_openapi(self, VERSION)
        login, store = self.login_of_request, self.store
        keys, channel = _checksum_keys(settings), settings.payos_client_id or ""
        append = self.appender.append
        for blueprint in (
            create_accounts_blueprint(login, settings),
            create_topups_blueprint(
                settings, login, store, self.openings, self.linker.link, self.rounds.nudge
            ),
            create_cancel_blueprint(settings, login, store, self.canceller.cancel),
            create_stream_blueprint(login, store, self.streams),
            create_seen_blueprint(login, self.metrics),
            create_webhook_blueprint(keys, channel, append, store.keep_body, self.metrics),
            create_pages_blueprint(store, login, load_texts(), settings, self.rounds.nudge),
            create_health_blueprint(self.readiness),
            create_metrics_blueprint(self.metrics, self.review_gauges.refresh),
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
