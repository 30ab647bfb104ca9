"""Somebody at Prefect's address who knows nothing, and says so at once.

An address at which nobody is would do as well, but Prefect's client knocks there again and again.
"""

from __future__ import annotations

import threading
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["nobody"]


@cache
def nobody() -> str:
    """The URL of an API that has nothing, for as long as this process lives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Nothing)
    threading.Thread(target=server.serve_forever, daemon=True, name="nobody").start()
    return f"http://127.0.0.1:{server.server_port}/api"


class _Nothing(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        self.close_connection = True
        if self.raw_requestline and self.parse_request():
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(HTTPStatus.NOT_FOUND)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""
