"""A TEST time-stamping authority over HTTP on the loopback address (RFC 3161, section 3.4), for demo and tests."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from asn1crypto import tsp

from ...signing.timestamps import LocalTimestamper

LARGEST_QUERY = 64 * 1024


class TsaServer:
    """Use as ``with``; ``url`` is where it answers. ``asked`` counts requests."""

    def __init__(self, timestamper: LocalTimestamper, *, port: int = 0) -> None:
        self.asked = 0
        self._lock = threading.Lock()
        self._timestamper = timestamper
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="tsa", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/tsa"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def use(self, timestamper: LocalTimestamper) -> None:
        """Go on with another key and certificate."""
        with self._lock:
            self._timestamper = timestamper

    def answer(self, query: bytes) -> bytes:
        with self._lock:  # pyHanko's timestamper keeps state between calls
            self.asked += 1
            reply: bytes = self._timestamper.request_tsa_response(tsp.TimeStampReq.load(query)).dump()
            return reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), LARGEST_QUERY))
                body = server.answer(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing: a demo has a screen of its own."""

        return Handler
