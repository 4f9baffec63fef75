"""The HTTP server as a root task: listens until the stop, then lets requests in hand finish."""

from __future__ import annotations

import asyncio
import ssl

import structlog
from aiohttp import web

from ..node import Node
from .app import make_app

_MAX_HEADER = 64 * 1024  # bytes of one header line
_log = structlog.get_logger(__name__)


async def serve_api(node: Node, stop: asyncio.Event) -> None:
    """Serve until ``stop``. Raises OSError when the address is taken."""
    http = node.settings.http
    runner = web.AppRunner(
        make_app(node, stop=stop),
        access_log=None,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
        shutdown_timeout=http.shutdown_s,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, http.host, http.port, ssl_context=_tls(node), backlog=512)
        await site.start()
        _log.info("listening", url=site.name)
        await stop.wait()
    finally:
        await runner.cleanup()


def _tls(node: Node) -> ssl.SSLContext | None:
    http = node.settings.http
    if http.tls_cert_file is None or http.tls_key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(http.tls_cert_file, http.tls_key_file.path)
    return context
