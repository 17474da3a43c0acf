"""The follower itself, on a server that says what it is told to: it must not let anything pass."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.follower import Broken, Follower
from tests.ports import held_port

OK = b"HTTP/1.1 200 \r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
UNTIL_CLOSED = OK.replace(b"transfer-encoding: chunked", b"connection: close")
STOP = b"HTTP/1.1 204 \r\n\r\n"
END = b"0\r\n\r\n"
TX_REF = "T00000000"
COOKIE = "napvi_session=a"


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def state(seq: int, event: str = "status-update") -> bytes:
    return f'event: {event}\nid: {seq}\ndata: {{"seq":{seq}}}\n\n'.encode()


def states(*seqs: int) -> bytes:
    return b"".join(chunk(state(seq)) for seq in seqs)


class Script:
    """A server that gives each connection the next answer; the last one is given for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.last_event_ids: list[str | None] = []
        self.times: list[float] = []

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The address."""
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            yield "http://{}:{}".format(*server.sockets[0].getsockname())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = re.search("\r\nLast-Event-ID: (.*)\r\n", request)
        self.last_event_ids.append(found and found[1])
        self.times.append(time.monotonic())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(answer)
        writer.close()


async def test_it_sees_a_history_over_connections_that_end_and_that_break() -> None:
    script = Script(
        OK + chunk(b"retry: 10\n\n") + states(1, 2) + END,
        OK + states(3) + chunk(state(4)[:-1]),  # breaks within a frame
        UNTIL_CLOSED + state(4) + b"event: heartbeat\ndata: {}\n\n" + state(5),
        STOP,
    )
    async with script.served() as url:
        follower = Follower([url], TX_REF, COOKIE)
        await follower.run()
    assert follower.ids == [1, 2, 3, 4, 5]
    assert script.last_event_ids == ["0", "2", "3", "5"]
    assert (follower.connections, follower.breaks, follower.heartbeats) == (4, 1, 1)


async def test_it_waits_as_long_as_it_is_told() -> None:
    script = Script(OK + chunk(b"retry: 300\n\n") + END, STOP)
    async with script.served() as url:
        follower = Follower([url], TX_REF, COOKIE)
        await follower.run()
    first, second = script.times
    assert second - first >= 0.29


async def test_it_takes_its_addresses_in_turn_and_tries_again_where_nobody_answers() -> None:
    script = Script(OK + chunk(b"retry: 1\n\n") + states(1) + END, STOP)
    async with script.served() as url:
        with held_port() as port:
            follower = Follower([f"http://127.0.0.1:{port}", url], TX_REF, COOKIE)
            await follower.run()
    assert (follower.ids, follower.connections, follower.breaks) == ([1], 4, 2)


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([OK + states(1, 3)], "a gap: 3 after 1"),
        ([OK + states(2)], "a gap: 2 after 0"),
        ([OK + states(1, 1)], "a repeat: 1 after 1"),
        ([OK + states(1, 2) + END, OK + states(2)], "a repeat: 2 after 2"),
        ([OK + states(1, 2, 1)], "a repeat: 1 after 2"),
        ([OK + states(1) + chunk(state(1, "reset"))], "told to start again"),
        ([OK + chunk(state(1, "message"))], "no frame of a state"),
        ([OK + chunk(state(1).replace(b"id: 1", b"id: 2"))], "no frame of a state"),
        ([b"HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n"], "gives up after status 503"),
    ],
)
async def test_it_complains(answers: list[bytes], complaint: str) -> None:
    async with Script(*answers).served() as url:
        with pytest.raises(Broken, match=complaint):
            await Follower([url], TX_REF, COOKIE).run()


async def test_it_starts_at_the_current_state_or_again_when_that_is_what_was_asked_for() -> None:
    script = Script(OK + states(7, 8) + chunk(state(3, "reset")) + states(4) + END, STOP)
    async with script.served() as url:
        follower = Follower([url], TX_REF, COOKIE, last_event_id="", expects_reset=True)
        await follower.run()
    assert follower.ids == [7, 8, 3, 4]
    assert script.last_event_ids == [None, "4"]
