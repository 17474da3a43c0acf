import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.model import EventType, Status, TopupUpdate, TxRef
from app.representations import status_update
from app.stream.frames import (
    encode,
    error_frame,
    heartbeat_frame,
    parse_last_event_id,
    reset_frame,
    retry_frame,
    update_frame,
)
from tests.stream.event_source import EventSource, Message

UPDATE = TopupUpdate(
    tx_ref=TxRef("T0123ABCD"),
    seq=3,
    type=EventType.PAYMENT_RECEIVED,
    status=Status.CONFIRMED,
    amount=50_000,
    amount_paid=50_000,
    late=False,
    under_review=False,
    final=True,
    wallet_balance=75_000,
    confirmed_at=datetime(2026, 11, 2, 3, 4, 5, 6, UTC),
    expires_at=datetime(2026, 11, 2, 3, 15, tzinfo=UTC),
    recorded_at=datetime(2026, 11, 2, 3, 4, 5, 7, UTC),
    read_at=datetime(2026, 11, 2, 3, 4, 6, tzinfo=UTC),
)

any_text = st.text(st.characters(codec="utf-8"))
any_data = st.text(st.sampled_from("\r\n :\0\ufeffđ\u2028") | st.characters(codec="utf-8"))
one_line = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))


def test_an_update_frame_byte_for_byte() -> None:
    assert update_frame(UPDATE) == (
        b"event: status-update\n"
        b"id: 3\n"
        b'data: {"tx_ref":"T0123ABCD","seq":3,"type":"payment.received","status":"confirmed",'
        b'"amount":50000,"amount_paid":50000,"confirmed_at":"2026-11-02T03:04:05.000006+00:00",'
        b'"late":false,"under_review":false,"final":true,"wallet_balance":75000,'
        b'"expires_at":"2026-11-02T03:15:00.000000+00:00",'
        b'"recorded_at":"2026-11-02T03:04:05.000007+00:00"}\n'
        b"\n"
    )


def test_a_reset_carries_the_current_state_and_where_to_resume() -> None:
    (message,) = EventSource().feed(reset_frame(UPDATE))
    assert message == Message(
        "reset", json.dumps(status_update(UPDATE), separators=(",", ":")), "3"
    )


def test_a_heartbeat_is_seen_by_proxies_and_scripts_and_leaves_the_id_alone() -> None:
    assert heartbeat_frame() == b": hb\nevent: heartbeat\ndata: {}\n\n"
    browser = EventSource()
    browser.feed(update_frame(UPDATE))
    browser.feed(heartbeat_frame())
    assert browser.messages[-1] == Message("heartbeat", "{}", "3")
    assert browser.comments == [" hb"]


def test_an_error_frame_says_why_and_when_to_come_back() -> None:
    browser = EventSource()
    (message,) = browser.feed(error_frame("superseded", 30.0))
    assert (message.event, message.json) == ("error", {"code": "superseded", "retry_seconds": 30.0})
    assert browser.retry_milliseconds == 30_000


def test_a_retry_frame_sets_the_delay_and_shows_nothing() -> None:
    browser = EventSource()
    assert browser.feed(retry_frame(2.5)) == []
    assert browser.retry_milliseconds == 2_500


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("", b"data: \n"),
        ("a\nb", b"data: a\ndata: b\n"),
        ("a\rb", b"data: a\ndata: b\n"),
        ("a\r\nb", b"data: a\ndata: b\n"),
        ("a\n\rb", b"data: a\ndata: \ndata: b\n"),
        ("a\n", b"data: a\ndata: \n"),
        (" nạp ví", "data:  nạp ví\n".encode()),
        ("id: 9\n\nevent: evil", b"data: id: 9\ndata: \ndata: event: evil\n"),
    ],
)
def test_line_ends_in_data_become_data_lines(data: str, lines: bytes) -> None:
    assert encode("e", data) == b"event: e\n" + lines + b"\n"


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
def test_what_could_break_the_framing_is_refused(character: str) -> None:
    for event, id in ((f"e{character}data: evil", "1"), ("e", f"1{character}data: evil")):
        with pytest.raises(ValueError, match="refused"):
            encode(event, "", id)


@pytest.mark.parametrize("encoder", [retry_frame, lambda seconds: error_frame("x", seconds)])
def test_a_negative_delay_is_refused(encoder: object) -> None:
    assert callable(encoder)
    with pytest.raises(ValueError, match="past"):
        encoder(-0.1)


@given(event=one_line, data=any_data | any_text, id=st.none() | one_line)
@example(event="", data="", id="")
@example(event=" x", data="\r\n\r", id=" :")
def test_a_browser_gets_back_what_was_encoded(event: str, data: str, id: str | None) -> None:
    browser = EventSource(last_event_id="before")
    messages = browser.feed(encode(event, data, id))
    normalised = re.sub("\r\n|\r", "\n", data)
    last_event_id = "before" if id is None else id
    assert messages == [Message(event or "message", normalised, last_event_id)]


@given(frames=st.lists(st.tuples(one_line, any_data, st.none() | one_line), max_size=5))
def test_joined_frames_are_the_same_messages(frames: list[tuple[str, str, str | None]]) -> None:
    joined, apart = EventSource(), EventSource()
    joined.feed(b"".join(encode(*frame) for frame in frames))
    for frame in frames:
        apart.feed(encode(*frame))
    assert joined.messages == apart.messages
    assert len(joined.messages) == len(frames)


@pytest.mark.parametrize(
    ("text", "seq"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),  # no bigint: it would make the database refuse the read
        ("9999999999999999999", None),
        ("1" * 20, None),
        ("1" + "0" * 30, None),
        (None, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1\n", None),
        ("1_0", None),
        ("1.0", None),
        ("0x1", None),
        ("٣", None),
        ("²", None),
        ("null", None),
        ("1\0", None),
    ],
)
def test_only_what_was_sent_as_an_id_is_taken_for_one(text: str | None, seq: int | None) -> None:
    assert parse_last_event_id(text) == seq
