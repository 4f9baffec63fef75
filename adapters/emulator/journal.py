"""An append-only journal of JSON lines: what was acknowledged is on disk, and a restart replays it.

Appends that wait at the same moment share one fsync. A torn last line (killed in the middle of a write) was never
acknowledged and is cut off when the journal is opened.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

Event = Mapping[str, Any]


class Journal:
    """Owns the open file between ``open_journal`` and ``close``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = asyncio.Lock()
        self._waiting: list[bytes] = []
        self._accepted = 0  # lines handed in
        self._durable = 0  # lines on disk
        self._broken: OSError | None = None

    async def append(self, event: Event) -> None:
        """Return when the event is on disk. Raises OSError; after the first one always, until it is opened anew."""
        self._waiting.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._accepted += 1
        mine = self._accepted
        async with self._lock:
            if self._durable >= mine:
                return
            if self._broken:  # what was written half must stay the last line
                raise self._broken
            lines, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, b"".join(lines))
            except OSError as error:
                self._broken = error
                raise
            self._durable += len(lines)

    def _write(self, block: bytes) -> None:
        self._file.write(block)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> Iterator[Event]:
    """Every whole line, in order; nothing when there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def open_journal(path: Path) -> Journal:
    """Open for appending; cuts a torn last line off."""
    file = path.open("ab+")
    file.seek(0)
    end = 0
    for line in file:
        if line.endswith(b"\n"):
            end += len(line)
    file.truncate(end)
    file.seek(end)
    sync_folder(path.parent)
    return Journal(file)


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make names in the folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
