"""What may happen to a PostgreSQL server, as functions: it is restarted, killed, or stands still for a while.

They work on a running ``EmbeddedServer`` (somebody supervises it, so that it comes back) or on the processes of a data
folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from lienthong.gateway.postgres.occupants import occupants
from lienthong.tests.waiting import until

BACK_SECONDS = 30.0


async def answers(dsn: str) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(dsn, timeout=2)
        try:
            return bool(await connection.fetchval("select true"))
        finally:
            await connection.close()
    return False


def postmaster(cluster: Path) -> int:
    """Process id of the server that works in this data folder."""
    return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])


async def restart(cluster: Path, how: signal.Signals, dsn: str) -> None:
    """End the server and wait until another one answers: SIGINT (fast), SIGQUIT (immediate), SIGKILL (all at once)."""
    before = postmaster(cluster)
    for pid in occupants(cluster) if how is signal.SIGKILL else [before]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)

    async def another() -> bool:
        with contextlib.suppress(OSError, ValueError):
            return postmaster(cluster) != before and await answers(dsn)
        return False

    await until(another, BACK_SECONDS)


async def kill_a_backend(dsn: str) -> None:
    """SIGKILL to one session's process: the server takes it for corruption and ends all sessions to recover."""
    connection = await asyncpg.connect(dsn)
    try:
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.fetchval("select true")
    finally:
        connection.terminate()
    await until(lambda: answers(dsn), BACK_SECONDS)


@asynccontextmanager
async def paused(cluster: Path) -> AsyncIterator[None]:
    """Every process of the server stands still: connections stay open and nobody answers."""
    pids = occupants(cluster)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def silent(dsn: str) -> bool:
    return not await answers(dsn)


async def use_up_the_log(dsn: str) -> None:
    """Ask for new log files until the server cannot make one any more (its disk is full) and ends."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            while True:
                await connection.execute("select pg_logical_emit_message(true, 'fill', 'x'), pg_switch_wal()")
        finally:
            connection.terminate()
