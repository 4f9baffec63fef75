r"""Takes an attachment out of the one-entry ZIP in which the vendor's client packs it (edxml.md row 19 and its note).

StoredFile: bytes that start ``PK\x03\x04``, a name that does not end in ``.zip``, exactly one regular entry, and that
entry named by a UUID or with the attachment's extension. A raw docx or xlsx has several entries and stays as it is.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
import zlib
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from .content_types import HEAD, ZIP_MAGIC, extension
from .contents import StoredFile
from .limits import MIB, Limits

_COPY = 64 * 1024
_RATIO_FROM = 10 * MIB  # below it any ratio is harmless
_TAIL = 22 + 65535  # end of central directory and its longest comment
_MAX_DIRECTORY = 16 * 1024  # bytes of central directory that are worth a look
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # lzma and bzip2 ask for memory by the header's word
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


class Refusal(Enum):
    """Why a ZIP that should be unwrapped stays packed."""

    TOO_BIG = auto()
    DAMAGED = auto()


def unwrap(carried: StoredFile, name: str, limits: Limits) -> StoredFile | Refusal | None:
    """The wrapped file in a new file beside it; None when ``carried`` is the attachment itself."""
    packed = carried.path
    if not carried.head.startswith(ZIP_MAGIC) or extension(name) == "zip" or not _small_directory(packed):
        return None
    try:
        with zipfile.ZipFile(packed) as archive:
            entry = _only_entry(archive, name)
            if entry is None:
                return None
            if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
                return Refusal.DAMAGED
            return _extract(archive, entry, packed, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OverflowError):
        return Refusal.DAMAGED


def _small_directory(packed: Path) -> bool:
    """Whether zipfile may read the central directory: it builds all of it in memory. ZIP64 stays packed."""
    with packed.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read(_TAIL)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
        return False
    return int.from_bytes(tail[at + 12 : at + 16], "little") <= _MAX_DIRECTORY


def _only_entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    regular = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(regular) != 1:
        return None
    inner = regular[0].filename.replace("\\", "/").rpartition("/")[2]
    ending = extension(name)
    same = ending != "" and extension(inner) == ending
    return regular[0] if same or _UUID.fullmatch(inner.partition(".")[0]) else None


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, packed: Path, limits: Limits) -> StoredFile | Refusal:
    handle, name = tempfile.mkstemp(prefix="attachment-", suffix=".bin", dir=packed.parent)
    path = Path(name)
    kept = False
    try:
        with open(handle, "wb") as target:  # noqa: PTH123
            found = _copy(archive, entry, target, limits)
        kept = found is not None
    finally:
        if not kept:
            path.unlink(missing_ok=True)
    if found is None:
        return Refusal.TOO_BIG
    size, digest, head = found
    return StoredFile(path=path, size=size, sha256=digest, head=head)


def _copy(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: BinaryIO, limits: Limits
) -> tuple[int, str, bytes] | None:
    """Size, SHA-256 and first bytes; None above the limits. What the entry says of its size is not believed."""
    digest, size, head = hashlib.sha256(), 0, b""
    allowed = min(limits.zip_bytes, max(_RATIO_FROM, limits.zip_ratio * max(1, entry.compress_size)))
    with archive.open(entry) as source:
        while data := source.read(_COPY):
            size += len(data)
            if size > allowed:
                return None
            head = head or data[:HEAD]
            digest.update(data)
            target.write(data)
    return size, digest.hexdigest(), head
