"""The SQL of accounts and logins: each method is one statement, most of them one function."""

from app.database.pool import Database
from app.model import User, UserId

REGISTER_USER = "SELECT topup.register_user(%s, %s)"
USER = "SELECT user_id, username, password_hash FROM topup.users WHERE username = %s"
OPEN_SESSION = "SELECT topup.open_session(%s, %s, %s)"
TOUCH_SESSION = "SELECT user_id, username FROM topup.touch_session(%s, %s)"
REVOKE_SESSION = "SELECT topup.revoke_session(%s)"
COUNT_GUESS = "SELECT topup.count_guess(%s, %s, %s, %s)"
TAKE_BACK_GUESS = "SELECT topup.take_back_guess(%s)"
FORGET_GUESSES = "SELECT topup.forget_guesses(%s)"


class Accounts:
    """Source of truth: topup.users, topup.sessions and topup.login_guesses. A session is known by
    the SHA-256 of its id, guesses by a hash of the name.

    Every method raises DatabaseUnavailable when the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, username: str, password_hash: str) -> User:
        """A new user with an empty wallet. Raises UsernameTaken."""
        user_id: UserId = await self._database.value(REGISTER_USER, (username, password_hash))
        return User(user_id, username)

    async def find(self, username: str) -> tuple[User, str] | None:
        """The user of that name, with the hash of the password."""
        found = await self._database.rows(_with_password, USER, (username,))
        return found[0] if found else None

    async def open_session(
        self, session_hash: bytes, user_id: UserId, absolute_seconds: float
    ) -> None:
        """Starts a login that ends after `absolute_seconds`, however busy it is."""
        await self._database.execute(OPEN_SESSION, (session_hash, user_id, absolute_seconds))

    async def session_user(self, session_hash: bytes, idle_seconds: float) -> User | None:
        """Who is logged in; None when unknown, revoked, expired, or `idle_seconds` unused."""
        users = await self._database.rows(User, TOUCH_SESSION, (session_hash, idle_seconds))
        return users[0] if users else None

    async def revoke_session(self, session_hash: bytes) -> None:
        """Ends a login; one that has ended already stays as it is."""
        await self._database.execute(REVOKE_SESSION, (session_hash,))

    async def count_guess(
        self, name_hash: bytes, free: int, delay_seconds: float, delay_max_seconds: float
    ) -> int:
        """0 when a password may be tried, else the seconds until one may."""
        values = (name_hash, free, delay_seconds, delay_max_seconds)
        [wait_seconds] = await self._database.column(COUNT_GUESS, values)
        return int(wait_seconds)

    async def take_back_guess(self, name_hash: bytes) -> None:
        """Uncounts one that was not tried."""
        await self._database.execute(TAKE_BACK_GUESS, (name_hash,))

    async def forget_guesses(self, name_hash: bytes) -> None:
        """Nobody has to wait for those before any more."""
        await self._database.execute(FORGET_GUESSES, (name_hash,))


def _with_password(*, user_id: UserId, username: str, password_hash: str) -> tuple[User, str]:
    return User(user_id, username), password_hash
