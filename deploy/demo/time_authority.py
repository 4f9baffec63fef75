"""A TEST time-stamping authority over HTTP on this machine (RFC 3161, section 3.4): what ``tsa_url`` points at here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from asn1crypto import tsp
from pyhanko.sign.timestamps.api import TimeStamper

LARGEST = 64 * 1024


@contextmanager
def time_authority(stamper: TimeStamper) -> Iterator[str]:
    """The address that answers with ``stamper``'s tokens until the block is left."""

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5  # seconds a client may keep its connection without a word

        def do_POST(self) -> None:
            asked = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST))
            answer = asyncio.run(stamper.async_request_tsa_response(tsp.TimeStampReq.load(asked))).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    class Office(ThreadingHTTPServer):
        daemon_threads = False  # who is being served is waited for

    with Office(("127.0.0.1", 0), Desk) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
        finally:
            server.shutdown()
            thread.join()
