"""Who is asking: accounts, and the cookie that stands for a login.

The cookie holds a random id, signed by quart-auth; the database holds its SHA-256. The server can
end a login at any time, and a copy of the database logs nobody in.
"""

import hashlib
import logging
import re
import secrets

from argon2 import PasswordHasher
from quart import Quart
from quart.sessions import NullSession, SecureCookieSessionInterface
from quart.wrappers import BaseRequestWebsocket
from quart_auth import AuthUser, QuartAuth, current_user, login_user, logout_user

from app.accounts.guesses import Guesses
from app.accounts.passwords import Passwords, canonical_password
from app.database.accounts import Accounts
from app.errors import (
    ConfigurationError,
    InvalidRequest,
    LoginRefused,
    NotLoggedIn,
    TooBusy,
    TooManyGuesses,
)
from app.model import User
from app.settings import REQUIRED_TO_SERVE, SECRET_KEY_CHARACTERS_MIN, Settings

log = logging.getLogger(__name__)

COOKIE = "napvi_session"
USERNAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,63}")
USERNAME_AS_TYPED = r"^\s*[A-Za-z0-9][A-Za-z0-9._@+-]{2,63}\s*$"
SESSION_ID_BYTES = 32


def carries_login() -> bool:
    """Whether this request has a login cookie of ours, which may have ended: only the database
    knows that, and is not asked.
    """
    return current_user.auth_id is not None


class NoSessions(SecureCookieSessionInterface):
    """In place of Quart's own sessions, which every request would open: we use none."""

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> NullSession:
        return NullSession()


def configure_auth(app: Quart, settings: Settings) -> None:
    """Signs the login cookie of `app`. Raises ConfigurationError when the key is too short."""
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    if len(key) < SECRET_KEY_CHARACTERS_MIN:
        raise ConfigurationError(
            "NAPVI_SECRET_KEY",
            f"is shorter than {SECRET_KEY_CHARACTERS_MIN} characters.",
            REQUIRED_TO_SERVE["secret_key"],
        )
    app.secret_key = key
    app.session_interface = NoSessions()
    QuartAuth(
        app,
        cookie_name=login_cookie(settings),
        cookie_http_only=True,
        cookie_samesite="Lax",
        cookie_secure=settings.cookie_secure,
        duration=settings.session_absolute_seconds,
        salt="napvi login",
    )


def login_cookie(settings: Settings) -> str:
    """Its name. Browsers take one that begins with __Host- from nobody but this very host, over
    HTTPS: a sibling domain cannot plant a login of its own, for somebody else's top-ups.
    """
    return f"__Host-{COOKIE}" if settings.cookie_secure else COOKIE


class Login:
    """Accounts as a request sees them; needs an app that went through `configure_auth`.

    `hasher`: in place of the usual one.
    """

    def __init__(
        self, accounts: Accounts, settings: Settings, hasher: PasswordHasher | None = None
    ) -> None:
        self._accounts = accounts
        self._settings = settings
        self._guesses = Guesses(accounts, settings)
        self._passwords = Passwords(settings, hasher)

    async def register(self, username: str, password: str) -> User:
        """Makes an account and logs it in. Raises InvalidRequest, TooBusy, UsernameTaken."""
        name = _canonical_username(username)
        password_hash = await self._passwords.hash(password)
        user = await self._accounts.register(name, password_hash)
        log.info("event=account.registered user_id=%d", user.user_id)
        await self._end_session()
        await self._start_session(user)
        return user

    async def log_in(self, username: str, password: str) -> User:
        """Raises LoginRefused: the same, and as late, for an unknown name and a wrong password.

        Raises InvalidRequest, TooBusy, TooManyGuesses as well.
        """
        name = _canonical_username(username)
        if self._passwords.is_nobodys(password):  # answered sooner, but alike for every name
            log.info("event=login.refused reason=too_long")
            raise LoginRefused
        user, matches = await self._guess(name, canonical_password(password))
        if user is None or not matches:
            # Without the name: people type passwords into that field.
            reason = "unknown_user" if user is None else "wrong_password"
            log.info("event=login.refused reason=%s", reason)
            raise LoginRefused
        await self._guesses.forget(name)
        await self._end_session()
        await self._start_session(user)
        log.info("event=login.accepted user_id=%d", user.user_id)
        return user

    async def _guess(self, name: str, password: str) -> tuple[User | None, bool]:
        """Who has that name, and whether that is the password. Raises TooBusy, TooManyGuesses."""
        try:
            await self._guesses.count(name)
        except TooManyGuesses:
            log.info("event=login.refused reason=too_many_guesses")
            raise
        user, password_hash = await self._accounts.find(name) or (None, None)
        try:
            return user, await self._passwords.match(password_hash, password)
        except TooBusy:
            await self._guesses.take_back(name)
            raise

    async def log_out(self) -> None:
        """Ends this login on the server, then in the browser; harmless without one."""
        await self._end_session()
        logout_user()

    async def user(self) -> User:
        """Who sent this request. Raises NotLoggedIn."""
        user = await self._accounts.session_user(
            self.session_hash(), self._settings.session_idle_seconds
        )
        if user is None:
            raise NotLoggedIn
        return user

    def session_hash(self) -> bytes:
        """What names the login of this request in the database. Raises NotLoggedIn without one.

        The database decides whether it is still open.
        """
        if not (session_id := current_user.auth_id):
            raise NotLoggedIn
        return _hash_of(session_id)

    async def _start_session(self, user: User) -> None:
        """Under an id of its own each time, so that a planted cookie never becomes a login."""
        session_id = secrets.token_urlsafe(SESSION_ID_BYTES)
        await self._accounts.open_session(
            _hash_of(session_id), user.user_id, self._settings.session_absolute_seconds
        )
        # Kept when the browser ends: phones end it while the payer is in the bank's app.
        login_user(AuthUser(session_id), remember=True)

    async def _end_session(self) -> None:
        if session_id := current_user.auth_id:
            await self._accounts.revoke_session(_hash_of(session_id))


def _canonical_username(username: str) -> str:
    name = username.strip().lower()
    if not USERNAME_PATTERN.fullmatch(name):
        fault = "3 to 64 of a-z 0-9 . _ @ + - and a letter or digit first"
        raise InvalidRequest("The username is malformed.", {"username": fault})
    return name


def _hash_of(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()
