"""Becomes the PostgreSQL server: run as a script of its own, by path, in the process that ``postmaster.py`` starts.

``launch.py PARENT UID GID PROGRAM ARGUMENT…``: gives up root (UID and GID ``-``: stays who it is), asks the kernel for
a fast shutdown when the parent dies, and turns into the program. A script, and not code between fork and exec of the
node: that would run beside the node's threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, uid: str, gid: str, command: list[str]) -> None:
    """Never returns."""
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # After the change of account, which clears the setting; the exec below keeps it.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:  # the parent died before the kernel was told
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - this is what the script is for


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
