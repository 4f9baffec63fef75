"""How much may come in at once: uploads in progress, room on the disk, and the closed door of a node that stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import GatewayError
from ..files.port import FileStore


class Gate:
    """The door of one process. ``most`` uploads at once; the file store says whether there is room."""

    def __init__(self, files: FileStore, *, most: int) -> None:
        self._files = files
        self._most = most
        self._uploads = 0
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """The node stops: nothing new comes in, what is inside is finished."""
        self._closed = True

    async def emptied(self, seconds: float) -> None:
        """Wait until the last upload is through, at most ``seconds``: what is not then will come again with its key."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def require_open(self) -> None:
        """Raise NODE_STOPPING."""
        if self._closed:
            raise GatewayError("NODE_STOPPING", "Nút đang dừng để bảo trì; hãy gửi lại sau.", retry_after=10)

    def require_room(self, wanted: int) -> None:
        """Raise DISK_LOW when ``wanted`` more bytes would touch the reserve."""
        if not self._files.has_room(wanted):
            raise GatewayError("DISK_LOW", "Kho tệp sắp hết dung lượng, tạm thời không nhận thêm.", retry_after=60)

    @contextmanager
    def upload(self, wanted: int) -> Iterator[None]:
        """A place for one upload. Raise NODE_STOPPING, UPLOADS_TOO_MANY, DISK_LOW."""
        self.require_open()
        if self._uploads >= self._most:
            raise GatewayError("UPLOADS_TOO_MANY", "Đang có quá nhiều lượt tải lên cùng lúc.", retry_after=2)
        self.require_room(wanted)
        self._uploads += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._uploads -= 1
            if self._uploads == 0:
                self._empty.set()
