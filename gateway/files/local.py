"""The file store in a folder of this machine.

A file is received under ``tmp/`` on the same file system, hashed on the way, synced, renamed, and its folder synced, so
that a committed row never names bytes that a power cut could take back (DESIGN, noun File; platform.md 4.6). A stream
holds one window in memory, never the file; all disk work runs on worker threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, BinaryIO

from . import local_sweep
from .durable import WINDOW, copy_synced, digest_of, disk_errors, shared_turn, sweep_folder, sync_file, sync_folder
from .errors import damaged, not_found
from .incoming import Incoming
from .layout import AgencyKey, Layout, StoredFile, StoredObject, agency_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime
    from pathlib import Path


class LocalStore:
    """``FileStore`` below one folder.

    ``token`` gives a file name that was never given before; ``reserve`` is the free space, in bytes, below
    which ``has_room`` says no.
    """

    def __init__(self, root: Path, *, token: Callable[[], str], reserve: int = 1 << 30) -> None:
        self._layout = Layout(root, token=token)
        self._reserve = reserve

    async def start(self, *, older_than: datetime) -> int:
        """Create the folders and remove what crashed uploads left; answer how many files that were."""
        await asyncio.to_thread(self._make_folders)
        return await self.sweep_temporary(older_than)

    def receive(self, agency_id: AgencyKey, *, limit: int) -> Incoming:
        """Open a stream of at most ``limit`` bytes; a block left without ``commit`` leaves nothing behind."""
        agency_folder(agency_id)
        return Incoming(self._layout, agency_id, limit=limit)

    async def adopt(self, agency_id: AgencyKey, path: Path, *, known: str | None = None) -> StoredFile:
        """Move a finished file into the store (``path`` is gone then); the caller compares the digest.

        ``known``: the SHA-256 that a reading of the finished file has just given; else it is read once more for it.
        """
        agency_folder(agency_id)
        return await asyncio.to_thread(self._adopt, agency_id, path, known)

    async def keep(self, agency_id: AgencyKey, path: Path, *, sha256: str) -> None:
        """Give an agency its own durable file of these bytes, which nobody writes to again (``path`` stays)."""
        await asyncio.to_thread(self._keep, path, self.path(agency_id, sha256))

    async def new_temporary(self) -> Path:
        """A fresh name on the store's file system: what is written there can be adopted without copying."""
        return await asyncio.to_thread(self._new_temporary)

    def path(self, agency_id: AgencyKey, sha256: str) -> Path:
        """Where the bytes lie (or would lie); raise FILE_KEY for what cannot be a key."""
        return self._layout.path(agency_id, sha256)

    @asynccontextmanager
    async def at_hand(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[Path]:
        """The file itself, whose bytes nobody looks at again here. Raise FILE_NOT_FOUND."""
        yield await self._held(agency_id, sha256)

    async def exists(self, agency_id: AgencyKey, sha256: str) -> bool:
        path = self.path(agency_id, sha256)
        return await asyncio.to_thread(path.is_file) or await self.bring_back(agency_id, sha256)

    async def stream(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[bytes]:
        """As the port says; what differs from its digest is FILE_DAMAGED once it is read."""
        digest = hashlib.sha256()
        file = await asyncio.to_thread(_open_file, await self._held(agency_id, sha256))
        try:
            while chunk := await asyncio.to_thread(_read_window, file):
                digest.update(chunk)
                yield chunk
        finally:
            file.close()
        if digest.hexdigest() != sha256:
            raise damaged()

    async def _held(self, agency_id: AgencyKey, sha256: str) -> Path:
        aside, path = self._layout.aside(agency_id, sha256), self.path(agency_id, sha256)
        if not await asyncio.to_thread(local_sweep.hold, self._layout, aside, path):
            raise not_found()
        return path

    async def listing(self, after: tuple[str, str] = ("", "")) -> AsyncIterator[Sequence[StoredObject]]:
        pages = local_sweep.pages(self._layout.root, after)
        while page := await asyncio.to_thread(next, pages, None):
            yield page

    async def listing_aside(self) -> AsyncIterator[Sequence[StoredObject]]:
        pages = local_sweep.pages(self._layout.root / "aside", ("", ""))
        while page := await asyncio.to_thread(next, pages, None):
            yield page

    async def set_aside(self, owner: AgencyKey, sha256: str, *, older_than: datetime) -> bool:
        source, target = self.path(owner, sha256), self._layout.aside(owner, sha256)
        return await asyncio.to_thread(local_sweep.set_aside, self._layout, source, target, older_than)

    async def bring_back(self, owner: AgencyKey, sha256: str) -> bool:
        source, target = self._layout.aside(owner, sha256), self.path(owner, sha256)
        return await asyncio.to_thread(local_sweep.bring_back, self._layout, source, target)

    async def discard(self, owner: AgencyKey, sha256: str) -> None:
        await asyncio.to_thread(_remove, self._layout.aside(owner, sha256))

    async def claim(self, database: str) -> str:
        return await asyncio.to_thread(local_sweep.claim, self._layout, database)

    async def remove(self, agency_id: AgencyKey, sha256: str) -> None:
        """Take the bytes away; the caller knows that no row names them. Absent bytes are no error."""
        await asyncio.to_thread(_remove, self.path(agency_id, sha256))

    async def sweep_temporary(self, older_than: datetime) -> int:
        """Remove temporary files last written before ``older_than`` (aware); answer how many."""
        return await asyncio.to_thread(sweep_folder, self._layout.temporary, older_than)

    def has_room(self, wanted: int = 0) -> bool:
        """Whether ``wanted`` more bytes leave the reserve untouched (DESIGN decision 19)."""
        with disk_errors():
            return shutil.disk_usage(self._layout.root).free - wanted >= self._reserve

    def _make_folders(self) -> None:
        with disk_errors():
            self._layout.ensure(self._layout.temporary)

    def _keep(self, path: Path, target: Path) -> None:
        with disk_errors():
            self._layout.ensure(target.parent)
            with shared_turn(self._layout.root), contextlib.suppress(FileNotFoundError):
                os.utime(target)  # its age counts from now
                sync_folder(target.parent)  # whoever wrote it may not have synced its name yet
                return
            temporary = self._layout.new_temporary()
            _share(path, temporary)
            self._layout.place(temporary, target)

    def _new_temporary(self) -> Path:
        with disk_errors():
            return self._layout.new_temporary()

    def _adopt(self, agency_id: AgencyKey, path: Path, known: str | None) -> StoredFile:
        with disk_errors():
            temporary = self._layout.new_temporary()
            _move(path, temporary)
            sync_file(temporary)
            sha256, size = (known, temporary.stat().st_size) if known else digest_of(temporary)
            self._layout.place(temporary, self._layout.path(agency_id, sha256))
        return StoredFile(agency_id=agency_id, sha256=sha256, size=size)


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_synced(source, target)
        source.unlink()


def _share(source: Path, target: Path) -> None:
    """The same bytes, which never change, under one more name: 700 recipients of one file take the space of one."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without such names, or too many of them
        copy_synced(source, target)
    else:
        sync_file(target)


def _remove(path: Path) -> None:
    with disk_errors(), contextlib.suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def _open_file(path: Path) -> BinaryIO:
    with disk_errors():
        return path.open("rb", buffering=0)


def _read_window(file: BinaryIO) -> bytes:
    with disk_errors():
        return file.read(WINDOW)
