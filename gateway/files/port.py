"""The port of the file store: bytes by (agency, SHA-256), durable before anything may name them.

Knows nothing of documents or the database. Implementations: local.py (a folder of this machine), s3.py (an S3 server);
one contract suite (tests/contracts/) runs over both. Every method may raise FileError with FILE_STORE_FAILED or
FILE_STORE_FULL, both transient.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from .layout import AgencyKey, StoredFile, StoredObject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from .incoming import Incoming


class FileStore(Protocol):
    """Where the bytes of documents, packages and evidence lie."""

    async def start(self, *, older_than: datetime) -> int:
        """Make ready and remove temporary files of crashed uploads; answer how many files that were."""
        ...

    def receive(self, agency_id: AgencyKey, *, limit: int) -> Incoming:
        """Open a stream of at most ``limit`` bytes; a block left without ``commit`` leaves nothing behind."""
        ...

    async def adopt(self, agency_id: AgencyKey, path: Path, *, known: str | None = None) -> StoredFile:
        """Move a finished file into the store (``path`` is gone then); the caller compares the digest.

        ``known``: the SHA-256 that a reading of the finished file has just given; else it is read once more for it.
        """
        ...

    async def keep(self, agency_id: AgencyKey, path: Path, *, sha256: str) -> None:
        """Give an agency its own durable copy of a finished file (``path`` stays); equal bytes count as new."""
        ...

    async def new_temporary(self) -> Path:
        """A fresh name on this machine; what is written there can be adopted without copying."""
        ...

    def at_hand(self, agency_id: AgencyKey, sha256: str) -> AbstractAsyncContextManager[Path]:
        """A local path of the bytes, for as long as the block lasts, to be read only.

        Raise FILE_NOT_FOUND; FILE_DAMAGED when what was fetched is not what was stored.
        """
        ...

    async def exists(self, agency_id: AgencyKey, sha256: str) -> bool: ...

    def stream(self, agency_id: AgencyKey, sha256: str) -> AsyncIterator[bytes]:
        """Yield the bytes in windows; raise FILE_NOT_FOUND before the first one if there are none."""
        ...

    def listing(self, after: tuple[str, str] = ("", "")) -> AsyncIterator[Sequence[StoredObject]]:
        """What is stored behind the key ``after`` (owner, sha256), in pages by key; what comes meanwhile may lack."""
        ...

    def listing_aside(self) -> AsyncIterator[Sequence[StoredObject]]:
        """What ``set_aside`` has set aside."""
        ...

    async def set_aside(self, owner: AgencyKey, sha256: str, *, older_than: datetime) -> bool:
        """Take bytes out of sight that were last put before ``older_than``; whether it was done.

        They still lie in the store: whoever asks for them finds them, and they are back where they were.
        """
        ...

    async def bring_back(self, owner: AgencyKey, sha256: str) -> bool:
        """Undo ``set_aside``; whether the bytes are in sight now. They count as new."""
        ...

    async def discard(self, owner: AgencyKey, sha256: str) -> None:
        """Remove what was set aside, for good; bytes in sight are never touched."""
        ...

    async def claim(self, database: str) -> str:
        """Mark the store as that of ``database`` unless it is marked; answer whose it is."""
        ...

    async def remove(self, agency_id: AgencyKey, sha256: str) -> None:
        """Take the bytes away; the caller knows that no row names them. Absent bytes are no error."""
        ...

    async def sweep_temporary(self, older_than: datetime) -> int:
        """Remove temporary files last written before ``older_than`` (aware); answer how many."""
        ...

    def has_room(self, wanted: int = 0) -> bool:
        """Whether ``wanted`` more bytes leave the reserve untouched (DESIGN decision 19)."""
        ...
