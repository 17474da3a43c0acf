"""The composition root: makes every part once and hands each what it needs."""

import asyncio
from collections.abc import Mapping

import quart_schema
from quart import Quart

from app.database.accounts import Accounts
from app.database.appender import Appender
from app.database.pool import Database
from app.database.store import Store
from app.errors import DatabaseUnavailable
from app.login import Login, configure_auth
from app.payos.gateway import Gateway
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


class NapviApp(Quart):
    """The service. Its connections open before it serves and close after the last request."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("app", static_url_path="/static")
        self.settings = settings
        self.draining = False
        self._build()

    async def drain(self) -> None:
        """No longer ready; every stream ends cleanly. Returns when the last one has ended."""
        self.draining = True
        await self.hub.close()

    def _build(self) -> None:
        settings = self.settings
        url = settings.database_url or ""
        self.database = Database(url, settings.database_connections, settings)
        self.appends = Database(url, settings.append_connections, settings)
        self.store = Store(self.database, self.appends, settings.stream_grace_seconds)
        self.appender = Appender(
            self.store.append_events, settings.append_batch_max, settings.append_queue_max
        )
        self.login = Login(Accounts(self.database), settings)
