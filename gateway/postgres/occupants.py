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


def occupants(cluster: Path) -> list[int]:
    """Ids of the processes working in ``cluster``; ended but unreaped ones do not count."""
    wanted = str(cluster.resolve())
    return [int(entry.name) for entry in Path("/proc").iterdir() if _works_in(entry, wanted)]


async def stop_occupants(cluster: Path, *, seconds: float) -> None:
    """End what runs in ``cluster``: fast shutdown, then immediate shutdown, then by force.

    The caller holds the lock of the data folder, so nobody else may legitimately be serving it. Raises
    DatabaseError ``POSTGRES_OCCUPIED`` when a process outlives even SIGKILL.
    """
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not occupants(cluster):
            break
        postmaster = _postmaster(cluster)
        for pid in occupants(cluster):
            if how is signal.SIGKILL or pid == postmaster:
                _send(pid, how)
        with contextlib.suppress(TimeoutError):
            await _gone(cluster, seconds)
    if occupants(cluster):
        raise DatabaseError(
            "POSTGRES_OCCUPIED", f"Thư mục dữ liệu {cluster} còn tiến trình PostgreSQL không dừng được."
        )
    _forget(cluster / "postmaster.pid")


def forget_sockets(folder: Path) -> None:
    """Nobody serves the data folder: what lies in its private socket folder is left from before."""
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


async def _gone(cluster: Path, seconds: float) -> None:
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


def _send(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
