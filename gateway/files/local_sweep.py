"""What the sweep asks of a folder: pages of keys, bytes out of sight and back, whose it is. Everything here blocks."""

from __future__ import annotations

import contextlib
import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .durable import create_private, disk_errors, shared_turn, sole_turn, sync_folder, write_all
from .layout import Layout, StoredObject, is_key

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = 1000


def pages(root: Path, after: tuple[str, str]) -> Iterator[list[StoredObject]]:
    """By key, from behind ``after``."""
    found = (one for one in _walk(root, after[0]) if one.key > after)
    while page := list(itertools.islice(found, PAGE)):
        yield page


def _walk(root: Path, first: str) -> Iterator[StoredObject]:
    for owner in _names(root):
        if owner < first or owner in ("tmp", "aside"):
            continue
        for beginning in _names(root / owner):
            for sha256 in _names(root / owner / beginning):
                with contextlib.suppress(FileNotFoundError):
                    found = (root / owner / beginning / sha256).stat()
                    if is_key(owner, sha256):
                        at = datetime.fromtimestamp(found.st_mtime, UTC)
                        yield StoredObject(owner=owner, sha256=sha256, size=found.st_size, modified_at=at)


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path.name for path in folder.iterdir())
    return []


def set_aside(layout: Layout, source: Path, target: Path, older_than: datetime) -> bool:
    """Bytes that get their name again meanwhile wait, and then stand beside what was set aside."""
    with disk_errors():
        layout.ensure(target.parent)
        with sole_turn(layout.root), contextlib.suppress(FileNotFoundError):
            if source.stat().st_mtime >= older_than.timestamp():
                return False
            source.rename(target)
            sync_folder(target.parent)
            sync_folder(source.parent)
            return True
    return False


def hold(layout: Layout, aside: Path, path: Path) -> bool:
    """Whether the bytes are in sight. They count as new then: no sweep that runs already takes them out of it."""
    with disk_errors(), shared_turn(layout.root), contextlib.suppress(FileNotFoundError):
        os.utime(path)
        return True
    return bring_back(layout, aside, path)


def bring_back(layout: Layout, source: Path, target: Path) -> bool:
    with disk_errors():
        layout.ensure(target.parent)
        with shared_turn(layout.root), contextlib.suppress(FileNotFoundError):
            os.utime(source)
            if target.is_file():
                os.utime(target)
                source.unlink()
            else:
                source.rename(target)
            sync_folder(target.parent)
        return target.is_file()  # somebody else may have brought it back


def claim(layout: Layout, database: str) -> str:
    mark = layout.owner_mark
    with disk_errors():
        layout.ensure(layout.temporary)
        with sole_turn(layout.root):
            if not mark.exists():
                temporary = layout.new_temporary()
                with create_private(temporary) as file:
                    write_all(file, database.encode())
                    os.fsync(file.fileno())
                temporary.replace(mark)
                sync_folder(layout.root)
        return mark.read_text(encoding="utf-8")
