"""Small servers that answer in place of napvi: tunnels, logins, proxies, sleeping machines."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.http.request_rules import WEBHOOK_PATH as PATH


class Elsewhere(BaseHTTPRequestHandler):
    """A server that is not napvi."""

    status = 404
    headers_sent: tuple[tuple[str, str], ...] = ()
    asleep: threading.Event | None = None

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.asleep is not None:
            self.asleep.wait()
        self.send_response(self.status)
        for header in self.headers_sent:
            self.send_header(*header)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def elsewhere(
    status: int = 200, *headers: tuple[str, str], asleep: threading.Event | None = None
) -> Iterator[str]:
    """The URL of a webhook that `status` and `headers` answer, once it wakes up."""
    answers = {"status": status, "headers_sent": headers, "asleep": asleep}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Elsewhere,), answers))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
    finally:
        if asleep is not None:
            asleep.set()
        server.shutdown()
        thread.join()
        server.server_close()
