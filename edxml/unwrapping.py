r"""Takes an attachment out of the one-entry ZIP in which the vendor's client packs it (edxml.md row 19 and its note).

Unwrapped: bytes that start ``PK\x03\x04``, a name that does not end in ``.zip``, exactly one regular entry, and that
entry named by a UUID or with the attachment's extension. A raw docx or xlsx has several entries and stays as it is.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from .content_types import HEAD, ZIP_MAGIC, extension
from .contents import StoredFile
from .errors import EdxmlError
from .limits import MIB, Limits
from .single_zip import Entry, only_entry, unpacked

_RATIO_FROM = 10 * MIB  # below it any ratio is harmless
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


class Refusal(Enum):
    """Why a ZIP that should be unwrapped stays packed."""

    TOO_BIG = auto()
    DAMAGED = auto()


def unwrap(carried: StoredFile, name: str, limits: Limits) -> StoredFile | Refusal | None:
    """The wrapped file in a new file beside it; None when ``carried`` is the attachment itself."""
    if not carried.head.startswith(ZIP_MAGIC) or extension(name) == "zip":
        return None
    with carried.path.open("rb") as packed:
        entry = only_entry(packed)
        if entry is None or not _is_wrapping(entry, name):
            return None
        if not entry.readable:
            return Refusal.DAMAGED
        return _extract(packed, entry, carried.path.parent, limits)


def _is_wrapping(entry: Entry, name: str) -> bool:
    inner = entry.name.replace("\\", "/").rpartition("/")[2]
    ending = extension(name)
    same = ending != "" and extension(inner) == ending
    return same or _UUID.fullmatch(inner.partition(".")[0]) is not None


def _extract(packed: BinaryIO, entry: Entry, folder: Path, limits: Limits) -> StoredFile | Refusal:
    # The name never comes from the archive.
    handle, name = tempfile.mkstemp(prefix="attachment-", suffix=".bin", dir=folder)
    path = Path(name)
    found: StoredFile | Refusal = Refusal.DAMAGED
    try:
        with open(handle, "wb") as target:  # noqa: PTH123
            found = _copy(unpacked(packed, entry), target, path, _allowed(entry, limits))
    except EdxmlError:
        found = Refusal.DAMAGED
    finally:
        if isinstance(found, Refusal):
            path.unlink(missing_ok=True)
    return found


def _allowed(entry: Entry, limits: Limits) -> int:
    return min(limits.zip_bytes, max(_RATIO_FROM, limits.zip_ratio * entry.packed_size))


def _copy(pieces: Iterator[bytes], target: BinaryIO, path: Path, allowed: int) -> StoredFile | Refusal:
    """What the entry says of its size is not believed."""
    digest, size, head = hashlib.sha256(), 0, b""
    for data in pieces:
        size += len(data)
        if size > allowed:
            return Refusal.TOO_BIG
        if len(head) < HEAD:
            head += data[: HEAD - len(head)]
        digest.update(data)
        target.write(data)
    return StoredFile(path=path, size=size, sha256=digest.hexdigest(), head=head)
