"""One file on its way into the store: written in pieces, hashed on the way, durable after ``commit``."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Self

from .durable import WINDOW, create_private, disk_errors, write_all
from .errors import FileError
from .layout import AgencyKey, Layout, StoredFile

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

HEAD = 4096  # bytes kept for quick_check


Upload = Callable[["Path", AgencyKey, str], Awaitable[None]]


class Incoming:
    """An open stream of ``FileStore.receive``; one task writes it.

    Nothing touches the disk before a window is full, so a small file costs one trip to a worker thread. With
    ``upload`` the file is durable when that is through with it, and none of it stays here; else once it has its name.
    """

    def __init__(self, layout: Layout, agency_id: AgencyKey, *, limit: int, upload: Upload | None = None) -> None:
        self._upload = upload
        self._layout = layout
        self._agency_id = agency_id
        self._limit = limit
        self._pending = bytearray()
        self._digest = hashlib.sha256()
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._touched = False  # the disk may hold something of ours
        self._closed = False
        self._lock = Lock()  # a cancelled await leaves its thread running: the clean-up waits for it
        self.size = 0  # bytes taken so far
        self.head = b""  # the first bytes

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._touched:
            await asyncio.to_thread(self._discard)

    async def write(self, chunk: bytes) -> None:
        """Take a piece; raise FILE_TOO_LARGE as soon as the limit is passed."""
        self.size += len(chunk)
        if self.size > self._limit:
            limit = f"{self._limit:,}".replace(",", ".")
            raise FileError("FILE_TOO_LARGE", f"Tệp vượt quá giới hạn {limit} byte.")
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self._pending += chunk
        if len(self._pending) >= WINDOW:
            self._touched = True
            await asyncio.to_thread(self._flush, self._take())

    async def commit(self) -> StoredFile:
        """Make the bytes durable under their key; only now may a row name them."""
        self._touched = True
        path, sha256 = await asyncio.to_thread(self._finish, self._take())
        if self._upload is not None:
            await self._upload(path, self._agency_id, sha256)
        else:
            self._touched = False
        return StoredFile(agency_id=self._agency_id, sha256=sha256, size=self.size)

    def _take(self) -> bytes:
        content = bytes(self._pending)
        self._pending.clear()
        return content

    def _flush(self, content: bytes) -> None:
        with self._lock, disk_errors():
            self._append(content)

    def _append(self, content: bytes) -> tuple[Path, BinaryIO]:
        if self._closed:
            raise FileError("FILE_STORE_FAILED", "Tệp đã đóng, không ghi thêm được.", blame="ours")
        if self._path is None or self._file is None:
            self._path = self._layout.new_temporary()
            self._file = create_private(self._path)
        write_all(self._file, content)
        self._digest.update(content)
        return self._path, self._file

    def _finish(self, content: bytes) -> tuple[Path, str]:
        with self._lock, disk_errors():
            path, file = self._append(content)
            if self._upload is None:
                os.fsync(file.fileno())
            file.close()
            sha256 = self._digest.hexdigest()
            if self._upload is None:
                self._layout.place(path, self._layout.path(self._agency_id, sha256))
                self._path = None
            self._closed = True
            return path, sha256

    def _discard(self) -> None:
        with self._lock, disk_errors():
            self._closed = True
            if self._file is not None:
                self._file.close()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
