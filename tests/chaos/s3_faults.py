"""What may happen to an S3 server, as functions: killed, or standing still for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lienthong.deploy.s3.server import S3Server


@asynccontextmanager
async def absent(server: S3Server) -> AsyncIterator[None]:
    """Killed inside the block, started again and answering behind it."""
    await asyncio.to_thread(server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


@asynccontextmanager
async def paused(server: S3Server) -> AsyncIterator[None]:
    """The server stands still: connections are taken by its kernel and nobody answers."""
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.process.pid, signal.SIGCONT)
