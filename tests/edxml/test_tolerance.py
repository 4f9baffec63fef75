"""The tolerant reader, decision by decision: each case names its row of the ambiguity table."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.errors import EdxmlError
from lienthong.edxml.findings import Finding, Severity
from lienthong.edxml.identifiers import DocumentId
from lienthong.edxml.model import BusinessType, DocumentPackage, StatusPackage
from lienthong.edxml.reader import Reading, read_package

CASES = Path(__file__).parent / "cases"
NEW = (CASES / "01-new.edxml").read_text(encoding="utf-8")
RECALL = (CASES / "02-recall.edxml").read_text(encoding="utf-8")
UPDATE = (CASES / "03-update.edxml").read_text(encoding="utf-8")
REPLACE = (CASES / "04-replace.edxml").read_text(encoding="utf-8")
STATUS = (CASES / "05-status-03.edxml").read_text(encoding="utf-8")
XLSX = "Phu luc 1.xlsx"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Reading]:
    def from_text(text: str) -> Reading:
        path = tmp_path / "package.edxml"
        path.write_text(text, encoding="utf-8")
        into = tmp_path / "into"
        into.mkdir(exist_ok=True)
        return read_package(path, into)

    return from_text


Read = Callable[[str], Reading]


def document(reading: Reading) -> DocumentPackage:
    assert isinstance(reading.package, DocumentPackage)
    return reading.package


def status(reading: Reading) -> StatusPackage:
    assert isinstance(reading.package, StatusPackage)
    return reading.package


def finding(reading: Reading, code: str) -> Finding:
    return next(one for one in reading.findings if one.code == code)


def put(source: str, name: str, text: str) -> str:
    """The first element of this name with another text."""
    changed = re.sub(rf"(<edXML:{name}>)[^<]*(</edXML:{name}>)", lambda m: m[1] + text + m[2], source, count=1)
    assert changed != source
    return changed


def drop(source: str, name: str) -> str:
    changed = re.sub(rf"\s*<edXML:{name}>.*?</edXML:{name}>", "", source, count=1, flags=re.DOTALL)
    assert changed != source
    return changed


def carry(data: bytes, *, name: str = XLSX, content_type: str = "application/zip") -> str:
    """01-new with other bytes in its second attachment."""
    head, _, tail = NEW.rpartition('QCVN_102_2016">UEsD')
    closing = tail[tail.index("</edXML:ContentTransferEncoded>") :]
    text = head + 'QCVN_102_2016">' + base64.b64encode(data).decode() + closing
    return text.replace(XLSX, name).replace("application/zip", content_type)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return packed.getvalue()


def test_row_1_default_namespace_alone_is_enough(read: Read) -> None:
    plain = NEW.replace("<edXML:", "<").replace("</edXML:", "</")
    assert read(plain).content_digest == read(NEW).content_digest


def test_row_1_any_prefix_will_do(read: Read) -> None:
    other = NEW.replace("<edXML:", "<q:").replace("</edXML:", "</q:").replace("xmlns:edXML", "xmlns:q")
    assert read(other).content_digest == read(NEW).content_digest


def test_row_2_order_does_not_matter(read: Read) -> None:
    header = re.search(r"<edXML:MessageHeader>\n(.*?)      </edXML:MessageHeader>", NEW, re.DOTALL)
    assert header is not None
    one_line = r"[^\n]*</edXML:\2>\n"
    several = r"\n.*?\n        </edXML:\2>\n"
    blocks = re.findall(rf"(        <edXML:(\w+)>(?:{one_line}|{several}))", header[1], re.DOTALL)
    assert "".join(block for block, _name in blocks) == header[1]
    shuffled = "".join(block for block, _name in sorted(blocks, key=lambda one: one[1], reverse=True))
    assert shuffled != header[1]
    assert read(NEW.replace(header[1], shuffled)).content_digest == read(NEW).content_digest


def test_row_3_empty_is_absent(read: Read) -> None:
    reading = read(put(put(NEW, "DueDate", ""), "TypeName", "  \n "))
    assert document(reading).due_date is None
    assert document(reading).document_type.name is None
    assert reading.findings == ()


def test_row_4_empty_steering_is_absent(read: Read) -> None:
    assert document(read(put(NEW, "SteeringType", ""))).steering is None


def test_row_5_steering_3_is_kept_with_a_warning(read: Read) -> None:
    reading = read(put(NEW, "SteeringType", "3"))
    assert document(reading).steering == 3
    assert finding(reading, "EDXML_STEERING_3").rule == "edxml 10/5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30/10/2020", date(2020, 10, 30)),
        ("30-10-2020", date(2020, 10, 30)),
        ("2020-10-30", date(2020, 10, 30)),
        ("2020/10/30 08:15:30", date(2020, 10, 30)),
        ("2020-10-30T00:00:00+07:00", date(2020, 10, 30)),
        ("2020-10-29T17:00:00Z", date(2020, 10, 30)),
        ("2020/1/2", date(2020, 1, 2)),
    ],
)
def test_row_7_dates_in_other_forms(read: Read, text: str, expected: date) -> None:
    reading = read(put(NEW, "PromulgationDate", text))
    assert document(reading).promulgation_date == expected
    assert finding(reading, "EDXML_DATE_FORMAT").severity is Severity.WARNING


@pytest.mark.parametrize("text", ["2014/02/30", "0001-01-01T00:00:00", "30/10/20", "hôm nay", "2020/13/01"])
def test_row_7_impossible_dates_are_absent(read: Read, text: str) -> None:
    reading = read(put(NEW, "PromulgationDate", text))
    assert document(reading).promulgation_date is None
    assert text in finding(reading, "EDXML_DATE_IMPOSSIBLE").message


def test_row_8_document_id_is_opaque(read: Read) -> None:
    assert document(read(put(NEW, "DocumentId", "17735"))).document_id == DocumentId("17735")


def test_row_10_target_of_a_recall_is_looked_for(read: Read) -> None:
    bare = RECALL.replace("          <edXML:DocumentId>000.00.11.H53,2024/06/03,1520/STC-NS</edXML:DocumentId>\n", "")
    assert document(read(bare)).business.document_id == document(read(bare)).document_id
    answered = bare.replace(
        "<edXML:SteeringType>",
        "<edXML:ResponseFor><edXML:DocumentId>target</edXML:DocumentId></edXML:ResponseFor><edXML:SteeringType>",
    )
    reading = read(answered)
    assert document(reading).business.document_id == DocumentId("target")
    assert finding(reading, "EDXML_TARGET_ELSEWHERE").rule == "edxml 10/10"


def test_row_10_noise_in_a_new_document_is_ignored(read: Read) -> None:
    noisy = NEW.replace("<edXML:BussinessDocType>", "<edXML:DocumentId>x</edXML:DocumentId><edXML:BussinessDocType>")
    assert document(read(noisy)).business.document_id is None


def test_row_10_replacement_without_a_list(read: Read) -> None:
    reading = read(drop(REPLACE, "ReplacementInfoList"))
    assert document(reading).business.replacements == ()
    assert finding(reading, "EDXML_REPLACEMENT_MISSING").severity is Severity.ERROR


def test_row_12_receiver_changes(read: Read) -> None:
    update = document(read(UPDATE)).business.update
    assert update is not None
    assert [(str(one.organ), one.added) for one in update.receivers] == [
        ("000.00.13.H53", False),
        ("000.00.01.H53", True),
    ]
    broken = read(put(UPDATE, "ReceiverType", "9"))
    assert finding(broken, "EDXML_RECEIVER_CHANGE").severity is Severity.ERROR


@pytest.mark.parametrize(("text", "paper", "warned"), [("1", True, False), ("0", False, False), ("4", True, True)])
def test_row_14_paper(read: Read, text: str, *, paper: bool, warned: bool) -> None:
    reading = read(put(NEW.replace("Paper>0", "Paper>x"), "Paper", text))
    assert document(reading).business.paper is paper
    assert bool(reading.findings) is warned


def test_row_14_paper_in_the_trace_list(read: Read) -> None:
    moved = drop(NEW, "Paper").replace("<edXML:TraceHeader>", "<edXML:Paper>1</edXML:Paper><edXML:TraceHeader>", 1)
    assert document(read(moved)).business.paper is True


def test_row_16_label_of_the_manifest_is_ignored(read: Read) -> None:
    other = NEW.replace("<edXML:ContentType>application/pdf", "<edXML:ContentType>application/zip")
    assert document(read(other)).attachments[0].content_type == "application/pdf"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<ContentId>cid:", "<ContentId>"),
        lambda text: text.replace("<ContentId>cid:", "<ContentId>cid:cid:"),
        lambda text: re.sub(r"<edXML:ContentId>cid:(.*)</edXML:ContentId>", "", text),
        lambda text: re.sub(
            r"<edXML:Reference>\s*<edXML:ContentId>(.*)</edXML:ContentId>", r'<edXML:Reference xlink:href="\1">', text
        ).replace("<edXML:AttachmentName>", "<edXML:AttachmentName>tệp "),
        lambda text: text.replace("<edXML:ContentId>cid:", "<edXML:ContentId>other-").replace(
            "<edXML:AttachmentName>", "<edXML:AttachmentName>tệp "
        ),
    ],
    ids=["without cid", "cid twice", "by name", "by undeclared xlink", "by position"],
)
def test_row_17_references_are_joined(read: Read, change: Callable[[str], str]) -> None:
    reading = read(change(NEW))
    assert [one.sha256 for one in document(reading).attachments] == [
        one.sha256 for one in document(read(NEW)).attachments
    ]
    assert {one.code for one in reading.findings} <= {"EDXML_XLINK_PREFIX"}


def test_row_17_manifest_gives_the_order(read: Read) -> None:
    first, second = re.findall(r"    <Attachment>.*?</Attachment>\n", NEW, re.DOTALL)
    swapped = NEW.replace(first + second, second + first)
    assert [one.name for one in document(read(swapped)).attachments] == ["1520_STC-NS.signed.pdf", XLSX]


def test_row_17_what_is_announced_must_be_there(read: Read) -> None:
    _first, second = re.findall(r"    <Attachment>.*?</Attachment>\n", NEW, re.DOTALL)
    reading = read(NEW.replace(second, ""))
    assert finding(reading, "EDXML_ATTACHMENT_MISSING").severity is Severity.ERROR
    assert len(document(reading).attachments) == 1


def test_row_18_undeclared_xlink_prefix_is_read(read: Read) -> None:
    reading = read(NEW.replace("<edXML:Reference>", '<edXML:Reference xlink:type="simple">'))
    assert finding(reading, "EDXML_XLINK_PREFIX").line is not None
    assert len(document(reading).attachments) == 2


RAW_XLSX = zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"))
INNER = b"(bytes of the file)"


@pytest.mark.parametrize("content_type", ["application/zip", "text/plain", "application/octet-stream"])
@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (XLSX, zipped(("0b9a4f7e-3c55-4f6f-9a57-6f0c2b7f9d11.xlsx", INNER)), INNER),
        (XLSX, zipped(("0B9A4F7E3C554F6F9A576F0C2B7F9D11.unk", INNER)), INNER),
        (XLSX, zipped(("bieu.XLSX", INNER)), INNER),
        (XLSX, zipped(("dir/", b""), ("dir/bieu.xlsx", INNER)), INNER),
        ("a.pdf", zipped(("0b9a4f7e-3c55-4f6f-9a57-6f0c2b7f9d11.tmp", INNER)), INNER),
        (XLSX, RAW_XLSX, RAW_XLSX),
        ("HO SO.ZIP", zipped(("bieu.zip", INNER)), zipped(("bieu.zip", INNER))),
        (XLSX, zipped(("bieu.docx", INNER)), zipped(("bieu.docx", INNER))),
    ],
    ids=["sdk", "sdk unknown", "extension", "in a folder", "pdf as tmp", "raw xlsx", "zip", "other kind"],
)
def test_row_19_unwrapping(read: Read, name: str, data: bytes, expected: bytes, content_type: str) -> None:
    reading = read(carry(data, name=name, content_type=content_type))
    assert document(reading).attachments[1].path.read_bytes() == expected
    assert reading.findings == ()


def test_row_19_label_zip_on_other_bytes_is_no_reason_to_refuse(read: Read) -> None:
    assert document(read(carry(b"plain"))).attachments[1].path.read_bytes() == b"plain"


def test_row_20_type_is_decided_by_bytes_and_name(read: Read) -> None:
    raw = document(read(carry(RAW_XLSX))).attachments[1]
    assert raw.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("namespace", "code"),
    [("http://www.w3.org/2000/09/xmldsig#", "EDXML_SIGNATURE_PRESENT"), (None, "EDXML_SIGNATURE_DUMMY")],
)
def test_row_21_signature_is_noted_never_trusted(read: Read, namespace: str | None, code: str) -> None:
    declared = f' xmlns="{namespace}"' if namespace else ""
    signature = f"<Signature{declared}><SignedInfo><Reference URI=''/></SignedInfo></Signature>"
    reading = read(NEW.replace("    </edXML:edXMLHeader>", signature + "    </edXML:edXMLHeader>"))
    assert finding(reading, code).severity is Severity.INFO
    assert reading.content_digest == read(NEW).content_digest


@pytest.mark.parametrize(
    ("text", "expected", "code"),
    [
        ("3", "03", "EDXML_STATUS_PADDED"),
        ("14", "15", "EDXML_STATUS_14"),
        ("999", "999", "EDXML_STATUS_UNKNOWN"),
        ("abc", "abc", "EDXML_STATUS_UNKNOWN"),
    ],
)
def test_row_23_status_codes(read: Read, text: str, expected: str, code: str) -> None:
    reading = read(put(STATUS, "StatusCode", text))
    assert status(reading).status_code == expected
    assert finding(reading, code).rule == "edxml 10/23"


def test_row_24_status_without_staff_and_description(read: Read) -> None:
    reading = read(drop(drop(STATUS, "StaffInfo"), "Description"))
    assert status(reading).staff is None
    assert status(reading).description is None
    assert reading.findings == ()


@pytest.mark.parametrize("code", ["01.09.H16", "000.1137.H53", "999.010.01.H22", "vxp.saas.03", "H37.DN.001"])
def test_row_25_irregular_codes_are_kept(read: Read, code: str) -> None:
    reading = read(put(NEW, "OrganId", code))
    assert str(reading.package.sender.code) == code
    assert reading.findings == ()


def test_row_27_byte_order_mark_and_blanks_before_the_declaration(read: Read) -> None:
    reading = read("\ufeff\n \r\n" + put(NEW, "Priority", "9"))
    assert reading.content_digest != read(NEW).content_digest
    line = NEW[: NEW.index("<edXML:Priority>")].count("\n") + 1
    assert finding(reading, "EDXML_NUMBER").line == line + 2


def test_row_28_digest_is_blind_to_what_an_axis_changes_and_to_nothing_else(read: Read) -> None:
    same = read(NEW.replace("Nguyễn Văn A", "Nguyễn Văn A ").replace("\n", "\r\n"))
    assert same.content_digest == read(NEW).content_digest
    for name, text in [("Subject", "khác"), ("OrganId", "H53"), ("Priority", "2"), ("BussinessDocReason", "khác")]:
        assert read(put(NEW, name, text)).content_digest != read(NEW).content_digest
    assert read(carry(b"khac")).content_digest != read(NEW).content_digest


def test_row_29_long_texts_are_noted_not_cut(read: Read) -> None:
    reading = read(put(NEW, "Subject", "a" * 600))
    assert document(reading).subject == "a" * 600
    assert finding(reading, "EDXML_LENGTH").xpath == "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject"


def test_row_30_receiver_named_twice_counts_once(read: Read) -> None:
    reading = read(NEW.replace("000.00.13.H53", "000.00.00.h41", 1))
    assert len(document(reading).receivers) == 1
    assert finding(reading, "EDXML_RECEIVER_TWICE").xpath is not None


def test_trace_header_without_a_code(read: Read) -> None:
    trace = "<edXML:TraceHeader><edXML:Timestamp>2024/06/03 08:15:31</edXML:Timestamp></edXML:TraceHeader>"
    reading = read(NEW.replace("      </edXML:TraceHeaderList>", trace + "</edXML:TraceHeaderList>"))
    last = document(reading).traces[-1]
    assert last.organ is None
    assert last.timestamp == datetime(2024, 6, 3, 8, 15, 31, tzinfo=VIETNAM)
    assert reading.findings == ()


def test_emptied_response_for_is_nothing(read: Read) -> None:
    reading = read(NEW.replace("<edXML:SteeringType>", "<edXML:ResponseFor /><edXML:SteeringType>"))
    assert document(reading).responses == ()


def test_package_without_business_is_a_new_document(read: Read) -> None:
    reading = read(drop(NEW, "Bussiness"))
    assert document(reading).business.type is BusinessType.NEW
    assert finding(reading, "EDXML_BUSINESS_MISSING").severity is Severity.WARNING


def test_empty_attachment_is_survived(read: Read) -> None:
    reading = read(NEW.replace("JVBERi0xLjQKJSVFT0YK", ""))
    assert finding(reading, "EDXML_ATTACHMENT_EMPTY").severity is Severity.ERROR
    assert [one.name for one in document(reading).attachments] == [XLSX]
    assert reading.attachment_count == 2


@pytest.mark.parametrize("change", ["\n", " ", "\r\n"])
def test_line_breaks_in_base64_are_tolerated(read: Read, change: str) -> None:
    broken = NEW.replace("JVBERi0xLjQK", "JVBERi" + change + "0xLjQK")
    assert read(broken).content_digest == read(NEW).content_digest


def test_missing_padding_is_tolerated(read: Read) -> None:
    reading = read(carry(b"ab").replace("YWI=", "YWI"))
    assert document(reading).attachments[1].path.read_bytes() == b"ab"


def test_receiver_with_an_unusable_code_is_left_out_with_an_error(read: Read) -> None:
    reading = read(NEW.replace("000.00.13.H53", "mã sai", 1))
    assert len(document(reading).receivers) == 1
    assert finding(reading, "EDXML_RECEIVER_CODE").severity is Severity.ERROR


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("DocumentId", "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"),
        ("From", "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"),
        ("MessageHeader", "/edXML/edXMLEnvelope/edXMLHeader"),
    ],
)
def test_what_cannot_be_routed_is_refused_with_its_place(read: Read, name: str, where: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        read(drop(NEW, name))
    assert caught.value.code == "EDXML_REQUIRED"
    assert caught.value.xpath == where
    assert caught.value.line is not None


def test_replacement_without_a_list_takes_the_target_from_elsewhere(read: Read) -> None:
    bare = drop(REPLACE, "ReplacementInfoList")
    target = "<edXML:DocumentId>old</edXML:DocumentId>"
    inside = read(bare.replace("<edXML:BussinessDocType>", target + "<edXML:BussinessDocType>"))
    answered = f"<edXML:ResponseFor>{target}</edXML:ResponseFor><edXML:SteeringType>"
    outside = read(bare.replace("<edXML:SteeringType>", answered))
    for reading in (inside, outside):
        (replacement,) = document(reading).business.replacements
        assert replacement.document_id == DocumentId("old")
        assert finding(reading, "EDXML_TARGET_ELSEWHERE").severity is Severity.WARNING


def test_replacement_of_nothing_or_for_an_unusable_code_needs_a_person(read: Read) -> None:
    everywhere = read(drop(REPLACE, "OrganIdList"))
    assert document(everywhere).business.replacements[0].organs == ()
    assert everywhere.findings == ()
    listed = "<edXML:OrganIdList>\n                <edXML:OrganId>"
    reading = read(REPLACE.replace(listed + "000", listed + "sai mã"))
    assert finding(reading, "EDXML_RECEIVER_CODE").severity is Severity.ERROR
    nameless = REPLACE.replace("<edXML:ReplacementInfo>", "<edXML:ReplacementInfo><!--", 1)
    nameless = nameless.replace("<edXML:OrganIdList>", "--><edXML:OrganIdList>", 1)
    assert finding(read(nameless), "EDXML_REPLACEMENT_MISSING").severity is Severity.ERROR


def test_update_that_says_nothing_is_noted(read: Read) -> None:
    reading = read(drop(UPDATE, "BussinessDocumentInfo"))
    assert document(reading).business.update is None
    assert finding(reading, "EDXML_UPDATE_MISSING").severity is Severity.WARNING


def test_unusable_code_in_a_trace_is_no_reason_to_stop(read: Read) -> None:
    reading = read(re.sub(r"(<edXML:TraceHeader>\s*<edXML:OrganId>)", r"\1sai mã ", NEW))
    assert document(reading).traces[0].organ is None
    assert finding(reading, "EDXML_ORGAN_CODE").severity is Severity.WARNING


def test_status_that_answers_two_documents_needs_a_person(read: Read) -> None:
    response = re.search(r"<edXML:ResponseFor>.*?</edXML:ResponseFor>", STATUS, re.DOTALL)
    assert response is not None
    reading = read(STATUS.replace(response[0], response[0] * 2))
    assert finding(reading, "EDXML_DUPLICATE_ELEMENT").severity is Severity.ERROR


def test_attachments_of_a_status_are_left_out(read: Read) -> None:
    start, end = NEW.index("  <AttachmentEncoded>"), NEW.index("</edXML>")
    reading = read(STATUS.replace("</edXML>", NEW[start:end] + "</edXML>"))
    assert finding(reading, "EDXML_STATUS_ATTACHMENT").severity is Severity.WARNING
    assert reading.attachment_count == 2


def test_attachment_outside_the_manifest_comes_last(read: Read) -> None:
    first = re.search(r"\s*<edXML:Reference>.*?</edXML:Reference>", NEW, re.DOTALL)
    assert first is not None
    reading = read(NEW.replace(first[0], ""))
    assert [one.name for one in document(reading).attachments] == [XLSX, "1520_STC-NS.signed.pdf"]
    assert finding(reading, "EDXML_NOT_IN_MANIFEST").severity is Severity.WARNING


def test_nameless_attachment_gets_a_name(read: Read) -> None:
    reading = read(re.sub(r"<(edXML:)?AttachmentName>1520.*?>", "", NEW))
    assert document(reading).attachments[0].name == "tep-dinh-kem-1"


def test_two_attachments_under_one_id_are_told_apart(read: Read) -> None:
    reading = read(NEW.replace("6f0d2b8f1a02", "6f0d2b8f1a01").replace("2f6d0b8f1a02", "2f6d0b8f1a01"))
    first, second = document(reading).attachments
    assert second.content_id == first.content_id + "-2"
    assert (first.name, second.name) == ("1520_STC-NS.signed.pdf", XLSX)


def test_envelope_of_another_namespace_is_noted(read: Read) -> None:
    other = 'xmlns:edXML="http://edxml.gov.vn/schema"'
    reading = read(NEW.replace('xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016"', other, 1))
    assert finding(reading, "EDXML_NAMESPACE_MIXED").severity is Severity.WARNING


def test_declared_encoding_of_a_careless_client_is_noted(read: Read) -> None:
    reading = read(NEW.replace('encoding="UTF-8"', 'encoding="utf-16"'))
    assert finding(reading, "EDXML_ENCODING_DECLARED").line == 1
    assert reading.encoding == "utf-8"
