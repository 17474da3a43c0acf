"""What a stream says, in the shape of its JSON, for /openapi.json; `frames` writes it."""

from typing import Literal, NotRequired

from pydantic import Json, with_config
from typing_extensions import TypedDict

from app.representations import StatusUpdate


@with_config(extra="forbid")
class UpdateEvent(TypedDict):
    """What happened to the top-up; after a reset, nothing from before counts. `id`: its seq."""

    event: Literal["status-update", "reset"]
    id: str
    data: Json[StatusUpdate]


@with_config(extra="forbid")
class HeartbeatEvent(TypedDict):
    """The stream lives."""

    event: Literal["heartbeat"]
    data: str


@with_config(extra="forbid")
class StreamError(TypedDict):
    """Why a stream ends, and when to come back."""

    code: str
    retry_seconds: float


@with_config(extra="forbid")
class ErrorEvent(TypedDict):
    """The last words of a stream that ends before the top-up does."""

    event: Literal["error"]
    data: Json[StreamError]
    retry: NotRequired[int]


StreamEvent = UpdateEvent | HeartbeatEvent | ErrorEvent
