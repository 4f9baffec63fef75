"""What the strict writer refuses: the rules that the schema cannot express, and the schema itself."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lienthong.edxml.checks import check_writable
from lienthong.edxml.errors import EdxmlError
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    OtherInfo,
    Package,
    Priority,
    ResponseFor,
    Signer,
    StaffInfo,
    StatusPackage,
)
from lienthong.edxml.profile import complete
from lienthong.edxml.reader import read_package
from lienthong.edxml.writer import TypeStyle, WriteOptions, write_package

from .strategies import attachment

CASES = Path(__file__).parent / "cases"
TODAY = date(2024, 7, 1)


@pytest.fixture
def new(tmp_path: Path) -> DocumentPackage:
    package = read_package(CASES / "01-new.edxml", tmp_path).package
    assert isinstance(package, DocumentPackage)
    return package


@pytest.fixture
def status(tmp_path: Path) -> StatusPackage:
    package = read_package(CASES / "05-status-03.edxml", tmp_path).package
    assert isinstance(package, StatusPackage)
    return package


def codes(package: Package, **options: Any) -> set[str]:
    found = {one.code for one in check_writable(package, today=TODAY, **options)}
    # The writer asks the same and refuses.
    limit = options.get("document_id_limit", 200)
    with pytest.raises(EdxmlError) as caught:
        write_package(package, io.BytesIO(), options=WriteOptions(today=TODAY, document_id_limit=limit))
    assert caught.value.code == "EDXML_NOT_WRITABLE"
    assert {one.code for one in caught.value.findings} == found
    return found


def change(package: DocumentPackage, **fields: Any) -> DocumentPackage:
    return dataclasses.replace(package, **fields)


def business(package: DocumentPackage, **fields: Any) -> DocumentPackage:
    return change(package, business=dataclasses.replace(package.business, **fields))


def with_file(package: DocumentPackage, **fields: Any) -> DocumentPackage:
    first = dataclasses.replace(package.attachments[0], **fields)
    return change(package, attachments=(first, *package.attachments[1:]))


def test_the_examples_are_writable(new: DocumentPackage, status: StatusPackage) -> None:
    assert check_writable(new, today=TODAY) == ()
    assert check_writable(status, today=TODAY) == ()


DOCUMENT_FAULTS: dict[str, tuple[Callable[[DocumentPackage], DocumentPackage], str]] = {
    "1 no subject": (lambda p: change(p, subject=None, content=None), "EDXML_FIELD_MISSING"),
    "1 no name of the sender": (
        lambda p: change(p, sender=dataclasses.replace(p.sender, name=None)),
        "EDXML_FIELD_MISSING",
    ),
    "1 no number": (lambda p: change(p, code_number=None), "EDXML_FIELD_MISSING"),
    "1 no signer": (lambda p: change(p, signer=Signer()), "EDXML_FIELD_MISSING"),
    "1 no receiver": (lambda p: change(p, receivers=()), "EDXML_FIELD_MISSING"),
    "1 nameless receiver": (
        lambda p: change(p, receivers=(Organization(code=OrganCode("H53")),)),
        "EDXML_FIELD_MISSING",
    ),
    "3 receiver twice": (lambda p: change(p, receivers=p.receivers * 2), "EDXML_RECEIVER_TWICE"),
    "4 future": (lambda p: change(p, promulgation_date=date(2024, 7, 2)), "EDXML_DATE_FUTURE"),
    "4 no date": (lambda p: change(p, promulgation_date=None), "EDXML_FIELD_MISSING"),
    "5 blanks in a code": (
        lambda p: change(p, sender=dataclasses.replace(p.sender, code=OrganCode(" H53 "))),
        "EDXML_ORGAN_CODE",
    ),
    "5 lower case": (
        lambda p: change(p, sender=dataclasses.replace(p.sender, code=OrganCode("vxp.saas.03"))),
        "EDXML_ORGAN_CODE",
    ),
    "7 type": (
        lambda p: change(p, document_type=DocumentType(type=18, detail=0, name="Công văn")),
        "EDXML_DOCUMENT_TYPE",
    ),
    "7 detail": (
        lambda p: change(p, document_type=DocumentType(type=2, detail=33, name="Công văn")),
        "EDXML_DOCUMENT_TYPE",
    ),
    "8 recall of nothing": (lambda p: business(p, type=BusinessType.RECALL), "EDXML_BUSINESS_PARTS"),
    "8 replacement of nothing": (lambda p: business(p, type=BusinessType.REPLACE), "EDXML_BUSINESS_PARTS"),
    "8 update of nothing": (
        lambda p: business(p, type=BusinessType.UPDATE, document_id=p.document_id),
        "EDXML_BUSINESS_PARTS",
    ),
    "8 new with a target": (lambda p: business(p, document_id=p.document_id), "EDXML_BUSINESS_PARTS"),
    "9 no trace": (lambda p: change(p, traces=()), "EDXML_FIELD_MISSING"),
    "10 content id": (lambda p: with_file(p, content_id="a b"), "EDXML_CONTENT_ID"),
    "10 content id twice": (
        lambda p: change(p, attachments=(p.attachments[0], p.attachments[0])),
        "EDXML_CONTENT_ID",
    ),
    "11 no zip": (lambda p: with_file(p, name="a.ZIP"), "EDXML_ZIP_LABEL"),
    "13 long id": (lambda p: change(p, document_id=DocumentId("1" * 201)), "EDXML_DOCUMENT_ID"),
    "13 empty id": (lambda p: change(p, document_id=DocumentId("")), "EDXML_DOCUMENT_ID"),
    "empty file": (lambda p: with_file(p, size=0), "EDXML_ATTACHMENT_EMPTY"),
    "path in a name": (lambda p: with_file(p, name="a/b.pdf"), "EDXML_ATTACHMENT_NAME"),
    "control character": (lambda p: change(p, subject="a\x08b"), "EDXML_TEXT_CONTROL"),
    "no character": (lambda p: change(p, subject="a\ufffeb"), "EDXML_TEXT_CONTROL"),
    "lone surrogate": (lambda p: change(p, subject="a\ud800b"), "EDXML_TEXT_CONTROL"),
}


@pytest.mark.parametrize("case", sorted(DOCUMENT_FAULTS))
def test_faulty_document_is_refused(case: str, new: DocumentPackage) -> None:
    spoil, code = DOCUMENT_FAULTS[case]
    assert code in codes(spoil(new))


STATUS_FAULTS: dict[str, tuple[Callable[[StatusPackage], StatusPackage], str]] = {
    "2 no reason": (
        lambda p: dataclasses.replace(p, status_code="02", description=None),
        "EDXML_FIELD_MISSING",
    ),
    "no time": (lambda p: dataclasses.replace(p, timestamp=None), "EDXML_FIELD_MISSING"),
    "14 incomplete": (
        lambda p: dataclasses.replace(p, response_for=ResponseFor(organ=OrganCode("H53"))),
        "EDXML_RESPONSE_INCOMPLETE",
    ),
    "code": (lambda p: dataclasses.replace(p, status_code="07"), "EDXML_STATUS_UNKNOWN"),
}


@pytest.mark.parametrize("case", sorted(STATUS_FAULTS))
def test_faulty_status_is_refused(case: str, status: StatusPackage) -> None:
    spoil, code = STATUS_FAULTS[case]
    assert code in codes(spoil(status))


def test_document_id_is_shorter_where_a_bkav_axis_is_on_the_path(new: DocumentPackage) -> None:
    long = change(new, document_id=DocumentId("1" * 80))
    assert check_writable(long, today=TODAY) == ()
    assert codes(long, document_id_limit=75) == {"EDXML_DOCUMENT_ID"}


def test_what_the_schema_refuses_is_not_written(new: DocumentPackage) -> None:
    sink = io.BytesIO()
    with pytest.raises(EdxmlError) as caught:
        write_package(change(new, code_number="1" * 12), sink)
    assert sink.getvalue() == b""
    finding = caught.value.findings[0]
    assert finding.code == "EDXML_SCHEMA"
    assert finding.xpath == "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Code/CodeNumber"
    assert finding.message == "Giá trị của CodeNumber dài quá giới hạn."


def test_a_file_that_changed_is_not_sent(new: DocumentPackage) -> None:
    for number in (0, 1):
        changed = new.attachments[number]
        content = changed.path.read_bytes()
        changed.path.write_bytes(content[::-1])
        with pytest.raises(EdxmlError) as caught:
            write_package(new, io.BytesIO())
        assert caught.value.code == "EDXML_ATTACHMENT_CHANGED"
        changed.path.write_bytes(content)


def test_completing_fills_what_strict_receivers_dereference(new: DocumentPackage, status: StatusPackage) -> None:
    bare = change(
        new,
        content=None,
        steering=None,
        other=OtherInfo(),
        subject="  Thu\u031b\r\n gu\u031b\u0309i ",
        receivers=(Organization(code=OrganCode("H41"), name="UBND tỉnh Nghệ An"),),
    )
    full = complete(bare)
    assert isinstance(full, DocumentPackage)
    assert full.subject == full.content == "Thư\n gửi"
    assert full.receivers[0].address == "UBND tỉnh Nghệ An"
    assert (full.steering, full.other.priority) == (0, Priority.NORMAL)
    machine = complete(dataclasses.replace(status, status_code="01", description="", staff=StaffInfo()))
    assert isinstance(machine, StatusPackage)
    assert machine.description == "Phần mềm đã nhận, văn thư chưa xử lý"
    assert machine.staff == StaffInfo(department="UBND tỉnh Nghệ An")


def test_a_raw_zip_is_named_in_lower_case(new: DocumentPackage, tmp_path: Path) -> None:
    archive = attachment("a-zip", "HO SO.ZIP", b"PK\x03\x04 and so on")
    sink = tmp_path / "package.edxml"
    with sink.open("wb") as file:
        write_package(change(new, attachments=(archive,)), file)
    package = read_package(sink, tmp_path).package
    assert isinstance(package, DocumentPackage)
    assert [(one.name, one.sha256) for one in package.attachments] == [("HO SO.zip", archive.sha256)]


def test_kind_is_numbered_as_dotnet_peers_expect(new: DocumentPackage) -> None:
    sink = io.BytesIO()
    write_package(new, sink, options=WriteOptions(type_style=TypeStyle.LIST_NUMBER))
    text = sink.getvalue().decode()
    assert "<edXML:Type>18</edXML:Type>" in text
    assert "<edXML:TypeDetail>0</edXML:TypeDetail>" in text


def test_wrapping_leaves_no_file_behind(new: DocumentPackage, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    write_package(new, io.BytesIO(), options=WriteOptions(wrap_in=tmp_path))
    assert set(tmp_path.iterdir()) == before
