"""What a signature covers, asked byte by byte: pyHanko only adds lengths up (signatures.md 4.1).

ISO 32000-2, 12.8.1: the byte range is the whole revision but for the value of ``/Contents``. A literal string in the
place of the hexadecimal one, white space in it, or a second entry make room in which other objects stand unsigned.
"""

from __future__ import annotations

import binascii
import re
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

NUMBERS: Final = 4
CHUNK: Final = 1 << 20
LONGEST_MARK: Final = 64
_STARTXREF: Final = re.compile(rb"startxref\s+(\d{1,12})")


def form_fault(value: Any) -> str | None:
    """Say what the signature dictionary lacks before pyHanko stumbles over it, or None."""
    if not isinstance(value, generic.DictionaryObject):
        return "không có từ điển chữ ký"
    contents = value.raw_get("/Contents") if "/Contents" in value else None
    if not isinstance(contents, generic.ByteStringObject | generic.TextStringObject):
        return "thiếu giá trị chữ ký (/Contents)"
    numbers = value.raw_get("/ByteRange") if "/ByteRange" in value else None
    if not isinstance(numbers, generic.ArrayObject) or len(numbers) != NUMBERS:
        return "vùng ký (/ByteRange) không gồm bốn số"
    if not all(isinstance(number, generic.NumberObject) for number in numbers):
        return "vùng ký (/ByteRange) không gồm bốn số"
    return None


def exactly_covered(embedded: EmbeddedPdfSignature, size: int) -> bool:
    """Between the two signed stretches stands ``<``, the value in hexadecimal digits, ``>`` and nothing else."""
    start, before, behind, rest = (int(number) for number in embedded.byte_range)
    value = embedded.pkcs7_content
    if start != 0 or before <= 0 or rest <= 0 or behind != before + 2 * len(value) + 2 or behind + rest > size:
        return False
    stream = embedded.reader.stream
    stream.seek(before)
    gap = stream.read(behind - before)
    if gap[:1] != b"<" or gap[-1:] != b">":
        return False
    try:
        return binascii.unhexlify(gap[1:-1]) == value
    except ValueError:
        return False


def unnamed_revision(embedded: EmbeddedPdfSignature) -> str | None:
    """Say which end marker behind the signed revision belongs to no revision of the chain: its bytes are skipped."""
    xrefs, stream = embedded.reader.xrefs, embedded.reader.stream
    known = {xrefs.get_startxref_for_revision(number) for number in range(xrefs.total_revisions)}
    stream.seek(int(embedded.byte_range[2]) + int(embedded.byte_range[3]))
    kept = b""
    while chunk := stream.read(CHUNK):
        for found in _STARTXREF.finditer(kept + chunk):
            if int(found[1]) not in known:
                return found[1].decode()
        kept = chunk[-LONGEST_MARK:]
    return None
