"""Guessing a password is slow: after a few wrong ones the next for that name has to wait.

It is the name that counts, for all processes together, since we see nobody's address; and known
or not, so that the answer tells nothing. While it waits, the right password waits too, and anybody
can cause that: the longest wait has to be short. Per address a proxy may limit, as the nginx that
we ship does.
"""

import hmac

from app.database.accounts import Accounts
from app.errors import TooManyGuesses
from app.settings import Settings


class Guesses:
    """Source of truth: topup.login_guesses. Every method raises DatabaseUnavailable."""

    def __init__(self, accounts: Accounts, settings: Settings) -> None:
        self._accounts = accounts
        self._free = settings.login_guesses_free
        self._delays_seconds = settings.login_delay_seconds, settings.login_delay_seconds_max
        self._key = settings.secret_key.get_secret_value().encode() if settings.secret_key else b""

    async def count(self, username: str) -> None:
        """Before the password is looked at. Raises TooManyGuesses: then it must not be."""
        wait_seconds = await self._accounts.count_guess(
            self._name_hash(username), self._free, *self._delays_seconds
        )
        if wait_seconds:
            raise TooManyGuesses(wait_seconds)

    async def take_back(self, username: str) -> None:
        """It was not looked at after all."""
        await self._accounts.take_back_guess(self._name_hash(username))

    async def forget(self, username: str) -> None:
        """It was right."""
        await self._accounts.forget_guesses(self._name_hash(username))

    def _name_hash(self, username: str) -> bytes:
        """Under our key, for a name may be a password typed into the wrong field."""
        return hmac.digest(self._key, b"napvi guess " + username.encode(), "sha256")
