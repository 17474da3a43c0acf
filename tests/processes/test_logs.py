"""Logs: one line per record, whatever is in it, and nothing that libraries should not tell."""

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from app.errors import ConfigurationError, MigrationError
from app.logs import OneLine, configure_logging
from tests.services import ROOT


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(message: str, *values: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("app.web", logging.INFO, "", 0, message, values, exc_info)
    return OneLine().format(record)


def test_a_record_of_ours_is_key_value() -> None:
    line = logged("event=webhook.recorded seq=%d", 3)
    assert line.endswith("Z level=info logger=app.web event=webhook.recorded seq=3")
    assert line.startswith("time=20")


def test_the_words_of_a_library_are_quoted() -> None:
    assert logged('Say "hi"').endswith('message="Say \\"hi\\""')


@pytest.mark.parametrize("break_", ["\n", "\r", "\v", "\x1b", "\x85", "\u2028", "\0"])
def test_nobody_can_start_a_second_line(break_: str) -> None:
    for line in (logged("event=x name=%s", f"a{break_}b"), logged(f"a{break_}b")):
        assert len(line.splitlines()) == 1
        assert break_ not in line


def test_a_traceback_stays_on_the_line() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        line = logged("event=failed", error=error)
    assert "\n" not in line
    assert 'exception="Traceback' in line
    assert "ValueError: boom" in line


def test_what_libraries_chat_about_is_left_out_and_their_warnings_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("debug")
    for name in ("payos", "httpx", "app.payos", "application"):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).debug("event=spoken name=%s", name)
        logging.getLogger(name).warning("event=warned name=%s", name)
        logging.getLogger(name).setLevel(logging.NOTSET)
    said = capsys.readouterr().err
    assert said.count("event=spoken") == 1
    assert "event=spoken name=app.payos\n" in said
    assert said.count("event=warned") == 4


def test_a_refused_start_is_left_to_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    try:
        raise MigrationError("The database is behind the code.")
    except MigrationError:
        logging.getLogger("app").exception("Exception in startup")
    assert capsys.readouterr().err == ""


def test_the_level_bounds_libraries_that_set_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("ERROR")
    library = logging.getLogger("chatty")
    library.setLevel(logging.DEBUG)
    library.warning("hello")
    assert capsys.readouterr().err == ""


class Paper:
    """A stream that remembers each write that had something in it."""

    def __init__(self) -> None:
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes += [text] if text else []
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    paper = Paper()
    monkeypatch.setattr(sys, "stderr", paper)
    configure_logging("info")
    return paper


def said(paper: Paper) -> list[list[str]]:
    """The events of each write."""
    return [re.findall(r"event=(\w+)", text) for text in paper.writes]


async def test_what_one_turn_of_the_loop_says_is_one_write(paper: Paper) -> None:
    log = logging.getLogger("app")
    log.info("event=one")
    log.info("event=two")
    assert said(paper) == []
    await asyncio.sleep(0)
    assert said(paper) == [["one", "two"]]
    log.info("event=three")
    await asyncio.sleep(0)
    assert said(paper) == [["one", "two"], ["three"]]


async def test_a_warning_is_written_at_once_and_in_order(paper: Paper) -> None:
    logging.getLogger("app").info("event=one")
    logging.getLogger("app").warning("event=two")
    assert said(paper) == [["one", "two"]]


async def test_a_thread_has_no_turns_and_takes_the_lines_of_the_loop_along(paper: Paper) -> None:
    logging.getLogger("app").info("event=one")
    thread = threading.Thread(target=logging.getLogger("app").info, args=("event=two",))
    thread.start()
    thread.join()
    assert said(paper) == [["one", "two"]]


def test_the_last_words_of_a_loop_are_written(paper: Paper) -> None:
    async def say() -> None:
        logging.getLogger("app").info("event=one")

    asyncio.run(say())
    for handler in logging.getLogger().handlers:
        handler.flush()  # as logging.shutdown does at the end
    assert said(paper) == [["one"]]


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="NAPVI_LOG_LEVEL"):
        configure_logging("loud")


def test_what_is_lost_closed_or_refused_is_logged_with_a_reason() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "app").rglob("*.py"))
    said = re.findall(r"event=\w+\.(?:lost|closed|refused|died|kept)\b[^\"]*", code)
    assert len(said) >= 8
    assert [line for line in said if " reason=" not in line] == []
