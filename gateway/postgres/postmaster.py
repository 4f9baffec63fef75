"""The server process itself: how it is started as our child, and how we learn that it ended."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PORT = 5432  # only the name of the socket; no TCP port is opened
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "logging_collector": "off",
    "timezone": "UTC",
}
_PR_SET_PDEATHSIG = 1


def start_postgres(
    program: Path, cluster: Path, *, socket: Path, log: Path, identity: Mapping[str, Any]
) -> subprocess.Popen[bytes]:
    """``postgres`` on a data folder, in a session of its own; ``identity`` is the account it becomes.

    Must be called by a thread that lives as long as the node: the kernel ends the server with it.
    """
    command = [str(program), "-D", str(cluster)]
    for name, value in (SETTINGS | {"unix_socket_directories": str(socket)}).items():
        command += ["-c", f"{name}={value}"]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - a program of ours, no input of others
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one system call, no Python locks
            **identity,
        )


async def ended(pid: int) -> None:
    """Return when the process has ended (it may still be unreaped)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _die_with_parent() -> Callable[[], None]:
    """Fast shutdown when the node is killed; set after the change of account, which would clear it."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
