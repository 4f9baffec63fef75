"""A PDF opened and bounded before any signature is looked at. Adapter of pyHanko's reader.

Listing signatures through pyHanko can hang on a form tree whose nodes share children; so the tree is walked
here, every node once, and counted (signatures.md 4.1). Nothing is verified in this file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from .quick_reader import QuickReader
from .refused import DocumentRefused
from .request import VerificationLimits

HEADER_WINDOW: Final = 1024
TAIL_LIMIT: Final = 64 * 1024
# What may stand behind the last cross-reference section: its trailer, startxref, the end marker, white space.
_TAIL: Final = re.compile(
    rb"\s*(?:endobj)?\s*(?:trailer)?\s*(?:<<(?:(?!\bobj\b|stream|%%EOF).)*>>)?\s*startxref\s+\d+\s+%%EOF[\s\x00]*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    name: str
    kind: str | None  # /Sig, /Tx, …
    node: Any  # pyHanko dictionary
    reference: Any  # generic.Reference or None
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    reader: PdfFileReader
    strict: bool
    hybrid: bool
    size: int
    fields: tuple[FormField, ...]

    @property
    def signed_fields(self) -> tuple[FormField, ...]:
        return tuple(f for f in self.fields if f.kind == "/Sig" and f.signed)


def open_document(stream: BinaryIO, limits: VerificationLimits, *, strict: bool) -> Document:
    """Open and bound. Raises DocumentRefused, and whatever pyHanko raises on broken syntax."""
    size = stream.seek(0, os.SEEK_END)
    if size > limits.max_bytes:
        raise DocumentRefused("SIG_TOO_LARGE", str(size))
    stream.seek(0)
    if b"%PDF-" not in stream.read(HEADER_WINDOW):
        raise DocumentRefused("SIG_NOT_PDF")
    reader = QuickReader(stream, strict=strict)
    if reader.security_handler is not None:
        raise DocumentRefused("SIG_ENCRYPTED")
    if reader.xrefs.total_revisions > limits.max_revisions:
        raise DocumentRefused("SIG_TOO_MANY_REVISIONS", str(reader.xrefs.total_revisions))
    fields = tuple(_walk(reader, limits.max_form_fields))
    document = Document(
        reader=reader,
        strict=strict,
        hybrid=bool(reader.xrefs.hybrid_xrefs_present),
        size=size,
        fields=fields,
    )
    if len(document.signed_fields) > limits.max_signatures:
        raise DocumentRefused("SIG_TOO_MANY_SIGNATURES", str(len(document.signed_fields)))
    return document


def entry(node: Any, key: str) -> Any:
    """The value behind ``key`` with references followed (``get`` of pyHanko's dictionaries follows none)."""
    return node[key] if isinstance(node, generic.DictionaryObject) and key in node else None


def _walk(reader: PdfFileReader, limit: int) -> Iterator[FormField]:
    form = entry(reader.root, "/AcroForm")
    top = entry(form, "/Fields")
    if not isinstance(top, generic.ArrayObject):
        return
    pending: list[tuple[Any, str, str | None]] = [(item, "", None) for item in _items(top, limit)]
    seen: set[Any] = set()
    visited = 0
    while pending:
        item, parent, inherited = pending.pop()
        visited += 1
        if visited > limit:
            raise DocumentRefused("SIG_FORM_TREE", f"hơn {limit} ô")
        reference = item.reference if isinstance(item, generic.IndirectObject) else None
        if reference is not None:
            if reference in seen:
                raise DocumentRefused("SIG_FORM_TREE", "một ô được dùng ở nhiều nơi")
            seen.add(reference)
        node = item.get_object()
        if not isinstance(node, generic.DictionaryObject):
            continue
        part = entry(node, "/T")
        name = ".".join(p for p in (parent, "" if part is None else str(part)) if p)
        kind = entry(node, "/FT") or inherited
        if part is not None or not parent:
            yield FormField(
                name=name,
                kind=None if kind is None else str(kind),
                node=node,
                reference=reference,
                signed="/V" in node,
            )
        kids = entry(node, "/Kids")
        if isinstance(kids, generic.ArrayObject):
            pending.extend((kid, name, kind) for kid in _items(kids, limit))


def _items(array: generic.ArrayObject, limit: int) -> Iterator[Any]:
    if len(array) > limit:
        raise DocumentRefused("SIG_FORM_TREE", f"hơn {limit} ô")
    return (array.raw_get(i) for i in range(len(array)))


def trailing_bytes(document: Document, stream: BinaryIO) -> int:
    """Bytes behind the last revision that no cross-reference section names (viewers may show them)."""
    xrefs = document.reader.xrefs
    start = max(xrefs.get_xref_container_info(n).end_location for n in range(xrefs.total_revisions))
    rest = document.size - start
    stream.seek(start)
    tail = stream.read(TAIL_LIMIT)
    if rest <= TAIL_LIMIT and _TAIL.fullmatch(tail):
        return 0
    marker = tail.find(b"%%EOF")
    return max(1, rest - (marker + len(b"%%EOF") if marker >= 0 else 0))


def page_count(document: Document) -> int | None:
    count = entry(entry(document.reader.root, "/Pages"), "/Count")
    return int(count) if isinstance(count, int) and 0 <= count < 1_000_000 else None


def active_content(document: Document) -> tuple[str, ...]:
    """Names of what runs by itself when the file is opened (signatures.md 2.1): only ever a warning here."""
    root = document.reader.root
    found = [key for key in ("/OpenAction", "/AA") if key in root]
    if entry(entry(root, "/Names"), "/JavaScript") is not None:
        found.append("/JavaScript")
    if entry(entry(root, "/AcroForm"), "/XFA") is not None:
        found.append("/XFA")
    return tuple(found)
