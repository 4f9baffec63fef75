"""One list of cases drives reader, writer, validation and transit."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
import xmlschema

from lienthong.edxml.dates import VIETNAM
from lienthong.edxml.identifiers import OrganCode
from lienthong.edxml.model import DocumentPackage
from lienthong.edxml.profile import complete
from lienthong.edxml.reader import read_header, read_package
from lienthong.edxml.transit import add_trace
from lienthong.edxml.validation import validate
from lienthong.edxml.writer import write_package

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(FOLDER.glob("*.edxml"))
SCHEMA = Path(__file__).parents[2] / "schemas/edxml/edxml-strict.xsd"

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)


def test_is_read_without_findings(case: Path, tmp_path: Path) -> None:
    reading = read_package(case, tmp_path)
    assert reading.findings == ()
    assert complete(reading.package) == reading.package


def test_is_written_as_it_was_read(case: Path, tmp_path: Path) -> None:
    written = io.BytesIO()
    write_package(read_package(case, tmp_path).package, written)
    expected = case.read_bytes()
    if case.stem == "01-new":  # its ZIP has another date and entry name than ours
        expected = _without_contents(expected)
        assert _without_contents(written.getvalue()) == expected
    else:
        assert written.getvalue() == expected


def test_is_valid_for_lxml_and_xmlschema(case: Path) -> None:
    assert validate(case) == ()
    xmlschema.XMLSchema(SCHEMA).validate(case)


def test_header_alone_says_the_same(case: Path, tmp_path: Path) -> None:
    whole, header = read_package(case, tmp_path), read_header(case)
    assert header.content_digest is None
    assert header.attachment_count == whole.attachment_count
    assert header.package.sender == whole.package.sender
    if isinstance(whole.package, DocumentPackage):
        assert len(whole.package.attachments) == whole.attachment_count


def test_an_axis_on_the_way_changes_the_bytes_but_not_the_content(case: Path, tmp_path: Path) -> None:
    delivered = tmp_path / "delivered.edxml"
    at = datetime(2024, 6, 7, 8, 0, 1, tzinfo=VIETNAM)
    with delivered.open("wb") as sink:
        add_trace(case, sink, OrganCode("001.00.20.TT2"), at)
    before, after = read_package(case, tmp_path), read_package(delivered, tmp_path)
    assert after.findings == ()
    assert after.content_digest == before.content_digest
    assert validate(delivered) == ()
    if isinstance(before.package, DocumentPackage) and isinstance(after.package, DocumentPackage):
        assert after.package.traces[:-1] == before.package.traces
        assert after.package.traces[-1].timestamp == at


def _without_contents(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if b"ContentTransferEncoded" not in line]
