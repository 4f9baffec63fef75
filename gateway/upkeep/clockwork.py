"""When the rounds over the file store are due, and how fast they go. One process of the node does them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import structlog

from ..node import Node
from .rounds import RoundKind, get_round
from .scrubbing import scrub
from .sweeping import sweep

HOUR: Final = timedelta(hours=1)
_log = structlog.get_logger(__name__)


async def sweep_when_due(node: Node) -> bool:
    """Four rounds in one grace; whether there was one now."""
    grace = timedelta(hours=node.settings.files.orphan_hours)
    if not grace:
        return False
    last = await get_round(node, RoundKind.SWEEP)
    if last is not None and node.clock() - last.started_at < max(grace / 4, HOUR):
        return False
    swept = await sweep(node, grace=grace)
    _log.info("files-swept", **asdict(swept))
    return True


async def scrub_when_due(node: Node, stop: asyncio.Event) -> bool:
    """Until the round is whole or the stop, at the settings' pace; whether there was something to do."""
    files = node.settings.files
    if not files.scrub_bytes_per_second:
        return False
    last = await get_round(node, RoundKind.SCRUB)
    ended_at = None if last is None or last.running else last.ended_at
    if ended_at is not None and node.clock() - ended_at < timedelta(days=files.scrub_days):
        return False

    async def pace(size: int) -> bool:
        return not await _stopped(stop, size / files.scrub_bytes_per_second)

    scrubbed = await scrub(node, pace)
    (_log.error if scrubbed.faults else _log.info)("files-scrubbed", **asdict(scrubbed))
    return True


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return stop.is_set()
    return True
