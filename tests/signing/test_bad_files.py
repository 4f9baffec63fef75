"""Files that must not be HỢP LỆ: altered, out of order, by the wrong people (signatures.md 4, by number)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, append_signature_field
from pyhanko.sign.general import SigningError as PyHankoSigningError

from lienthong.signing.preparing import AGENCY_FIELD, LEADER_FIELD, NUMBER_FIELD, fill, written
from lienthong.signing.report import LegalValue, Overall, Question, Verdict

from .desk import AGENCY_BOX, Desk, answer_of, codes


def updated(document: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    change(writer)
    return written(writer)


def fields_of(writer: IncrementalPdfFileWriter) -> dict[str, generic.DictionaryObject]:
    fields = (reference.get_object() for reference in writer.root["/AcroForm"]["/Fields"])
    return {str(field["/T"]): field for field in fields}


def draw_number(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    line = generic.StreamObject(stream_data=b"BT /F1 12 Tf 110 740 Td (12) Tj ET")
    contents = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([contents, writer.add_object(line)])
    writer.update_container(page)


def annotate_number(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(n) for n in (100, 740, 220, 758)]),
            pdf_name("/Contents"): pdf_string("12"),
            pdf_name("/DA"): pdf_string("/Helv 12 Tf"),
        }
    )
    annotations = page["/Annots"]
    annotations.append(writer.add_object(note))
    writer.update_container(annotations)


def append_page(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    page = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Page"),
            pdf_name("/Parent"): writer.root.raw_get("/Pages"),
            pdf_name("/MediaBox"): generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 595, 842)]),
        }
    )
    pages["/Kids"].append(writer.add_object(page))
    pages["/Count"] = generic.NumberObject(3)
    writer.update_container(pages)


def rotate_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(90)
    writer.update_container(page)


def replace_content(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    reference = page.raw_get("/Contents").reference
    stream = generic.StreamObject(stream_data=b"BT /F1 12 Tf 100 700 Td (thay) Tj ET")
    writer.objects[(reference.generation, reference.idnum)] = stream


@pytest.mark.parametrize("change", [draw_number, annotate_number, append_page, rotate_page, replace_content])
def test_change_between_leader_and_agency(desk: Desk, change: Callable[..., None]) -> None:  # 5, 6
    first = desk.sign(desk.blank, desk.leader, "A", certify=True)
    report = desk.check(desk.sign(updated(first, change), desk.agency, "B", box=AGENCY_BOX))
    assert report.overall is Overall.INVALID
    assert answer_of(report, Question.LATER_CHANGES, 0).verdict is Verdict.INVALID
    assert answer_of(report, Question.LATER_CHANGES, 1).verdict is Verdict.VALID
    assert not report.missing_signatures_only


@pytest.mark.parametrize("change", [draw_number, append_page, rotate_page, replace_content])
def test_change_after_all_signatures(desk: Desk, change: Callable[..., None]) -> None:  # 12
    for document in (desk.profile, desk.both()):
        report = desk.check(updated(document, change))
        assert report.overall is Overall.INVALID
        assert report.legal_value is None


def redraw_fields(writer: IncrementalPdfFileWriter) -> None:
    form = writer.root["/AcroForm"]
    form["/NeedAppearances"] = generic.BooleanObject(True)
    form["/DA"] = pdf_string("/Helv 99 Tf 1 0 0 rg")
    writer.update_container(form)


def open_with_script(writer: IncrementalPdfFileWriter) -> None:
    action = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): pdf_string("1")}
    writer.root["/OpenAction"] = generic.DictionaryObject(action)
    writer.update_root()


def hide_signature(writer: IncrementalPdfFileWriter) -> None:
    field = fields_of(writer)[LEADER_FIELD]
    field["/F"] = generic.NumberObject(2)
    writer.update_container(field)


@pytest.mark.parametrize("change", [redraw_fields, open_with_script, hide_signature])
def test_look_of_the_form_changed_after_all_signatures(desk: Desk, change: Callable[..., None]) -> None:
    assert desk.check(updated(desk.profile, change)).overall is Overall.INVALID


def test_leader_forbidding_all_changes_stops_the_agency(desk: Desk) -> None:  # 4
    first = desk.sign(desk.blank, desk.leader, "A", certify=True, permission=MDPPerm.NO_CHANGES)
    with pytest.raises(PyHankoSigningError):
        desk.sign(first, desk.agency, "B", box=AGENCY_BOX)


def test_number_changed_after_the_agency_without_lock(desk: Desk) -> None:  # 8
    first = desk.sign(desk.form(), desk.leader, "A", certify=True)
    signed = desk.sign(first, desk.agency, "B", box=AGENCY_BOX)
    assert desk.check(signed).overall is Overall.VALID
    report = desk.check(fill(signed, {NUMBER_FIELD: "Số: 999"}, text_size=13))
    assert codes(report)["later_changes"] == "SIG_CHANGED_AFTER_LAST"
    assert report.overall is Overall.INVALID


def test_number_changed_after_the_agency_with_lock(desk: Desk) -> None:  # 9
    report = desk.check(fill(desk.profile, {NUMBER_FIELD: "Số: 999"}, text_size=13))
    assert answer_of(report, Question.LATER_CHANGES, 1).code == "SIG_CHANGED"
    assert report.overall is Overall.INVALID


@pytest.mark.parametrize(
    "tail", [b"x", b"%PDF-1.7 more", b"\n9 0 obj\n<<>>\nendobj\n", b"\nstartxref\n0\n%%EOF\n", b"\x00" * 9 + b"!"]
)
def test_bytes_behind_the_end(desk: Desk, tail: bytes) -> None:  # 14
    report = desk.check(desk.profile + tail)
    assert report.overall is not Overall.VALID
    assert report.legal_value is None


def test_bytes_behind_the_end_with_a_borrowed_reference(desk: Desk) -> None:  # 4.1
    """Objects that no section names, then a second end marker with the true startxref."""
    start = desk.profile.rindex(b"startxref")
    forged = desk.profile + b"5 0 obj\n<< /Type /Catalog >>\nendobj\n" + desk.profile[start:]
    report = desk.check(forged)
    assert codes(report)["later_changes"] == "SIG_TRAILING_BYTES"
    assert report.overall is Overall.INVALID


def test_white_space_behind_the_end_is_nothing(desk: Desk) -> None:
    assert desk.check(desk.profile + b"\r\n \n").overall is Overall.VALID


def test_receiver_signs_the_original(desk: Desk) -> None:  # 15, C19
    report = desk.check(desk.sign(desk.profile, desk.stranger, "Den", box=(50, 50, 150, 100)))
    assert report.overall is Overall.INVALID
    without_locks = desk.check(desk.sign(desk.both(), desk.stranger, "Den", box=(50, 50, 150, 100)))
    assert without_locks.overall is Overall.INVALID
    assert codes(without_locks)["identity"] == "SIG_IDENTITY_OTHER_AGENCY"


def test_agency_before_leader(desk: Desk) -> None:  # 16
    first = desk.sign(desk.blank, desk.agency, "A", box=AGENCY_BOX)
    report = desk.check(desk.sign(first, desk.leader, "B"))
    assert codes(report)["order"] == "SIG_ORDER_WRONG"
    assert report.overall is Overall.INVALID
    assert not report.missing_signatures_only
    assert desk.check(desk.sign(first, desk.leader, "B"), policy="NA_ANY_ONE").overall is Overall.VALID


def test_one_signature_of_two_is_reference_only(desk: Desk) -> None:  # C1
    for by in (desk.leader, desk.agency):
        report = desk.check(desk.sign(desk.blank, by, "A"))
        assert report.reason_code == "SIG_REQUIRED_SET_MISSING"
        assert report.overall is Overall.INVALID
        assert report.legal_value is LegalValue.REFERENCE
        assert report.missing_signatures_only


def test_one_signature_of_two_but_altered_is_nothing(desk: Desk) -> None:
    signed = bytearray(desk.sign(desk.blank, desk.leader, "A"))
    signed[signed.index(b"/MediaBox") + 12] ^= 1
    report = desk.check(bytes(signed))
    assert report.overall is Overall.INVALID
    assert not report.missing_signatures_only


def test_no_signature_at_all(desk: Desk) -> None:
    for document in (desk.blank, desk.form()):
        report = desk.check(document)
        assert report.reason_code == "SIG_NOT_SIGNED"
        assert report.overall is Overall.INVALID


@pytest.mark.parametrize("place", [0.02, 0.1, 0.5, 0.9])
def test_one_byte_flipped(desk: Desk, place: float) -> None:  # 24
    document = bytearray(desk.both())
    document[int(len(document) * place)] ^= 0x01
    assert desk.check(bytes(document)).overall is not Overall.VALID


def test_one_byte_flipped_in_the_text(desk: Desk) -> None:  # 24
    document = bytearray(desk.sign(plain_text(), desk.leader, "A"))
    document[document.index(b"(12 nghin)") + 1] = ord("9")
    report = desk.check(bytes(document))
    assert codes(report)["integrity"] == "SIG_ALTERED"


def test_something_hidden_behind_the_signature_value(desk: Desk) -> None:
    """The room kept for the CMS is signed by nobody: it holds the CMS and zeros."""
    document = bytearray(desk.sign(desk.blank, desk.leader, "A"))
    end = document.index(b">", document.index(b"/Contents <"))
    document[end - 2 : end] = b"41"
    report = desk.check(bytes(document))
    assert codes(report)["integrity"] == "SIG_FORMAT"


def plain_text() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842), pageCompression=0)
    canvas.drawString(100, 700, "12 nghin")
    canvas.save()
    return buffer.getvalue()


def test_sha1_digest(desk: Desk) -> None:  # 22
    report = desk.check(desk.both(digest="sha1"))
    assert codes(report)["integrity"] == "SIG_WEAK_ALGORITHM"
    assert report.overall is Overall.INVALID


@pytest.mark.parametrize(
    ("stamped", "until", "overall"),
    [
        (True, timedelta(hours=1), Overall.VALID),
        (True, timedelta(0), Overall.INVALID),
        (False, timedelta(hours=1), Overall.INVALID),  # nothing proves when it was signed
    ],
)
def test_old_document_with_sha1(desk: Desk, *, stamped: bool, until: timedelta, overall: Overall) -> None:  # C14
    stamper = desk.pki.timestamper()
    stamper.override_md = "sha256"  # an authority that hashes better than the document does
    signed = desk.both(digest="sha1", timestamp=stamped, timestamper=stamper if stamped else None)
    report = desk.check(signed, sha1_documents_until=desk.now + until)
    assert report.overall is overall, report.reason
    if overall is Overall.VALID:
        assert "SIG_WARN_SHA1_DOCUMENT" in {w.code for w in report.warnings}
    else:
        assert codes(report)["integrity"] == "SIG_WEAK_ALGORITHM"


def test_old_document_with_sha1_and_a_timestamp_of_nobody(desk: Desk) -> None:  # C14
    signed = desk.both(digest="sha1", timestamper=desk.foreign.timestamper())
    report = desk.check(signed, sha1_documents_until=desk.now + timedelta(hours=1))
    assert codes(report)["integrity"] == "SIG_WEAK_ALGORITHM"


def test_signature_value_shared_by_two_fields(desk: Desk) -> None:  # 4.1
    """One signature dictionary must never be leader and agency at once."""
    form = desk.form()
    signed = desk.sign(form, desk.leader, LEADER_FIELD, existing=True)

    def share(writer: IncrementalPdfFileWriter) -> None:
        fields = fields_of(writer)
        fields[AGENCY_FIELD]["/V"] = fields[LEADER_FIELD].raw_get("/V")
        writer.update_container(fields[AGENCY_FIELD])

    report = desk.check(updated(signed, share), policy="NA_ANY_ONE")
    assert codes(report)["integrity"] == "SIG_DUPLICATED_VALUE"
    assert report.overall is Overall.INVALID


def test_appearance_of_a_filled_field_replaced_in_place(desk: Desk) -> None:  # shadow attacks
    first = desk.sign(desk.form(), desk.leader, "A", certify=True)

    def replace(writer: IncrementalPdfFileWriter) -> None:
        old = fields_of(writer)[NUMBER_FIELD]["/AP"].raw_get("/N").reference
        kept = {key: value for key, value in old.get_object().items() if key not in ("/Filter", "/Length")}
        black = generic.StreamObject(kept, stream_data=b"0 0 500 500 re f")
        writer.objects[(old.generation, old.idnum)] = black

    report = desk.check(desk.sign(updated(first, replace), desk.agency, "B", box=AGENCY_BOX))
    assert answer_of(report, Question.LATER_CHANGES, 0).verdict is Verdict.INVALID


def test_large_field_filled_after_the_leader(desk: Desk) -> None:  # shadow attacks
    from dataclasses import replace

    from lienthong.signing.preparing import prepare

    from .desk import BOXES

    source = desk.folder / "blank.pdf"
    source.write_bytes(desk.blank)
    prepared = prepare(source, replace(BOXES, number=(0.0, 100.0, 595.0, 700.0)))
    first = desk.sign(prepared, desk.leader, "A", certify=True)
    filled = fill(first, {NUMBER_FIELD: "che hết trang"}, text_size=40)
    report = desk.check(desk.sign(filled, desk.agency, "B", box=AGENCY_BOX))
    assert answer_of(report, Question.LATER_CHANGES, 0).code == "SIG_SHADOW"


def test_empty_visible_signature_field_over_a_signed_page(desk: Desk) -> None:
    first = desk.sign(desk.blank, desk.leader, "A", certify=True)

    def cover(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(
            writer, SigFieldSpec("che", box=(0, 0, 500, 700), empty_field_appearance=True, on_page=0)
        )

    report = desk.check(desk.sign(updated(first, cover), desk.agency, "B", box=AGENCY_BOX))
    assert answer_of(report, Question.LATER_CHANGES, 0).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "corners", [(0, 0, 500, 700, 0), (0, 0, 500), ("/a", "/b", "/c", "/d")], ids=["five", "three", "words"]
)
def test_cover_that_pyhanko_takes_for_invisible(desk: Desk, corners: tuple[object, ...]) -> None:
    """A new signature field with a crooked rectangle passes the library as a long-term update."""

    def cover(writer: IncrementalPdfFileWriter) -> None:
        append_signature_field(writer, SigFieldSpec("che", box=None, on_page=0))
        field = fields_of(writer)["che"]
        numbers = (generic.NumberObject(c) if isinstance(c, int) else pdf_name(str(c)) for c in corners)
        field["/Rect"] = generic.ArrayObject(numbers)

    for document in (desk.both(), desk.profile):
        report = desk.check(updated(document, cover))
        assert report.overall is Overall.INVALID, report.answers


def test_lock_of_the_leader_on_the_number(desk: Desk) -> None:
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=[NUMBER_FIELD])
    first = desk.sign(desk.form(), desk.leader, "A", lock=lock)
    changed = fill(first, {NUMBER_FIELD: "Số: 8"}, text_size=13)
    report = desk.check(desk.sign(changed, desk.agency, "B", box=AGENCY_BOX))
    assert answer_of(report, Question.LATER_CHANGES, 0).code == "SIG_CHANGED"


def test_signature_that_cannot_be_read_may_be_the_missing_one(desk: Desk) -> None:
    first = desk.sign(desk.form(), desk.leader, LEADER_FIELD, existing=True)

    def value_of_no_cms(writer: IncrementalPdfFileWriter) -> None:
        fields = fields_of(writer)
        value = generic.DictionaryObject(dict(fields[LEADER_FIELD]["/V"]))
        value["/Contents"] = generic.ByteStringObject(b"0")
        fields[AGENCY_FIELD]["/V"] = writer.add_object(value)
        writer.update_container(fields[AGENCY_FIELD])

    report = desk.check(updated(first, value_of_no_cms))
    assert report.reason_code == "SIG_UNREADABLE_SIGNATURE"
    assert codes(report)["order"] == "SIG_ORDER_UNKNOWN"
    assert not report.missing_signatures_only
