"""The bytes of a package as UTF-8 chunks: encoding recognised, byte order mark and white space before it trimmed.

Only UTF-8 and UTF-16 are read (edxml.md 1.3); what the XML declaration says is checked by stream.py.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .errors import EdxmlError
from .limits import Limits

CHUNK = 64 * 1024
_BLANK = b" \t\r\n"


@dataclass(slots=True)
class Source:
    """An open package; ``skipped_lines`` and ``encoding`` are known once the first chunk was taken."""

    file: BinaryIO
    limits: Limits
    encoding: str = "utf-8"
    skipped_lines: int = 0
    digest: hashlib._Hash | None = None  # of the bytes as they are in the file, where somebody asks
    size: int = 0  # bytes read so far
    skipped_bytes: int = 0  # byte order mark and blanks before the first character, UTF-8 only

    def chunks(self) -> Iterator[bytes]:
        """UTF-8 pieces from the first character that is not blank; raises EDXML_LIMIT, EDXML_ENCODING."""
        begun = False
        for piece in self._decoded():
            if begun:
                yield piece
                continue
            rest = piece.lstrip(_BLANK)
            self.skipped_bytes += len(piece) - len(rest)
            self.skipped_lines += piece[: len(piece) - len(rest)].count(b"\n")
            if rest:
                begun = True
                yield rest

    def _raw(self) -> Iterator[bytes]:
        while chunk := self.file.read(CHUNK):
            self.size += len(chunk)
            if self.size > self.limits.total_bytes:
                raise too_much("kích thước gói tin", self.limits.total_bytes)
            if self.digest is not None:
                self.digest.update(chunk)
            yield chunk

    def _decoded(self) -> Iterator[bytes]:
        pieces = self._raw()
        first = next(pieces, b"")
        mark, self.encoding = _recognise(first)
        if self.encoding == "utf-8":
            self.skipped_bytes = mark
            yield first[mark:]
            yield from pieces
            return
        decoder = codecs.getincrementaldecoder(self.encoding)()
        try:
            yield decoder.decode(first[mark:]).encode()
            for piece in pieces:
                yield decoder.decode(piece).encode()
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            message = "Gói tin khai UTF-16 nhưng chứa chuỗi byte không phải UTF-16."
            raise EdxmlError("EDXML_ENCODING", message) from error


def _recognise(head: bytes) -> tuple[int, str]:
    """Length of the byte order mark, and the encoding."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return len(mark), encoding
    if head[1:2] == b"\0" and head[:1] != b"\0":
        return 0, "utf-16-le"
    return 0, "utf-16-be" if head[:1] == b"\0" and head[1:2] != b"\0" else "utf-8"


def too_much(what: str, limit: int) -> EdxmlError:
    """EDXML_LIMIT with the bound that was passed."""
    return EdxmlError("EDXML_LIMIT", f"Gói tin vượt giới hạn {what} ({limit}).")
