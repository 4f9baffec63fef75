"""A stop that is kept: what hangs after it is left in the middle, as a crash would leave it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def ending(stop: asyncio.Event, name: str, *, within: float) -> AsyncIterator[None]:
    """Leave the block at most ``within`` seconds after ``stop``, with a line in the log when it had to be left."""
    clock = asyncio.get_running_loop().time

    async def watch(limit: asyncio.Timeout) -> None:
        await stop.wait()
        limit.reschedule(clock() + within)

    try:
        async with asyncio.timeout(None) as limit:
            watching = asyncio.ensure_future(watch(limit))
            try:
                yield
            finally:
                watching.cancel()
    except TimeoutError:
        if not limit.expired():
            raise
        _log.warning("left-in-the-middle", name=name, seconds=within)
