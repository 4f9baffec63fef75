"""Reading the body of sendEdoc into a file: bounded, hashed on the way, without the transport's trailing CRLF."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .protocol import BODY_END


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    size: int
    sha256: str


class UploadTooLargeError(Exception):
    """The body is longer than the limit. Raised while reading; the file holds a part."""


async def receive_body(blocks: AsyncIterator[bytes], into: Path, limit: int) -> Received:
    """Write the body into the new file ``into`` (not fsynced). Raises UploadTooLargeError, OSError.

    One CRLF at the very end belongs to the transport and not to the package: the last two bytes are held back
    until it is known whether more follows.
    """
    with await asyncio.to_thread(into.open, "xb") as sink:
        writer = _HeldBack(sink, limit)
        async for block in blocks:
            await asyncio.to_thread(writer.feed, block)
        writer.finish()
    return Received(size=writer.size, sha256=writer.digest.hexdigest())


class _HeldBack:
    def __init__(self, sink: BinaryIO, limit: int) -> None:
        self._sink = sink
        self._limit = limit
        self._held = b""
        self.size = 0
        self.digest = hashlib.sha256()

    def feed(self, block: bytes) -> None:
        waiting = self._held + block
        cut = max(len(waiting) - len(BODY_END), 0)
        self._held = waiting[cut:]
        self._write(waiting[:cut])

    def finish(self) -> None:
        if self._held != BODY_END:
            self._write(self._held)

    def _write(self, block: bytes) -> None:
        self.size += len(block)
        if self.size > self._limit:
            raise UploadTooLargeError
        self.digest.update(block)
        self._sink.write(block)
