"""Passwords: what counts as the same one, and hashing that holds up nobody."""

import asyncio
import logging
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.errors import InvalidRequest, TooBusy
from app.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

COMPOSED_CODE_POINTS_MAX = 4  # that NFC may turn into one: Unicode has no longer decomposition


class Passwords:
    """Makes and checks hashes by `hasher`: argon2id with the library's parameters.

    Who hashes waits for one of few places; TooBusy is raised when too many wait.
    """

    def __init__(self, settings: Settings, hasher: PasswordHasher | None = None) -> None:
        self._characters_min = settings.password_characters_min
        self._characters_max = settings.password_characters_max
        self._hasher = hasher or PasswordHasher()
        # Each hash takes 64 MiB. Threads, not a semaphore: a client that goes away cancels its
        # task, which would release the semaphore while the thread still works.
        self._threads = ThreadPoolExecutor(settings.password_hashes_at_once, "password")
        self._places = threading.BoundedSemaphore(
            settings.password_hashes_at_once + settings.password_hashes_waiting_max
        )

    def is_nobodys(self, password: str) -> bool:
        """Whether it is too long, however it is composed.

        Asked first: composing thousands of combining marks takes a third of a second, on the event
        loop or with the interpreter's lock.
        """
        return len(password) > COMPOSED_CODE_POINTS_MAX * self._characters_max

    async def hash(self, password: str) -> str:
        """Of a new one. Raises InvalidRequest also for its length."""
        canonical = "" if self.is_nobodys(password) else canonical_password(password)
        if not self._characters_min <= len(canonical) <= self._characters_max:
            fault = f"{self._characters_min} to {self._characters_max} characters"
            raise InvalidRequest("The password is too short or too long.", {"password": fault})
        return await self._threaded(self._hasher.hash, canonical)

    async def match(self, password_hash: str | None, canonical: str) -> bool:
        """Whether that of a `canonical_password` is this; None matches nothing, and as late."""
        return await self._threaded(self._matches, password_hash, canonical)

    def _matches(self, password_hash: str | None, canonical: str) -> bool:
        if password_hash is None:
            self._hasher.hash(canonical)
            return False
        try:
            return self._hasher.verify(password_hash, canonical)
        except VerifyMismatchError:
            return False

    async def _threaded(self, work: Callable[..., T], *args: str | None) -> T:
        """Hashing takes tens of milliseconds that the event loop does not have.

        Raises TooBusy when as many wait as may: a flood of logins must not become a long queue.
        """
        if not self._places.acquire(blocking=False):
            log.warning("event=login.refused reason=too_busy")
            raise TooBusy
        job = self._threads.submit(work, *args)
        # Not when this task ends: a client that goes away leaves its thread at work.
        job.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(job)


def canonical_password(password: str) -> str:
    """Keyboards differ in how they compose ạ, ế or ữ; the password is the same.

    Raises InvalidRequest for what is no Unicode text.
    """
    canonical = unicodedata.normalize("NFC", password)
    try:
        canonical.encode()
    except UnicodeEncodeError:  # half of a character: JSON can say "\ud800"
        fault = {"password": "must be Unicode text"}
        raise InvalidRequest("The password is malformed.", fault) from None
    return canonical
