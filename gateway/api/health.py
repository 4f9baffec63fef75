"""Is the process alive, may it get work: for supervisors and load balancers, without a key.

Where the API is not served, or beside it, the same two addresses on a port of their own (``http.health_port``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from ..readiness import Readiness
from .calls import Call, reply
from .malformed import Runner
from .problems import Catalogue, answer, load_catalogue

_log = structlog.get_logger(__name__)
HOST: Final = "127.0.0.1"


async def show_health(_call: Call) -> web.Response:
    return alive()


async def show_readiness(call: Call) -> web.Response:
    return await readiness_of(call.surface.readiness, call.surface.catalogue, "/readyz")


def alive() -> web.Response:
    """That there is an answer says that the loop turns; nothing else does it claim."""
    return reply({"status": "ok"})


async def readiness_of(readiness: Readiness, catalogue: Catalogue, place: str) -> web.Response:
    """200 with what may be of interest, or 503 with the code of the first part that fails."""
    report = await readiness.look()
    if report.error is None:
        return reply({"status": "ok", "parts": dict(report.parts), "warnings": list(report.warnings)})
    report.error.extra["parts"] = dict(report.parts)
    return answer(catalogue, report.error, instance=place, status=web.HTTPServiceUnavailable.status_code)


@asynccontextmanager
async def open_probes(readiness: Readiness, port: int) -> AsyncIterator[None]:
    """Both addresses on loopback while the block runs, so also while everything else stops. ``port`` 0: none."""
    if port == 0:
        yield
        return
    catalogue = await asyncio.to_thread(load_catalogue)

    async def healthz(_request: web.Request) -> web.Response:
        return alive()

    async def readyz(request: web.Request) -> web.Response:
        return await readiness_of(readiness, catalogue, request.path)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    runner = Runner(app, shutdown_timeout=0.5, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        _log.info("health-port", url=site.name)
        yield
    finally:
        await runner.cleanup()
