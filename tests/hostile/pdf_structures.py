"""Files whose structure is the attack: broken cross-references, circles, bombs, numbers beyond every measure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from ..signing.desk import Desk
from .pdf_forgeries import single
from .pdf_parts import CATALOG, MEGABYTE, PAGES, SIGNATURE, Attack, appended, form, last_startxref, one_signature, pdf
from .pdf_shadows import stream

PLAIN = b"<< /Type /Catalog /Pages 2 0 R >>"


def changed(pattern: bytes, text: bytes) -> Callable[[Desk], bytes]:
    """The last hit of ``pattern`` in a signed file replaced, padded to its length."""

    def build(desk: Desk) -> bytes:
        document = single(desk)
        found = list(re.finditer(pattern, document))[-1]
        return document[: found.start()] + text.ljust(found.end() - found.start()) + document[found.end() :]

    return build


def signed_with(objects: dict[int, bytes], catalogue: bytes = b"") -> Callable[[Desk], bytes]:
    """Signed truly, with what is hostile inside the signed bytes; a second signature makes the changes be compared."""

    def build(desk: Desk) -> bytes:
        content = {1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue, **PAGES, **objects}
        first = desk.sign(pdf(content), desk.leader, "A", strict=False, box=None)
        return desk.sign(first, desk.agency, "B", strict=False, box=None)

    return build


def unfolding(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(size)) + packer.flush()


def bomb(entries: bytes, size: int = 300) -> bytes:
    return stream(unfolding(size), entries + b" /Filter /FlateDecode")


def chain(length: int) -> dict[int, bytes]:
    """Objects that are nothing but a reference to the next."""
    return {n: b"%d 0 R" % (n + 1) for n in range(10, 10 + length)} | {10 + length: PLAIN}


def diamonds(depth: int) -> dict[int, bytes]:
    """2^depth ways from the first to the last object."""
    last = 10 + depth
    return {n: b"<< /A %d 0 R /B %d 0 R >>" % (n + 1, n + 1) for n in range(10, last)} | {last: b"<< /End true >>"}


def deep_pages(depth: int) -> dict[int, bytes]:
    last = 10 + depth
    levels = {n: b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (n + 1) for n in range(10, last)}
    return levels | {last: b"<< /Type /Page /MediaBox [0 0 1 1] >>"}


def many_streams(count: int) -> bytes:
    """Each object stream extends the one before it, the first one the last."""
    ring = {n: stream(b"1 0 null", b"/Type /ObjStm /N 1 /First 4 /Extends %d 0 R" % (n + 1)) for n in range(10, count)}
    return pdf({1: PLAIN, **PAGES, **ring, count: stream(b"", b"/Type /ObjStm /N 0 /First 0 /Extends 10 0 R")})


def nested(opening: bytes, closing: bytes, depth: int = 50_000) -> bytes:
    return pdf({1: b"<< /Type /Catalog /Pages 2 0 R /X " + opening * depth + closing * depth + b" >>", **PAGES})


def prev_in_circles(desk: Desk) -> bytes:
    document = single(desk)
    own = len(document) + (not document.endswith(b"\n"))
    return appended(document, {}, prev=own)


def prev_forward(desk: Desk) -> bytes:
    return appended(single(desk), {}, prev=10**9)


def hundred_revisions(desk: Desk) -> bytes:
    document = single(desk)
    for _ in range(210):
        document = appended(document, {})
    return document


def table_of_millions(desk: Desk) -> bytes:
    document = single(desk)
    place = len(document)
    rows = b"xref\n0 99999999\n" + b"0000000000 65535 f \n" * 1000
    end = b"trailer\n<< /Size 99999999 /Root 5 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return document + rows + end % (last_startxref(document), place)


def encrypted_by_update(desk: Desk) -> bytes:
    handler = b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <%s> /U <%s> >>" % (b"00" * 32, b"00" * 32)
    return appended(single(desk), {90: handler}, trailer=b"/Encrypt 90 0 R /ID [<00> <00>]")


def signatures(count: int) -> bytes:
    fields = {n: b"<< /FT /Sig /T (A%d) /V 5 0 R >>" % n for n in range(10, 10 + count)}
    return form(b" ".join(b"%d 0 R" % n for n in fields), {**fields, 5: SIGNATURE % (b"0 1 2 3", b"<00>")})


STRUCTURES: dict[str, Attack] = {
    "startxref beyond the end": Attack(build=changed(rb"startxref\s+\d+", b"startxref\n99999"), code="SIG_UNREADABLE"),
    "startxref zero": Attack(build=changed(rb"startxref\s+\d+", b"startxref\n0"), code="SIG_UNREADABLE"),
    "startxref a word": Attack(build=changed(rb"startxref\s+\d+", b"startxref\nabc"), code="SIG_UNREADABLE"),
    "startxref off by three": Attack(build=changed(rb"startxref\s+2", b"startxref\n1"), code="SIG_UNREADABLE"),
    "size too small": Attack(build=changed(rb"/Size \d+", b"/Size 3"), code="SIG_ALTERED"),
    "size negative": Attack(build=changed(rb"/Size \d+", b"/Size -1"), code="SIG_ALTERED"),
    "root missing": Attack(build=changed(rb"/Root 5 0 R", b""), code="SIG_ALTERED"),
    "root a number": Attack(build=changed(rb"/Root 5 0 R", b"/Root 5"), code="SIG_UNREADABLE"),
    "table entry elsewhere": Attack(build=changed(rb"\d{10} 00000 n", b"0000000009 00000 n"), code="SIG_UNREADABLE"),
    "table entry beyond": Attack(build=changed(rb"\d{10} 00000 n", b"9999999999 00000 n"), code="SIG_UNREADABLE"),
    "table keyword": Attack(build=changed(rb"\bxref\n", b"xxxx\n"), code="SIG_UNREADABLE"),
    "table of millions": Attack(build=table_of_millions, code="SIG_UNREADABLE"),
    "previous in circles": Attack(build=prev_in_circles, code="SIG_UNREADABLE"),
    "previous beyond the end": Attack(build=prev_forward, code="SIG_UNREADABLE"),
    "two hundred revisions": Attack(build=hundred_revisions, code="SIG_TOO_MANY_REVISIONS"),
    "encrypted by an update": Attack(build=encrypted_by_update, code="SIG_ENCRYPTED"),
    "sixty signatures": Attack(build=lambda _: signatures(60), code="SIG_TOO_MANY_SIGNATURES"),
    "signatures below the limit": Attack(build=lambda _: signatures(16), code="SIG_UNREADABLE_SIGNATURE"),
    "references in a row": Attack(build=lambda _: pdf({1: b"10 0 R", **PAGES, **chain(3000)}), code="SIG_UNREADABLE"),
    "reference to itself": Attack(
        build=lambda _: pdf({1: b"<< /Pages 2 0 R /AcroForm 4 0 R >>", 4: b"4 0 R", **PAGES}), code="SIG_UNREADABLE"
    ),
    "nested arrays": Attack(build=lambda _: nested(b"[", b"]"), code="SIG_UNREADABLE"),
    "nested dictionaries": Attack(build=lambda _: nested(b"<< /A ", b">>"), code="SIG_UNREADABLE"),
    "nested open only": Attack(build=lambda _: nested(b"[", b""), code="SIG_UNREADABLE"),
    "streams extend in a ring": Attack(build=lambda _: many_streams(200), code="SIG_NOT_SIGNED"),
    "length refers to itself": Attack(
        build=lambda _: one_signature(b"<< /Length 5 0 R >>\nstream\nx\nendstream"), code="SIG_UNREADABLE"
    ),
    "form in an unfolding stream": Attack(
        build=lambda _: pdf({1: CATALOG % b"4 0 R", **PAGES, 4: bomb(b"/FT /Sig /T (A) /V 5 0 R"), 5: PLAIN}),
        code="SIG_UNSUPPORTED_SUBFILTER",
    ),
}
# Signed truly, so that only the work they cause is hostile: whatever the verdict, it comes in time.
BURDENS: dict[str, Callable[[Desk], bytes]] = {
    "diamonds": signed_with(diamonds(60), b"/X 10 0 R"),
    "page tree in a circle": signed_with({2: b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>"}),
    "page twice": signed_with({2: b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>"}),
    "pages a thousand deep": signed_with({2: b"<< /Type /Pages /Kids [3 0 R 10 0 R] /Count 2 >>", **deep_pages(2000)}),
    "unfolding content": signed_with({4: bomb(b"/Type /XObject /Subtype /Form")}, b"/X 4 0 R"),
    "unfolding object stream": signed_with({4: bomb(b"/Type /ObjStm /N 1 /First 4")}, b"/X 4 0 R"),
    "structure tree in a circle": signed_with(
        {10: b"<< /Type /StructTreeRoot /K [11 0 R] >>", 11: b"<< /Type /StructElem /K [11 0 R] >>"},
        b"/StructTreeRoot 10 0 R",
    ),
    "thousands of objects": signed_with(
        {10: b"[ " + b" ".join(b"%d 0 R" % n for n in range(11, 4000)) + b" ]"}
        | {n: b"<< /N %d >>" % n for n in range(11, 4000)},
        b"/X 10 0 R",
    ),
}
