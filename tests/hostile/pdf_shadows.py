"""Shadow attacks: the author prepares a second content before the signature and shows it after (2021).

Hide: what covers the true text is taken away. Replace: what shows it is exchanged. Hide and replace: a second
document sleeps in the signed bytes and wakes by an update that brings no object of its own. With them the relatives
on certified files: sneaky signatures, and additions to a file that forbids all of them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field

from lienthong.deploy.demo.pki import Holder
from lienthong.signing.preparing import NUMBER_FIELD, fill

from ..signing.desk import AGENCY_BOX, SENDER_NAME, Desk
from .pdf_parts import Attack, appended, last_startxref, pdf, root_of, size_of
from .pdf_tricks import TRICKS, drawing, fields, tricked

TEXT = b"BT /F1 24 Tf 100 700 Td (chi mot trieu dong) Tj ET\n"
COVER = b"/Cover Do\n"


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def prepared(extra: Mapping[int, bytes] | None = None, *, catalogue: bytes = b"") -> bytes:
    """One page whose text lies under a white cover (object 6); 8 is the page again with another text, unused."""
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources %s >>"
    resources = b"<< /Font << /F1 5 0 R >> /XObject << /Cover 6 0 R >> >>"
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue,
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: page % (4, resources),
            4: stream(TEXT + COVER),
            5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            6: stream(b"1 g 90 690 400 40 re f", form),
            7: stream(b"BT /F1 24 Tf 100 700 Td (mot ty dong) Tj ET"),
            8: page % (7, resources),
            **(extra or {}),
        }
    )


def signed(desk: Desk, document: bytes) -> bytes:
    return desk.sign(document, desk.leader, "A", certify=True)


def with_objects(objects: Mapping[int, bytes]) -> Callable[[Desk], bytes]:
    return lambda desk: appended(signed(desk, prepared()), objects)


def freed(desk: Desk) -> bytes:
    """The cover's number becomes free: readers draw nothing in its place."""
    document = signed(desk, prepared())
    table = b"xref\n6 1\n0000000000 00001 f \n"
    return _ended(document, table)


def pointed(number: int, hidden: bytes) -> Callable[[Desk], bytes]:
    """A second ``number 0 obj`` sleeps in the signed file; the update is nothing but a table that points to it."""

    def build(desk: Desk) -> bytes:
        sleeping = b"%d 0 obj\n%s\nendobj\n" % (number, hidden)
        blank = prepared({9: stream(sleeping)})
        document = signed(desk, blank)
        return _ended(document, b"xref\n%d 1\n%010d 00000 n \n" % (number, document.index(sleeping)))

    return build


def _ended(document: bytes, table: bytes, root: bytes | None = None) -> bytes:
    end = b"trailer\n<< /Size %d /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    numbers = (size_of(document), root or root_of(document), last_startxref(document), len(document))
    return document + table + end % numbers


def other_root(desk: Desk) -> bytes:
    """The trailer of the update names a second catalogue, signed long ago."""
    pages = {11: b"<< /Type /Pages /Kids [8 0 R] /Count 1 >>"}
    document = signed(desk, prepared({**pages, 10: b"<< /Type /Catalog /Pages 11 0 R >>"}))
    form = re.findall(rb"/AcroForm (\d+ 0 R)", document)[-1]
    waking = b"<< /Type /Catalog /Pages 11 0 R /AcroForm %s >>" % form
    return appended(document, {10: waking}, root=b"10 0 R")


def next_generation(desk: Desk) -> bytes:
    """Object 4 comes back as ``4 1 obj``: readers that look at the number alone show it."""
    document = signed(desk, prepared())
    body = b"4 1 obj\n%s\nendobj\n" % stream(b"BT (mot ty) Tj ET")
    table = b"xref\n4 1\n%010d 00001 n \n" % len(document)
    end = b"trailer\n<< /Size %d /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    place = len(document) + len(body)
    return document + body + table + end % (size_of(document), root_of(document), last_startxref(document), place)


def by_stream(desk: Desk) -> bytes:
    """The page comes again inside an object stream, by a cross-reference stream."""
    document = signed(desk, prepared())
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R /Resources << >> >>"
    top, packed = size_of(document), b"3 0 " + page
    objects = b"%d 0 obj\n%s\nendobj\n" % (top, stream(packed, b"/Type /ObjStm /N 1 /First 4"))
    place = len(document) + len(objects)
    rows = struct.pack(">BIB", 2, top, 0) + struct.pack(">BIB", 1, len(document), 0) + struct.pack(">BIB", 1, place, 0)
    head = b"/Type /XRef /Size %d /Index [3 1 %d 2] /W [1 4 1] /Root %s /Prev %d"
    table = stream(rows, head % (top + 2, top, root_of(document), last_startxref(document)))
    return document + objects + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (top + 1, table, place)


def hidden_by_hybrid(desk: Desk) -> bytes:
    """The update's table is empty; its ``/XRefStm`` brings the other page, which old readers never see."""
    document = signed(desk, prepared())
    body = b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R >>\nendobj\n"
    place, top = len(document) + len(body), size_of(document)
    rows = struct.pack(">BIB", 1, len(document), 0)
    head = b"/Type /XRef /Size %d /Index [3 1] /W [1 4 1] /Root %s" % (top + 1, root_of(document))
    hidden = b"%d 0 obj\n%s\nendobj\n" % (top, stream(rows, head))
    start = place + len(hidden)
    end = b"xref\n0 0\ntrailer\n<< /Size %d /Root %s /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n"
    numbers = (top + 1, root_of(document), last_startxref(document), place, start)
    return document + body + hidden + end % numbers


def value_under_the_old_look(desk: Desk) -> bytes:
    """A form field gets another picture under its old value, after the last signature."""
    document = desk.sign(desk.form(), desk.leader, "A", certify=True)

    def change(writer: IncrementalPdfFileWriter) -> None:
        field = next(field for field in fields(writer) if field["/T"] == NUMBER_FIELD)
        field["/AP"]["/N"] = writer.add_object(drawing())
        writer.update_container(field)

    return tricked(document, change)


def sneaky_signature(desk: Desk) -> bytes:
    """A certified file allows signatures: a stranger's own covers the text with its picture."""
    stranger = desk.foreign.issue(Holder(agency_code="x", agency_name=SENDER_NAME, person="Kẻ Lạ"))
    return desk.sign(signed(desk, prepared()), stranger, "B", box=(0, 0, 595, 842))


def empty_cover(desk: Desk) -> bytes:
    """An empty signature field with a picture, which nobody answers for."""
    spec = SigFieldSpec("che", box=(0, 0, 500, 700), empty_field_appearance=True, on_page=0)
    return tricked(signed(desk, prepared()), lambda writer: append_signature_field(writer, spec))


def forbidden(change: Callable[[bytes, Desk], bytes]) -> Callable[[Desk], bytes]:
    """After a certification that forbids all changes (P=1)."""

    def build(desk: Desk) -> bytes:
        return change(desk.sign(desk.form(), desk.leader, "A", certify=True, permission=MDPPerm.NO_CHANGES), desk)

    return build


def field_over_the_text(document: bytes, _desk: Desk) -> bytes:
    spec = SigFieldSpec("B", box=AGENCY_BOX, on_page=0)
    return tricked(document, lambda writer: append_signature_field(writer, spec))


def page_turned(document: bytes, _desk: Desk) -> bytes:
    return tricked(document, TRICKS["page turned"])


PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R >>"
SHADOWS: dict[str, Attack] = {
    "hide: cover replaced": Attack(build=with_objects({6: stream(b"")}), code="SIG_CHANGED"),
    "hide: cover is null": Attack(build=with_objects({6: b"null"}), code="SIG_CHANGED"),
    "hide: cover freed": Attack(build=freed, code="SIG_CHANGED"),
    "hide: cover is something else": Attack(build=with_objects({6: b"<< /Type /Catalog >>"}), code="SIG_CHANGED"),
    "replace: font": Attack(
        build=with_objects({5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"}), code="SIG_CHANGED"
    ),
    "replace: content": Attack(build=with_objects({4: stream(b"BT (mot ty) Tj ET")}), code="SIG_CHANGED"),
    "replace: page": Attack(build=with_objects({3: PAGE}), code="SIG_CHANGED"),
    "replace: page tree": Attack(
        build=with_objects({2: b"<< /Type /Pages /Kids [8 0 R] /Count 1 >>"}), code="SIG_CHANGED"
    ),
    "replace: look of a field": Attack(build=value_under_the_old_look, code="SIG_CHANGED_AFTER_LAST"),
    "replace: next generation": Attack(build=next_generation, code="SIG_CHANGED"),
    "replace: by a stream": Attack(build=by_stream, code="SIG_CHANGED"),
    "replace: behind a hybrid table": Attack(build=hidden_by_hybrid, code="SIG_CHANGED"),
    "hide and replace: content": Attack(build=pointed(4, stream(b"BT (mot ty) Tj ET")), code="SIG_CHANGED"),
    "hide and replace: page": Attack(build=pointed(3, PAGE), code="SIG_CHANGED"),
    "hide and replace: catalogue": Attack(build=other_root, code="SIG_CHANGED"),
    "sneaky signature of a stranger": Attack(build=sneaky_signature, code="SIG_IDENTITY_UNKNOWN"),
    "sneaky empty field": Attack(build=empty_cover, code="SIG_SHADOW"),
    "forbidden: number filled": Attack(
        build=forbidden(lambda document, _: fill(document, {NUMBER_FIELD: "9"}, text_size=13)), code="SIG_CHANGED"
    ),
    "forbidden: signature field": Attack(build=forbidden(field_over_the_text), code="SIG_CHANGED"),
    "forbidden: page turned": Attack(build=forbidden(page_turned), code="SIG_CHANGED"),
}
