"""Reads the only file of a small ZIP: the form in which attachments are wrapped, and nothing more of the format.

Every offset and length comes from the sender, so each is checked before it is used; ZIP64, encryption, several
disks and methods other than stored and deflated are not read. The standard library's module is made for
trusted archives: damaged ones end in foreign exceptions.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .errors import EdxmlError

_CHUNK = 64 * 1024
_END = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE 4.3.16
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # central directory header, APPNOTE 4.3.12
_LOCAL = struct.Struct("<4s5H3L2H")  # local file header, APPNOTE 4.3.7
_MAX_COMMENT = 65535
_MAX_DIRECTORY = 16 * 1024  # bytes of central directory that are worth a look
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8
_ZIP64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the archive, as its directory describes it."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int

    @property
    def readable(self) -> bool:
        plain = not self.flags & _ENCRYPTED and self.method in {_STORED, _DEFLATED}
        return plain and _ZIP64 not in {self.packed_size, self.size, self.offset}


def only_entry(file: BinaryIO) -> Entry | None:
    """The one regular file of the archive; None when there are none or several, or no directory is found."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _END.size - _MAX_COMMENT))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return None
    _, _, _, _, _, size, offset, _ = _END.unpack_from(tail, at)
    if size > _MAX_DIRECTORY or offset + size > length:
        return None
    file.seek(offset)
    regular = [entry for entry in _entries(file.read(size)) if not entry.name.endswith(("/", "\\"))]
    return regular[0] if len(regular) == 1 else None


def unpacked(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The entry's bytes piece by piece; raises EDXML_ZIP_DAMAGED when they are not what the directory says."""
    crc, size = 0, 0
    for piece in _pieces(file, entry):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        yield piece
    if (crc, size) != (entry.crc, entry.size):
        raise _damaged()


def _entries(directory: bytes) -> Iterator[Entry]:
    at = 0
    while len(directory) - at >= _CENTRAL.size and directory[at : at + 4] == b"PK\x01\x02":
        _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, _, offset = _CENTRAL.unpack_from(
            directory, at
        )
        start = at + _CENTRAL.size
        yield Entry(
            name=directory[start : start + name].decode("utf-8", "replace"),
            flags=flags,
            method=method,
            crc=crc,
            packed_size=packed,
            size=size,
            offset=offset,
        )
        at = start + name + extra + comment


def _pieces(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise _damaged()
    name, extra = _LOCAL.unpack(header)[-2:]
    file.seek(name + extra, 1)
    packed = _packed(file, entry.packed_size)
    return packed if entry.method == _STORED else _inflated(packed)


def _packed(file: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0:
        piece = file.read(min(_CHUNK, left))
        if not piece:
            raise _damaged()
        left -= len(piece)
        yield piece


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            rest = piece
            while rest and not inflater.eof:
                yield inflater.decompress(rest, _CHUNK)
                rest = inflater.unconsumed_tail
        while not inflater.eof and (last := inflater.decompress(b"", _CHUNK)):
            yield last
    except zlib.error as error:
        raise _damaged() from error


def _damaged() -> EdxmlError:
    return EdxmlError("EDXML_ZIP_DAMAGED", "Tệp nén bọc tệp đính kèm bị hỏng.")
