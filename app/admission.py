"""The words of opening a stream: what is asked, and what the database answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from app.model import TxRef, UserId

StreamId = NewType("StreamId", int)
"""Numbers the streams of one process."""


class StreamVerdict(StrEnum):
    """Whether a stream may be opened. Source: topup.judge_streams and topup.limit_streams."""

    OPEN = "open"
    FINISHED = "finished"  # the browser has seen the end
    NOT_LOGGED_IN = "not_logged_in"
    NOT_FOUND = "not_found"  # unknown, or somebody else's
    TOO_MANY = "too_many"  # and all of this user's are too young to end one
    OFF = "off"  # by NAPVI_STREAM, not by the database


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """Somebody under this login asks for what comes after seq `after`; None: from now on."""

    stream_id: StreamId
    session_hash: bytes
    tx_ref: TxRef
    after: int | None


@dataclass(frozen=True, slots=True)
class StreamOpening:
    """The answer to the StreamRequest of that id; `user_id` is None without a login."""

    stream_id: StreamId
    verdict: StreamVerdict
    user_id: UserId | None


@dataclass(frozen=True, slots=True)
class EndedStream:
    """A stream that this process has to end; `ended` is superseded or login_ended."""

    stream_id: StreamId
    ended: str
