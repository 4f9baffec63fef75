"""The server process itself: how it is started as our child, and how we learn that it ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from .accounts import Account

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
    # After a crash: one call for the file system instead of one for each of a thousand files (seconds).
    "recovery_init_sync_method": "syncfs",
}
LAUNCHER = Path(__file__).with_name("launch.py")
LOG_BYTES = 10 * 1024 * 1024  # a longer log is put aside (one generation) at the next start


def start_postgres(
    program: Path, cluster: Path, *, socket: Path, log: Path, account: Account
) -> subprocess.Popen[bytes]:
    """``postgres`` on a data folder, in a session of its own, as that account.

    Must be called by a thread that lives as long as the node: the kernel ends the server with it.
    """
    uid, gid = (str(account.uid), str(account.gid)) if account.changes else ("-", "-")
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), uid, gid]
    command = [str(program), "-D", str(cluster)]
    for name, value in (SETTINGS | {"unix_socket_directories": str(socket)}).items():
        command += ["-c", f"{name}={value}"]
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - programs of ours, no input of others
            launcher + command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
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
