"""Files of a distant store on this machine: fetched once, kept while in use, the longest unused give way first.

One process owns the folder. What it holds may be lost at any time: it is fetched again.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .durable import disk_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class _Entry:
    path: Path
    size: int | None = None  # bytes; None: not fetched
    users: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Cache:
    """``limit``: bytes that may lie here; more only while more is in use at once."""

    def __init__(self, folder: Path, *, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def start(self) -> None:
        """An empty folder: what a former process left is not trusted."""
        await asyncio.to_thread(self._empty)

    @asynccontextmanager
    async def hold(self, name: str, fetch: Callable[[Path], Awaitable[int]]) -> AsyncIterator[Path]:
        """The file, there for as long as the block lasts. ``fetch`` writes it and answers its size; its errors pass."""
        entry = self._entries.setdefault(name, _Entry(path=self._folder / name))
        self._entries.move_to_end(name)
        entry.users += 1
        try:
            async with entry.turn:
                if entry.size is None or not entry.path.is_file():
                    entry.size = None
                    entry.size = await fetch(entry.path)
            await self._make_room()
            yield entry.path
        finally:
            entry.users -= 1
            if entry.size is None and entry.users == 0:
                self._entries.pop(name, None)
            await self._make_room()

    async def _make_room(self) -> None:
        held = sum(entry.size or 0 for entry in self._entries.values())
        leaving: list[Path] = []
        for name, entry in list(self._entries.items()):
            if held <= self._limit:
                break
            if entry.users == 0 and entry.size is not None:
                held -= entry.size
                leaving.append(self._entries.pop(name).path)
        for path in leaving:
            path.unlink(missing_ok=True)  # at once: a new user of the name must not find its file taken away later

    def _empty(self) -> None:
        with disk_errors():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, mode=0o700)
