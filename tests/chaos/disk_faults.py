"""A disk that is full, and has room again: a small file system in memory for the folder of one program.

Mounting needs root or CAP_SYS_ADMIN; where it cannot be done the test fails and says so, because nothing else on Linux
answers a write with ENOSPC exactly as a full disk does.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MB = 1 << 20


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """``folder`` is a file system of its own of ``size`` bytes inside the block."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    options = f"size={size},mode=0755"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "lienthong-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"A full disk needs the right to mount (root, or CAP_SYS_ADMIN): {done.stderr}"
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take all room of the file system but ``leave`` bytes; unlink what is answered to give it back."""
    hog = folder / "hog"
    hog.unlink(missing_ok=True)
    with hog.open("wb") as file:
        while True:
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(folder).free - leave))
            except OSError as error:  # the node wrote between the look and the grip: there is less to take, or nothing
                if error.errno != errno.ENOSPC:
                    raise
                if shutil.disk_usage(folder).free > leave:
                    continue
            return hog


@contextmanager
def filled(folder: Path, *, leave: int = 0) -> Iterator[None]:
    hog = fill(folder, leave=leave)
    try:
        yield
    finally:
        hog.unlink()
