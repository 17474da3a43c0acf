"""Ports of 127.0.0.1 that are kept for whoever shall listen there, and for nobody else.

Between closing a free port and another process's opening it, it can go to a connection on its way
out, or to the next who asks for any port. So a socket stays bound to it, which does not listen: who
connects is refused until somebody listens, and listening is open to who names the port and sets
SO_REUSEADDR, as servers do.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A port at which nobody listens yet, and may again and again."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
