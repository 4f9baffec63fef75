"""The port of the file store: bytes by (agency, SHA-256), durable before anything may name them.

Knows nothing of documents or the database. Implementations: local.py (a folder of this machine), s3.py (an S3 server);
one contract suite (tests/contracts/) runs over both. Every method may raise FileError with FILE_STORE_FAILED or
FILE_STORE_FULL, both transient.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from .layout import AgencyKey, StoredFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
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

    async def remove(self, agency_id: AgencyKey, sha256: str) -> None:
        """Take the bytes away; the caller knows that no row names them. Absent bytes are no error."""
        ...

    async def sweep_temporary(self, older_than: datetime) -> int:
        """Remove temporary files last written before ``older_than`` (aware); answer how many."""
        ...

    def has_room(self, wanted: int = 0) -> bool:
        """Whether ``wanted`` more bytes leave the reserve untouched (DESIGN decision 19)."""
        ...
