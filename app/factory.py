"""The composition root: makes every part once and hands each what it needs."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from quart import Quart, Response, request

from app.accounts.login import Login, configure_auth, login_cookie
from app.database.accounts import Accounts
from app.database.migrate import check
from app.database.review import Review
from app.errors import DatabaseUnavailable
from app.http.addresses import lead_nowhere
from app.http.client_send import ClientSend
from app.http.openapi import install_openapi
from app.http.request_rules import WEBHOOK_PATH, install_request_rules
from app.http.security_headers import install_security_headers
from app.metrics.loop_lag import LoopLag
from app.metrics.metrics import Metrics
from app.parts.background import Background
from app.parts.payments import Payments
from app.parts.recording import Recording
from app.parts.streaming import Streaming
from app.payos.intake import Intake
from app.review_gauges import ReviewGauges
from app.settings import Settings
from app.texts import load_texts
from app.web.accounts import create_accounts_blueprint
from app.web.cancel import create_cancel_blueprint
from app.web.health import create_health_blueprint
from app.web.metrics import create_metrics_blueprint
from app.web.not_found import create_not_found_blueprint
from app.web.pages import create_pages_blueprint
from app.web.seen import create_seen_blueprint
from app.web.static_files import Answer
from app.web.stream import STREAM_PATH, StreamDecision, create_stream_blueprint
from app.web.topups import create_topups_blueprint
from app.web.webhook import Webhooks, create_webhook_blueprint

VERSION = "0.1.0"


class NapviApp(Quart):
    """The service. `open` before the first request, `drain` before the last, then `close`."""

    response_class = Answer

    def __init__(self, settings: Settings) -> None:
        super().__init__("app")
        self.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0  # scripts are as new as the page, by ETag
        self.settings = settings
        self.metrics = metrics = Metrics(settings.prometheus_multiproc_dir)
        self.loop_lag = LoopLag(metrics.loop_lag_seconds.observe)
        self.recording = Recording(settings, metrics)
        self.streaming = Streaming(settings, self.recording, metrics)
        self.payments = Payments(settings, self.recording, metrics)
        self.background = Background(
            settings, self.recording.database, self.payments.rounds, metrics
        )
        payos = settings.payos()
        intake = Intake(
            payos.checksum_keys,
            payos.client_id,
            self.streaming.shows(self.recording.appender.append),
            self.recording.store.keep_body,
            metrics,
        )
        self._webhooks = Webhooks(
            intake, settings.webhook_body_bytes_max, settings.request_body_seconds_max
        )
        self._opened = False
        self._turned_away = False
        self._draining = False
        self._add_routes(settings)
        self.before_serving(self.open)
        self.after_serving(self.close)
        self.after_request(self._end_connection)

    async def open(self) -> None:
        """Connects. Raises ConfigurationError, MigrationError when serving cannot work."""
        if self._opened:
            return
        await check(self.recording.url)
        self.loop_lag.start()
        await self.recording.open()
        await self.streaming.open()
        self.background.start()
        self._opened = True

    def turn_away(self) -> None:
        """Tells load balancers to look elsewhere; who comes all the same is served."""
        self._turned_away = True

    async def drain(self) -> None:
        """Ends every stream cleanly."""
        self._draining = True
        await self.streaming.drain()

    async def close(self) -> None:
        """Waits for links and payments that are being recorded, then disconnects."""
        await self.drain()
        await self.streaming.close()
        await self.background.stop()
        await self.payments.close()
        await self.recording.close()
        self.loop_lag.stop()

    async def readiness(self) -> dict[str, bool]:
        """What readiness depends on, and whether it holds."""
        try:
            database, migrations = True, await self.recording.migrations.are_applied()
        except DatabaseUnavailable:
            database = migrations = False
        return {
            "database": database,
            "migrations": migrations,
            "listener": self.streaming.listener.ready,
            "accepting": not self._turned_away,
        }

    def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> Coroutine[Any, Any, None]:
        """Not a coroutine of its own: there would be one more for each open stream."""
        if scope["type"] == "lifespan":
            return super().__call__(scope, receive, send)
        lead_nowhere(scope)
        send = ClientSend(send).send
        if scope["type"] == "http":
            asked = scope["method"], scope["path"]
            if asked == ("GET", STREAM_PATH):
                return self.streaming.streams.answer(scope, receive, send, self._decide)
            if asked == ("POST", WEBHOOK_PATH):
                return self._webhooks.answer(
                    scope, receive, send, super().__call__, self._is_leaving
                )
        return super().__call__(scope, receive, send)

    async def _decide(
        self, scope: HTTPScope, send: ASGISendCallable
    ) -> Callable[[], Awaitable[None]]:
        return await StreamDecision(self, scope).decide(send)

    def _is_leaving(self) -> bool:
        return self._turned_away or self._draining

    async def _end_connection(self, response: Response) -> Response:
        """While leaving: no further request shall come on a connection that is about to close."""
        if self._is_leaving() and request.http_version == "1.1":
            response.headers["Connection"] = "close"
        return response

    def _add_routes(self, settings: Settings) -> None:
        configure_auth(self, settings)
        install_request_rules(self, settings)
        install_security_headers(self)
        install_openapi(self, VERSION, login_cookie(settings))
        database, store = self.recording.database, self.recording.store
        payments, streams = self.payments, self.streaming.streams
        login = Login(Accounts(database), settings)
        review_gauges = ReviewGauges(
            Review(database).counts,
            self.metrics,
            settings.metrics_review_age_seconds_max,
            settings.metrics_review_timeout_seconds,
        )
        rounds, texts = payments.rounds, load_texts()
        for blueprint in (
            create_accounts_blueprint(login, settings),
            create_topups_blueprint(
                settings, login, store, payments.openings, payments.linker.open, rounds.nudge
            ),
            create_cancel_blueprint(settings, login, store, payments.canceller.cancel),
            create_stream_blueprint(login, store, streams),
            create_seen_blueprint(login, self.metrics),
            create_webhook_blueprint(self._webhooks),
            create_pages_blueprint(store, login, texts, settings, rounds.nudge, rounds.hasten),
            create_not_found_blueprint(texts, settings.cookie_secure),
            create_health_blueprint(self.readiness),
            create_metrics_blueprint(self.metrics, review_gauges.refresh),
        ):
            self.register_blueprint(blueprint)


def create_app(settings: Settings) -> NapviApp:
    """The service, not connected yet. Raises ConfigurationError when a setting is missing."""
    settings.require_for_serving()
    return NapviApp(settings)
