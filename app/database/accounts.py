"""The SQL of accounts and logins: each method is one statement, most of them one function."""

from app.database.pool import Database
from app.model import User, UserId

REGISTER_USER = "SELECT topup.register_user(%s, %s)"
USER = "SELECT user_id, username, password_hash FROM topup.users WHERE username = %s"
OPEN_SESSION = "SELECT topup.open_session(%s, %s, %s)"
TOUCH_SESSION = "SELECT user_id, username FROM topup.touch_session(%s, %s)"
REVOKE_SESSION = "SELECT topup.revoke_session(%s)"


class Accounts:
    """Source of truth: topup.users and topup.sessions. A session is known by the SHA-256 of its id.

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


def _with_password(*, user_id: UserId, username: str, password_hash: str) -> tuple[User, str]:
    return User(user_id, username), password_hash
