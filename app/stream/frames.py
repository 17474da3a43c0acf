"""The one encoder of Server-Sent Events, byte for byte as the WHATWG HTML standard parses them."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from app.model import TopupUpdate
from app.representations import status_update

HEADERS = MappingProxyType(
    {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",  # nginx would hold frames back
    }
)
LINE_END = re.compile(r"\r\n|\r|\n")
LAST_EVENT_ID = re.compile(r"[0-9]{1,19}")
SEQ_MAX = 2**63 - 1  # a PostgreSQL bigint


def encode(
    event: str, data: str, id: str | None = None, retry_seconds: float | None = None
) -> bytes:
    """One frame. Line ends in `data` become further `data:` lines, as the format demands.

    Raises ValueError when `event` or `id` could break the framing, or `retry_seconds` is negative.
    """
    lines = [f"event: {_single_line(event)}"]
    if id is not None:
        lines.append(f"id: {_single_line(id)}")
    if retry_seconds is not None:
        lines.append(_retry(retry_seconds))
    lines.extend(f"data: {line}" for line in LINE_END.split(data))
    return ("\n".join(lines) + "\n\n").encode()


def update_frame(update: TopupUpdate) -> bytes:
    """What happened to a top-up. Its `id:` is the seq, where the browser resumes."""
    return encode("status-update", _compact(status_update(update)), id=str(update.seq))


def reset_frame(update: TopupUpdate) -> bytes:
    """Start again from this state: the browser knows a later one than the database does."""
    return encode("reset", _compact(status_update(update)), id=str(update.seq))


def heartbeat_frame() -> bytes:
    """A comment for proxies and an event for scripts; no `id:`, so resuming is not touched."""
    return b": hb\n" + encode("heartbeat", "{}")


def error_frame(code: str, retry_seconds: float) -> bytes:
    """Why the stream ends, and when to come back; an `EventSource` error event tells neither."""
    data = _compact({"code": code, "retry_seconds": retry_seconds})
    return encode("error", data, retry_seconds=retry_seconds)


def retry_frame(seconds: float) -> bytes:
    """How long a browser waits before it reconnects. Raises ValueError when negative."""
    return f"{_retry(seconds)}\n\n".encode()


def parse_last_event_id(text: str | None) -> int | None:
    """The seq that a browser saw last; None for anything that this encoder never sent as an id."""
    if text is None or not LAST_EVENT_ID.fullmatch(text):
        return None
    seq = int(text)
    return seq if seq <= SEQ_MAX else None


def _single_line(text: str) -> str:
    if any(character in text for character in "\r\n\0"):
        raise ValueError("CR, LF and NUL are refused in the id and the event of a frame")
    return text


def _retry(seconds: float) -> str:
    if seconds < 0:
        raise ValueError("a browser cannot reconnect in the past")
    return f"retry: {round(seconds * 1000)}"


def _compact(document: Mapping[str, object]) -> str:
    return json.dumps(document, separators=(",", ":"))
