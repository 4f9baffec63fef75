"""The blocking steps of the file store: names, folders, hashing, fsync. Knows the disk, never asyncio.

A file is durable when its bytes are synced and the folder that names it is synced; a folder is durable when
its parent is synced. Every function here may block and is called on a worker thread only.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import FileError, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

WINDOW = 256 * 1024  # bytes held per stream
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Translate the operating system's refusals into FileError, once."""
    try:
        yield
    except FileNotFoundError as error:
        raise not_found() from error
    except OSError as error:
        if error.errno in _FULL:
            raise FileError(
                "FILE_STORE_FULL",
                "Kho tệp hết dung lượng, tạm thời không nhận thêm.",
                blame="ours",
                transient=True,
            ) from error
        raise FileError(
            "FILE_STORE_FAILED", "Kho tệp không ghi hoặc đọc được.", blame="ours", transient=True
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_private(path: Path) -> BinaryIO:
    """Open a new file for writing that only the node's account may read."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write every byte: an unbuffered file may take fewer than it was given."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 (lower-case hex) and size of a file, read through a window."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(WINDOW):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def copy_synced(source: Path, target: Path) -> None:
    """Copy to another file system through a window, synced; ``target`` must be new."""
    with source.open("rb", buffering=0) as reader, create_private(target) as writer:
        while chunk := reader.read(WINDOW):
            write_all(writer, chunk)
        os.fsync(writer.fileno())


def sync_file(path: Path) -> None:
    """Sync the bytes of a file that somebody else wrote, and make it private."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_folder(folder: Path, older_than: datetime) -> int:
    """Remove the files of ``folder`` last written before ``older_than`` (aware); answer how many."""
    before = older_than.astimezone(UTC).timestamp()
    removed = 0
    with disk_errors(), contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            with contextlib.suppress(FileNotFoundError):  # another process may sweep too
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    Path(entry).unlink()
                    removed += 1
    return removed


@contextlib.contextmanager
def shared_turn(root: Path) -> Iterator[None]:
    """Bytes are getting their name: meanwhile nobody takes names away, in no process of this machine."""
    with _turn(root, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def sole_turn(root: Path) -> Iterator[None]:
    """Meanwhile no bytes get a name."""
    with _turn(root, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def _turn(root: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
