"""Register, log in, log out, and who am I."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, create_model
from quart import Blueprint
from quart_schema import document_request, validate_request

from app.accounts.login import USERNAME_AS_TYPED, Login
from app.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    LoginRefused,
    NotLoggedIn,
    TooBusy,
    TooManyGuesses,
    UsernameTaken,
)
from app.http.openapi import Anything, answers, refuses
from app.representations import Account, account
from app.settings import Settings


class Credentials(BaseModel):
    """What a person types in. Fields that we do not know are ignored."""

    model_config = ConfigDict(strict=True)

    username: str = Field(json_schema_extra={"pattern": USERNAME_AS_TYPED})
    password: SecretStr


def create_accounts_blueprint(login: Login, settings: Settings) -> Blueprint:
    """The routes under /api/auth/. Every one answers with Problems only, never in prose."""
    blueprint = Blueprint("accounts", __name__, url_prefix="/api/auth")

    @blueprint.post("/register")
    @validate_request(_registration(settings))
    @answers(Account, 201)
    @refuses(InvalidRequest, UsernameTaken, DatabaseUnavailable, TooBusy)
    async def register(data: Credentials) -> tuple[Account, int]:
        """Make an account and log it in."""
        user = await login.register(data.username, data.password.get_secret_value())
        return account(user), 201

    @blueprint.post("/login")
    @validate_request(Credentials)
    @answers(Account)
    @refuses(InvalidRequest, LoginRefused, TooManyGuesses, DatabaseUnavailable, TooBusy)
    async def log_in(data: Credentials) -> Account:
        """Log in. The answer does not tell whether the username exists."""
        return account(await login.log_in(data.username, data.password.get_secret_value()))

    @blueprint.post("/logout")
    @document_request(Anything)
    @answers(None, 204)
    @refuses(DatabaseUnavailable)
    async def log_out() -> tuple[str, int]:
        """End this login. Nothing happens when there is none."""
        await login.log_out()
        return "", 204

    @blueprint.get("/me")
    @answers(Account)
    @refuses(NotLoggedIn, DatabaseUnavailable)
    async def me() -> Account:
        """Who is logged in."""
        return account(await login.user())

    return blueprint


def _registration(settings: Settings) -> type[Credentials]:
    """Lengths as documented here are checked by Login, after it has normalised the text."""
    shortest, longest = settings.password_characters_min, settings.password_characters_max
    password = Field(json_schema_extra={"minLength": shortest, "maxLength": longest})
    return create_model("Registration", __base__=Credentials, password=(SecretStr, password))
