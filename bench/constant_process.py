"""Hypercorn as napvi runs it, which answers what is posted like a webhook and does nothing else.

Started by bench/constant.py with the number of processes; says its address on standard output.
"""

import asyncio
import os
import sys
from contextlib import suppress

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from app.processes import die_with_parent
from app.server.connections import serve
from app.server.event_loop import EventLoop
from app.server.sockets import open_endpoint
from app.web.webhook import BODY, START


async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        return
    while (message := await receive())["type"] == "http.request":
        if not message["more_body"]:
            await send(START)
            await send(BODY)
            return


def main() -> None:
    endpoint = open_endpoint("127.0.0.1:0", reader_timeout_seconds=60)
    bound_to_parent = die_with_parent()
    for _ in range(int(sys.argv[1]) - 1):
        if os.fork() == 0:
            bound_to_parent()
            break
    else:
        print(endpoint.addresses[0], flush=True)
    endpoint.config.loglevel = "WARNING"
    with suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(answer, endpoint.config, asyncio.Event().wait))


if __name__ == "__main__":
    main()
