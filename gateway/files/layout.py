"""Where bytes lie: ``root/<agency>/<first two digits>/<SHA-256>`` and ``root/tmp/<token>``; durable renames.

Everything but ``path`` blocks and is called on a worker thread only.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

from .durable import shared_turn, sync_folder
from .errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_AGENCY = re.compile(r"[0-9A-Za-z_-]{1,64}")
OWNER_MARK: Final = "owner"  # names the database whose rows name the files
_TAKEN = frozenset({"tmp", "aside", "probe", OWNER_MARK})
_SHA256 = re.compile(r"[0-9a-f]{64}")

AgencyKey = int | str | UUID

# What belongs to no agency: received bytes until they are given to one, and evidence.
NODE_FILES: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """Bytes that are durably in the store."""

    agency_id: AgencyKey
    sha256: str  # lower-case hex
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What a listing finds under a key. ``modified_at``: when the bytes were last put."""

    owner: str
    sha256: str
    size: int  # bytes
    modified_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.owner, self.sha256


class Layout:
    """The folders below ``root``; remembers which ones this process has already synced into their parents."""

    def __init__(self, root: Path, *, token: Callable[[], str]) -> None:
        self.root = root
        self.temporary = root / "tmp"
        self.owner_mark = root / OWNER_MARK
        self._token = token
        self._known: set[Path] = set()
        self._lock = Lock()

    def path(self, agency_id: AgencyKey, sha256: str) -> Path:
        """The place of these bytes; raise FILE_KEY for what cannot be a key."""
        if _SHA256.fullmatch(sha256) is None:
            raise FileError("FILE_KEY", "Khóa của tệp không hợp lệ.", blame="ours")
        return self.root / agency_folder(agency_id) / sha256[:2] / sha256

    def aside(self, agency_id: AgencyKey, sha256: str) -> Path:
        """Where these bytes are kept when nothing names them."""
        return self.root / "aside" / self.path(agency_id, sha256).relative_to(self.root)

    def new_temporary(self) -> Path:
        """A fresh name on the store's file system, its folder made if need be."""
        self.ensure(self.temporary)
        return self.temporary / self._token()

    def place(self, temporary: Path, target: Path) -> None:
        """Rename synced bytes to their place and sync the folder."""
        self.ensure(target.parent)
        with shared_turn(self.root):
            self._place(temporary, target)

    def _place(self, temporary: Path, target: Path) -> None:
        os.utime(temporary)  # its age counts from now, whenever the bytes were written
        # Also over equal bytes: whoever wrote those may not have synced the folder yet.
        temporary.replace(target)
        sync_folder(target.parent)

    def ensure(self, folder: Path) -> None:
        """Create ``folder`` (the root or below it) and its parents, each synced into its own parent."""
        with self._lock:
            if folder in self._known and folder.is_dir():
                return
            self.root.parent.mkdir(parents=True, exist_ok=True)
            below = folder.relative_to(self.root).parts
            for depth in range(len(below) + 1):
                self._ensure_one(self.root.joinpath(*below[:depth]))

    def _ensure_one(self, folder: Path) -> None:
        if folder in self._known and folder.is_dir():
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)  # also when it existed: another process may not have synced it yet
        self._known.add(folder)


def is_key(owner: str, sha256: str) -> bool:
    """Whether a name found in a store is one of ours."""
    return _AGENCY.fullmatch(owner) is not None and owner not in _TAKEN and _SHA256.fullmatch(sha256) is not None


def agency_folder(agency_id: AgencyKey) -> str:
    """The agency's folder name; ids are ours, so anything that is no plain name is our own mistake."""
    name = str(agency_id)
    if _AGENCY.fullmatch(name) is None or name in _TAKEN:
        raise FileError("FILE_KEY", "Mã đơn vị không dùng làm khóa tệp được.", blame="ours")
    return name
