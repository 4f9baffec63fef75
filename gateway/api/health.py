"""Is the process alive, may it get work: for supervisors and load balancers, without a key."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..errors import GatewayError
from .calls import Call, reply

_PATIENCE = 2.0  # seconds for the database's answer


async def show_health(_call: Call) -> web.Response:
    return reply({"status": "ok"})


async def show_readiness(call: Call) -> web.Response:
    """Raise NODE_STOPPING, DISK_LOW, DATABASE_UNAVAILABLE."""
    call.surface.gate.require_open()
    call.surface.gate.require_room(0)
    try:
        async with asyncio.timeout(_PATIENCE), call.node.db.unit(None) as conn:
            await call.node.db.queries.node_answers(conn)
    except TimeoutError as error:
        raise GatewayError("DATABASE_UNAVAILABLE", "Cơ sở dữ liệu trả lời quá chậm.", retry_after=5) from error
    return reply({"status": "ok", "warnings": _warnings(call)})


def _warnings(call: Call) -> list[str]:
    """What makes verdicts undetermined now; no address, because no key is asked here."""
    desk = call.node.revocation
    lacking = [one for one in desk.troubles() if one.lacking] if desk is not None else []
    return [f"Thiếu dữ liệu thu hồi từ {len(lacking)} nơi; xem /v1/operations/revocation."] if lacking else []
