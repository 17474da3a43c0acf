"""Register, log in, log out, and who am I."""

from pydantic import BaseModel, ConfigDict, SecretStr
from quart import Blueprint
from quart_schema import validate_request, validate_response

from app.login import Login
from app.model import User


class Credentials(BaseModel):
    """What a person types in. Fields that we do not know are ignored."""

    model_config = ConfigDict(strict=True)

    username: str
    password: SecretStr


def create_accounts_blueprint(login: Login) -> Blueprint:
    """The routes under /api/auth/. Every one answers with Problems only, never in prose."""
    blueprint = Blueprint("accounts", __name__, url_prefix="/api/auth")

    @blueprint.post("/register")
    @validate_request(Credentials)
    @validate_response(User, 201)
    async def register(data: Credentials) -> tuple[User, int]:
        """Make an account and log it in."""
        return await login.register(data.username, data.password.get_secret_value()), 201

    @blueprint.post("/login")
    @validate_request(Credentials)
    @validate_response(User)
    async def log_in(data: Credentials) -> User:
        """Log in. The answer does not tell whether the username exists."""
        return await login.log_in(data.username, data.password.get_secret_value())

    @blueprint.post("/logout")
    async def log_out() -> tuple[str, int]:
        """End this login. Nothing happens when there is none."""
        await login.log_out()
        return "", 204

    @blueprint.get("/me")
    @validate_response(User)
    async def me() -> User:
        """Who is logged in."""
        return await login.user()

    return blueprint
