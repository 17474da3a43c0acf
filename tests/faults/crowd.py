"""Thousands of followers in a process of their own, so that they do not slow who measures.

As a program it is that process: one JSON command a line, and one line in answer to each.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import uvloop

from tests.bulk import OpenTopup
from tests.faults.follower import Follower, following

DONE = "done"


class Crowd:
    """Each call raises AssertionError with the complaint of the first follower that is Broken."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def follow(self, topups: Sequence[OpenTopup]) -> None:
        await self._call([asdict(topup) for topup in topups])

    async def saw(self, heads: Mapping[str, int]) -> None:
        """Returns when each follower has seen the head of its top-up, by tx_ref."""
        await self._call(["saw", heads])

    async def drop(self) -> None:
        """All of them lose their connections at once, and come back."""
        await self._call(["drop", None])

    async def _call(self, command: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline())
        assert answer == DONE, answer


@asynccontextmanager
async def crowd_at(url: str) -> AsyncIterator[Crowd]:
    """Nobody follows yet; everybody is gone afterwards."""
    pipe, arguments = asyncio.subprocess.PIPE, ("-m", __name__, url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=pipe, stdout=pipe
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        await process.wait()


async def main(url: str) -> None:
    topups = [OpenTopup(**topup) for topup in json.loads(sys.stdin.readline())]
    followers = {topup.tx_ref: Follower([url], topup.tx_ref, topup.cookie) for topup in topups}
    try:
        async with following(followers.values(), to_the_end=False):
            answer(DONE)
            while line := await asyncio.to_thread(sys.stdin.readline):
                command, heads = json.loads(line)
                if command == "saw":
                    for tx_ref, head in heads.items():
                        await followers[tx_ref].saw(head)
                else:
                    for follower in followers.values():
                        follower.drop()
                answer(DONE)
    except ExceptionGroup as broken:
        answer(str(broken.exceptions[0]))


def answer(words: str) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
