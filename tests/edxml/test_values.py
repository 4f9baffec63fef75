"""Identifiers, dates and code lists."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.edxml.codes import code_lists, kind_name
from lienthong.edxml.content_types import content_type
from lienthong.edxml.dates import VIETNAM, format_day, format_moment, read_day, read_moment
from lienthong.edxml.errors import EdxmlError
from lienthong.edxml.identifiers import CodeSystem, DocumentId, OrganCode
from lienthong.edxml.model import BusinessType, DocumentType, Priority


@pytest.mark.parametrize(
    ("code", "system", "writable"),
    [
        ("000.00.00.H53", CodeSystem.QCVN102, True),
        ("H53.13.01", CodeSystem.QD20, True),
        ("H37.DN.001", CodeSystem.QD20, True),
        ("01.09.H16", CodeSystem.IRREGULAR, True),
        ("000.1137.H53", CodeSystem.IRREGULAR, True),
        ("vxp.saas.03", CodeSystem.IRREGULAR, False),
        ("H53." + "1" * 40, CodeSystem.IRREGULAR, False),
    ],
)
def test_code_systems(code: str, system: CodeSystem, *, writable: bool) -> None:
    parsed = OrganCode.parse(f" {code} ")
    assert (str(parsed), parsed.system, parsed.writable) == (code, system, writable)
    assert parsed.key == code.upper()


@pytest.mark.parametrize("text", ["", "  ", "a b", "H" * 65, "H53\u200b", "H53\x00"])
def test_unusable_codes(text: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        OrganCode.parse(text)
    assert caught.value.code == "EDXML_ORGAN_CODE"


def test_document_id_is_made_zero_padded() -> None:
    made = DocumentId.make(OrganCode("000.00.11.H53"), date(2024, 6, 3), "1520", "STC-NS")
    assert str(made) == "000.00.11.H53,2024/06/03,1520/STC-NS"


@given(st.dates(date(1900, 1, 1)))
def test_days_come_back(day: date) -> None:
    read = read_day(format_day(day))
    assert (read.value, read.exact) == (day, True)
    for form in (f"{day.day:02}/{day.month:02}/{day.year}", f"{day.day}-{day.month}-{day.year}", day.isoformat()):
        assert (read_day(form).value, read_day(form).exact) == (day, False)


@given(st.datetimes(datetime(1901, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_moments_come_back_in_vietnamese_time(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    read = read_moment(format_moment(whole))
    assert (read.value, read.exact) == (whole, True)
    assert read.value is not None
    assert read.value.tzinfo == VIETNAM
    assert read_moment(whole.isoformat()).value == whole


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert read_day(text).value is None or read_moment(text).value is not None


@pytest.mark.parametrize("text", ["2024/06/03 25:00:00", "2024/06/03 08:15:30 +99:00", "2024/06/03 rác", "12/2024/06"])
def test_impossible_moments(text: str) -> None:
    assert read_moment(text).value is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (DocumentType(type=1, detail=0, name="Công văn"), "Công văn"),
        (DocumentType(type=2, detail=18), "Công văn"),
        (DocumentType(type=1, detail=8), "Quyết định"),
        (DocumentType(type=18, detail=0), "Công văn"),
        (DocumentType(type=99), "Khác"),
        (DocumentType(), "Khác"),
    ],
)
def test_kind_is_named_by_row_6(kind: DocumentType, name: str) -> None:
    assert kind_name(kind) == name


def test_kinds_are_found_by_name() -> None:
    lists = code_lists()
    found = {name: lists.kind_named(name) for name in ("CÔNG VĂN", "Quyết định", "nghị  định", "Không có")}
    assert {name: kind and (kind.type, kind.number) for name, kind in found.items()} == {
        "CÔNG VĂN": (2, 18),
        "Quyết định": (2, 2),
        "nghị  định": (1, 7),
        "Không có": None,
    }
    decomposed = "Co\u0302ng va\u0306n"
    assert lists.kind_named(decomposed) == lists.kind(2, 18)


def test_code_lists_are_whole() -> None:
    lists = code_lists()
    assert [kind.number for kind in lists.kinds if kind.type == 1] == list(range(1, 14))
    assert [kind.number for kind in lists.kinds if kind.type == 2] == list(range(1, 33))
    assert list(lists.statuses) == ["01", "02", "03", "04", "05", "06", "13", "15", "16"]
    assert {code for code, status in lists.statuses.items() if status.needs_reason} == {"02", "13", "16"}
    assert set(lists.priorities) == set(Priority)
    assert set(lists.business_types) == set(lists.business_reasons) == set(BusinessType)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a.docx", b"%PDF-1.7", "application/pdf"),
        ("a.pdf", b"MZ\x90", "application/octet-stream"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        ("a.zip", b"PK\x03\x04", "application/zip"),
        ("a.txt", b"abc", "text/plain"),
        ("a.txt", b"a\0c", "application/octet-stream"),
    ],
)
def test_type_is_decided_by_bytes_and_extension(name: str, head: bytes, expected: str) -> None:
    assert content_type(name, head) == expected
