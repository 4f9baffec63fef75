"""Parts that hostile PDF files are put together from: raw objects, raw updates, and the places inside signed files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..signing.desk import Desk

MEGABYTE = 1024 * 1024
PAGES = {
    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1 1] >>",
}
CATALOG = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [%s] >> >>"
SIGNATURE = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /ByteRange [%s] /Contents %s >>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """``code``: the reason the report must give; ``policy``: the mildest one that the untouched file satisfies."""

    build: Callable[[Desk], bytes]
    code: str
    policy: str = "NA_ANY_ONE"


def pdf(objects: Mapping[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A file with a plain cross-reference table; object 1 is the catalogue."""
    body, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start, top = len(body), max(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n" % top
    for number in range(1, top):
        body += b"%010d 00000 %s \n" % (places.get(number, 0), b"n" if number in places else b"f")
    body += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (top, trailer, start)
    return bytes(body)


def form(fields: bytes, objects: dict[int, bytes]) -> bytes:
    return pdf({1: CATALOG % fields, **PAGES, **objects})


def one_signature(value: bytes, *, more: dict[int, bytes] | None = None) -> bytes:
    return form(b"4 0 R", {4: b"<< /FT /Sig /T (A) /V 5 0 R >>", 5: value, **(more or {})})


def appended(
    document: bytes,
    objects: Mapping[int, bytes],
    *,
    prev: int | None = None,
    root: bytes | None = None,
    trailer: bytes = b"",
    size: int | None = None,
) -> bytes:
    """One more revision with a plain table, written by hand; ``trailer``: further entries."""
    body, places = bytearray(document if document.endswith(b"\n") else document + b"\n"), {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(body)
    body += b"xref\n" if places else b"xref\n0 0\n"
    for number, place in sorted(places.items()):
        body += b"%d 1\n%010d 00000 n \n" % (number, place)
    top = size or max(size_of(document), *(n + 1 for n in objects), 0)
    body += b"trailer\n<< /Size %d /Root %s /Prev %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        top,
        root or root_of(document),
        last_startxref(document) if prev is None else prev,
        trailer,
        table,
    )
    return bytes(body)


def last_startxref(document: bytes) -> int:
    return int(re.findall(rb"startxref\s+(\d+)", document)[-1])


def size_of(document: bytes) -> int:
    return max(int(n) for n in re.findall(rb"/Size (\d+)", document))


def root_of(document: bytes) -> bytes:
    return re.findall(rb"/Root (\d+ \d+ R)", document)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where a signature value stands: ``open`` is the place of ``<``, ``close`` of ``>``."""

    open: int
    close: int

    @property
    def value(self) -> slice:
        return slice(self.open + 1, self.close)


def room(document: bytes, number: int = -1) -> Room:
    """Of the signature values in the file, in their order."""
    starts = [found.end() for found in re.finditer(rb"/Contents ?(?=<[0-9a-fA-F])", document)]
    return Room(open=starts[number], close=document.index(b">", starts[number]))


def range_text(document: bytes, number: int = -1) -> re.Match[bytes]:
    return list(re.finditer(rb"/ByteRange ?\[ *(\d+) +(\d+) +(\d+) +(\d+) *\] *", document))[number]


def ranged(document: bytes, text: bytes, number: int = -1) -> bytes:
    """Another ``/ByteRange`` in place of the true one, padded to its length (so its digest breaks as well)."""
    found = range_text(document, number)
    entry = b"/ByteRange [" + text + b"]"
    return document[: found.start()] + entry.ljust(found.end() - found.start()) + document[found.end() :]
