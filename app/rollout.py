"""Who gets the stream while it is being rolled out; the others poll."""

import hashlib

from app.model import UserId
from app.settings import PERCENTAGE

BUCKETS = 100


def gets_stream(user_id: UserId, share: str) -> bool:
    """Whether this user is in the `share`: `off`, `on`, or a percentage such as `25%`.

    The same answer in every process; a larger share only adds users.
    """
    if match := PERCENTAGE.fullmatch(share):
        return _bucket(user_id) < int(match[1])
    return share == "on"


def _bucket(user_id: UserId) -> int:
    """0 to 99. Hashed, because ids of one day are neighbours."""
    digest = hashlib.sha256(f"stream {user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS
