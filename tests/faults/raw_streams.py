"""Connections that misbehave: they stop reading, vanish without a word, or leave too early."""

import ctypes
import socket
import struct
from urllib.parse import urlsplit

from tests.bulk import OpenTopup

SO_ATTACH_FILTER = 26
LINGER_NOT = struct.pack("ii", 1, 0)
DROP_EVERYTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A classic BPF program of one instruction: return 0, which is how many bytes to keep."""

FIRST_STATE = b"event: status-update"
SMALL = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096), (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536))
"""Little fits into the kernels' buffers: the sender's grow with the size of a segment."""


def request(topup: OpenTopup) -> bytes:
    """As a browser sends it."""
    return (
        f"GET /api/topup/stream?tx_ref={topup.tx_ref} HTTP/1.1\r\nHost: napvi\r\n"
        f"Accept: text/event-stream\r\nCookie: {topup.cookie}\r\n\r\n"
    ).encode()


def open_stream(url: str, topup: OpenTopup, small: bool = False) -> socket.socket:
    """A connection on which the first state has arrived."""
    address = urlsplit(url)
    connection = socket.socket()
    for option in SMALL if small else ():
        connection.setsockopt(*option)
    connection.connect((address.hostname, address.port))
    connection.sendall(request(topup))
    received = b""
    while FIRST_STATE not in received:
        chunk = connection.recv(4096)
        assert chunk, received
        received += chunk
    return connection


def vanish(connection: socket.socket) -> None:
    """From now on its kernel answers nothing, no ACK, no FIN, as if the cable were cut."""
    program = ctypes.create_string_buffer(DROP_EVERYTHING)
    fprog = struct.pack("HP", 1, ctypes.addressof(program))
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


def reset_on_close(connection: socket.socket) -> None:
    """It will leave with a RST, and what was sent to it is lost."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
