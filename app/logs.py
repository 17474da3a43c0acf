"""What napvi says while it runs: one line of key=value per record, on standard error.

    time=2026-03-01T09:30:00.125Z level=info logger=app.payos.intake event=webhook.recorded seq=3

Messages of our own start with `event=`; another library's words become `message="..."`, and a
traceback `exception="..."`. No record can start a second line, whatever a client sent.
"""

import asyncio
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from app.errors import ConfigurationError, NapviError

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure_logging(level: str) -> None:
    """Sets up the root logger. Raises ConfigurationError when there is no such level."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        remedy = "Use debug, info, warning or error."
        raise ConfigurationError("NAPVI_LOG_LEVEL", f"there is no level {level!r}.", remedy)
    handler = OneWrite(sys.stderr)
    handler.setFormatter(OneLine())
    handler.addFilter(worth_saying)
    handler.setLevel(number)  # libraries set levels of their own on their loggers
    logging.basicConfig(level=number, handlers=[handler], force=True)


def worth_saying(record: logging.LogRecord) -> bool:
    """Ours, and other people's warnings: what libraries say below that may hold payer data.

    A NapviError that reaches a log has stopped the start, and the command line reports it.
    """
    if record.exc_info and isinstance(record.exc_info[1], NapviError):
        return False
    return record.name.split(".")[0] == "app" or record.levelno >= logging.WARNING


class OneWrite(logging.StreamHandler[TextIO]):
    """Writes in one piece what one turn of the event loop says, before the loop waits again.

    Payments that share a commit are logged in one turn, and who reads the log is woken once.
    A warning, and what is said outside of a loop, is written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + self.terminator)
            loop = None if record.levelno >= logging.WARNING else _running_loop()
            if loop is None:
                self.flush()
            else:
                loop.call_soon(self.flush)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Writes what waits. Other threads log too."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            self.stream.write("".join(lines))
            self.stream.flush()
        finally:
            self.release()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class OneLine(logging.Formatter):
    """key=value, escaped so that one record is one line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = CONTROL_CHARACTERS.sub(_escaped, record.getMessage())
        parts = [
            f"time={moment.removesuffix('+00:00')}Z",
            f"level={record.levelname.lower()}",
            f"logger={record.name}",
            message if message.startswith("event=") else f"message={_quoted(message)}",
        ]
        if record.exc_info:
            parts.append(f"exception={_quoted(self.formatException(record.exc_info))}")
        return " ".join(parts)


def _quoted(text: str) -> str:
    return CONTROL_CHARACTERS.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"
