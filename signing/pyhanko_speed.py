"""A bulk reader for hex strings in place of pyHanko's, which reads ``/Contents`` one character at a time.

It rests on a private detail of pyHanko 0.38 (pinned): ``install`` refuses when the detail is gone, the original
answers every case the short way does not understand, and a test compares both on many inputs.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic

from .errors import SigningError

FIRST_CHUNK: Final = 256  # most hex strings are identifiers and glyph codes
CHUNK: Final = 64 * 1024
_NAME: Final = "read_hex_string_from_stream"


def install() -> None:
    """Replace the reader in this process. Raises SigningError SIG_SPEED_UNSUITABLE on another pyHanko."""
    original = getattr(generic, _NAME, None)
    if original is None or not hasattr(generic, "pdf_string"):
        raise SigningError("SIG_SPEED_UNSUITABLE", "Phiên bản pyHanko không còn hàm đọc chuỗi hex đã biết")
    if hasattr(original, "replaced"):
        return
    setattr(generic, _NAME, bulk_reader(original))


def bulk_reader(original: Callable[[BinaryIO], Any]) -> Callable[[BinaryIO], Any]:
    """Return a reader that equals ``original`` for every input, faster for long plain hex strings."""

    def read(stream: BinaryIO) -> Any:
        start = stream.tell()
        content = _plain_hex(stream, start)
        if content is None:
            stream.seek(start)
            return original(stream)
        return generic.pdf_string(content)

    read.replaced = original  # type: ignore[attr-defined]
    return read


def _plain_hex(stream: BinaryIO, start: int) -> bytes | None:
    """Bytes of ``<...>`` at ``start`` with the stream behind it, or None when it is not plain."""
    stream.seek(start + 1)
    parts: list[bytes] = []
    length = 0
    while chunk := stream.read(CHUNK if parts else FIRST_CHUNK):
        end = chunk.find(b">")
        parts.append(chunk if end < 0 else chunk[:end])
        length += len(parts[-1])
        if end >= 0:
            break
    else:
        return None
    try:
        content = binascii.unhexlify(b"".join(parts))
    except ValueError:
        return None
    stream.seek(start + 1 + length + 1)
    return content
