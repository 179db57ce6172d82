"""An HTTP server for tests: it keeps what it is asked, and answers what it is told to."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


class Web:
    """`answers` are used up one by one, each (status, headers, body); after that 200 with an empty object."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: queue.SimpleQueue[tuple[int, dict[str, str], str]] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[Asked] = queue.SimpleQueue()

    def answer(self, status: int, body: str = "{}", **headers: str) -> None:
        self.answers.put((status, headers, body))

    def asked(self) -> Asked:
        """The next request."""
        return self._asked.get(timeout=20)

    def keep(self, asked: Asked) -> tuple[int, dict[str, str], str]:
        self._asked.put(asked)
        try:
            return self.answers.get_nowait()
        except queue.Empty:
            return 200, {}, "{}"


@contextmanager
def web() -> Iterator[Web]:
    found = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, text = found.keep(Asked(self.command, self.path, headers, body))
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_PATCH = do_POST

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
