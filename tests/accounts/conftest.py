"""A small app of the account routes and the request rules, on a database of its own."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from quart import Quart, request
from quart_schema import QuartSchema

from app.accounts.login import Login, configure_auth
from app.database.accounts import Accounts
from app.database.pool import Database
from app.http.request_rules import WEBHOOK_PATH, install_request_rules
from app.settings import Settings
from app.web.accounts import create_accounts_blueprint
from tests.accounts.browser import Browser

MakeApp = Callable[..., Quart]


@pytest.fixture
def cheap_hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def settings() -> Settings:
    return Settings.load(secret_key="k" * 32)


@pytest.fixture
async def database(database_url: str, settings: Settings) -> AsyncIterator[Database]:
    """As the application role."""
    database = Database(database_url, 2, settings)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """As the owner of the schema, who may do what the application may not."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def application(database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """As the application, which may call the functions and read."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SET ROLE topup_app")
        yield connection


@pytest.fixture
async def anna(application: psycopg.AsyncConnection) -> int:
    """The user_id of somebody."""
    cursor = await application.execute("SELECT topup.register_user('anna', 'a hash')")
    (user_id,) = await cursor.fetchone() or ()
    return int(user_id)


@pytest.fixture
def make_app(database: Database, settings: Settings, cheap_hasher: PasswordHasher) -> MakeApp:
    def make(hasher: PasswordHasher = cheap_hasher, **overrides: Any) -> Quart:
        chosen = settings.model_copy(update=overrides)
        app = Quart("napvi")
        QuartSchema(app)
        configure_auth(app, chosen)
        install_request_rules(app, chosen)
        login = Login(Accounts(database), chosen, hasher)
        app.extensions["NAPVI_LOGIN"] = login
        app.register_blueprint(create_accounts_blueprint(login, chosen))

        @app.post(WEBHOOK_PATH)
        async def count_bytes() -> str:
            return str(len(await request.get_data()))

        @app.get("/api/broken")
        async def broken() -> str:
            raise RuntimeError("s3cret")

        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> Quart:
    return make_app()


@pytest.fixture
def browser(app: Quart) -> Browser:
    return Browser(app)
