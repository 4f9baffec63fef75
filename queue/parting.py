"""Leaving a connection of PostgreSQL: in peace, or without a word when the server does not answer in time.

asyncpg's own limit for closing does not hold while it waits for a statement to be cancelled, so a server that stands
still would hold up whoever leaves.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from .errors import ENDED

_log = structlog.get_logger(__name__)


class Closable(Protocol):
    """What is asked of a connection of asyncpg."""

    async def close(self) -> None: ...

    def is_closed(self) -> bool: ...

    def terminate(self) -> None: ...


async def part_from(connection: Closable, *, within: float) -> None:
    """Never fails, never takes longer than ``within`` seconds; the server ends what was going on."""
    try:
        async with asyncio.timeout(within):
            await connection.close()
    except TimeoutError:
        _log.warning("database-silent", while_doing="closing", seconds=within)
    except ENDED:
        pass
    finally:
        if not connection.is_closed():
            connection.terminate()
