"""Who still serves a data folder: finding and stopping what a killed node left behind (Linux, ``/proc``).

Every PostgreSQL process has the data folder as its working directory; this, and not the number in
``postmaster.pid``, tells a server of ours from a stranger that got the same process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from .errors import DatabaseError

POLL_SECONDS = 0.02
ORPHAN_SECONDS = 1.0


def occupants(cluster: Path) -> list[int]:
    """Ids of the processes working in ``cluster``; ended but unreaped ones do not count."""
    wanted = str(cluster.resolve())
    return [int(entry.name) for entry in Path("/proc").iterdir() if _works_in(entry, wanted)]


async def stop_occupants(cluster: Path, *, seconds: float) -> None:
    """End what runs in ``cluster``: fast shutdown, then immediate shutdown, then by force.

    The caller holds the lock of the data folder, so nobody else may legitimately be serving it. Raises
    DatabaseError ``POSTGRES_OCCUPIED`` when a process outlives even SIGKILL.
    """
    wake_up(cluster)
    postmaster = _postmaster(cluster)
    if postmaster in occupants(cluster):
        await _signalled(cluster, signal.SIGINT, seconds, [postmaster])
    # Without their postmaster the others end by themselves, except one that waits for a lock of a dead one.
    await _gone(cluster, ORPHAN_SECONDS)
    for how in (signal.SIGQUIT, signal.SIGKILL):
        await _signalled(cluster, how, ORPHAN_SECONDS, occupants(cluster))
    if occupants(cluster):
        raise DatabaseError(
            "POSTGRES_OCCUPIED", f"Thư mục dữ liệu {cluster} còn tiến trình PostgreSQL không dừng được."
        )
    _forget(cluster / "postmaster.pid")


def wake_up(cluster: Path) -> None:
    """Have processes that somebody stopped (SIGSTOP) go on, so that they hear what else they are told."""
    for pid in occupants(cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def forget_sockets(folder: Path) -> None:
    """Nobody serves the data folder: what lies in its private socket folder is left from before."""
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


async def _signalled(cluster: Path, how: signal.Signals, seconds: float, pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
    await _gone(cluster, seconds)


async def _gone(cluster: Path, seconds: float) -> None:
    """Wait until nobody works there, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while occupants(cluster):  # noqa: ASYNC110 - foreign processes tell nobody that they end
                await asyncio.sleep(POLL_SECONDS)


def _works_in(entry: Path, wanted: str) -> bool:
    if not entry.name.isdecimal():
        return False
    try:
        here = str((entry / "cwd").readlink()) == wanted
        return here and (entry / "stat").read_text().rpartition(")")[2][1] != "Z"
    except OSError:  # ended meanwhile, or somebody else's
        return False


def _postmaster(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _forget(lock: Path) -> None:
    """A lock file whose number now belongs to a stranger, or to a dead process nobody reaped, would stop the start."""
    lock.unlink(missing_ok=True)
