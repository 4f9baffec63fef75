"""The HTTP surface as a root task: listen until the stop, then let in nothing new and finish what is inside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web

from ..node import Node
from ..readiness import no_trouble
from ..sections import HttpSettings
from .app import SURFACE, close_gate, make_app
from .malformed import Runner

_LINE: Final = 8190  # bytes of a request line or of one header
_READ_AHEAD: Final = 2**17  # bytes of a body that wait for its handler

_FOR_UPLOADS: Final = 0.75  # of the time for the stop; the rest is for answers


_log = structlog.get_logger(__name__)


async def serve_api(node: Node, stop: asyncio.Event, *, trouble: Callable[[], str | None] = no_trouble) -> None:
    """Serve until ``stop`` is set; answers in progress get ``http.shutdown_s`` seconds. A taken port raises OSError."""
    http = node.settings.http
    app = make_app(node, trouble=trouble)
    runner = Runner(
        app,
        shutdown_timeout=http.shutdown_s * (1 - _FOR_UPLOADS),
        access_log=None,
        max_line_size=_LINE,
        max_field_size=_LINE,
        read_bufsize=_READ_AHEAD,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, http.host, http.port, ssl_context=_tls(http))
        await site.start()
        _log.info("listening", url=site.name)
        await stop.wait()
        close_gate(app)  # what comes from now on is told to come again, and balancers to go elsewhere
        await asyncio.sleep(min(http.notice_s, http.shutdown_s * _FOR_UPLOADS))
        await site.stop()
        # The clean-up makes aiohttp deaf at once: an upload would wait in vain for the rest of its body.
        await app[SURFACE].gate.emptied(http.shutdown_s * _FOR_UPLOADS - http.notice_s)
    finally:
        await runner.cleanup()


def _tls(http: HttpSettings) -> ssl.SSLContext | None:
    """TLS of our own, where no declared proxy ends it."""
    if http.tls_cert_file is None or http.tls_key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(http.tls_cert_file, http.tls_key_file.path)
    return context
