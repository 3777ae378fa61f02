"""A real HTTP server that webhooks are delivered to, and that can fail, be slow, lead elsewhere, or be dead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG = 0
"""An answer that never comes."""


@dataclass
class Receiver:
    """What arrived, headers and body; `answers` are the statuses to answer with, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)
    hang: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def bodies(self) -> list[str]:
        return [body for _, body in self.got]

    def ids(self) -> list[str]:
        return [headers["X-MLflow-Delivery-Id"] for headers, _ in self.got]


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver on a port of this machine, on a free one unless told."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers), body.decode()))
            status = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            if status == HANG:
                made.hang.wait()
                return
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"so it is")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()
