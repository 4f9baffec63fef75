"""Properties: what was written is read back; the same package gives the same bytes; any bytes parse or raise."""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lienthong.edxml.digest import content_digest
from lienthong.edxml.errors import EdxmlError
from lienthong.edxml.findings import Severity
from lienthong.edxml.model import DocumentPackage, Package
from lienthong.edxml.profile import complete
from lienthong.edxml.reader import Reading, read_header, read_package
from lienthong.edxml.transit import add_trace
from lienthong.edxml.validation import validate
from lienthong.edxml.writer import Newline, WriteOptions, write_package

from .strategies import MOMENTS, ORGANS, PACKAGES

CASES = [path.read_bytes() for path in sorted((Path(__file__).parent / "cases").glob("*.edxml"))]
REFUSALS = {
    "EDXML_BUSINESS_TYPE",
    "EDXML_DOCTYPE",
    "EDXML_EMPTY",
    "EDXML_ENCODING",
    "EDXML_LIMIT",
    "EDXML_NAMESPACE",
    "EDXML_NOT_WELL_FORMED",
    "EDXML_OLD_FORMAT",
    "EDXML_REQUIRED",
}
TRIES = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def folder_with(data: bytes) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as name:
        package = Path(name, "package.edxml")
        package.write_bytes(data)
        into = Path(name, "into")
        into.mkdir()
        yield package, into


def remove_files(package: Package) -> None:
    if isinstance(package, DocumentPackage):
        for one in package.attachments:
            one.path.unlink(missing_ok=True)


def located_nowhere(package: Package) -> Package:
    """Attachments compare by digest, wherever their files lie."""
    if not isinstance(package, DocumentPackage):
        return package
    moved = tuple(dataclasses.replace(one, path=Path()) for one in package.attachments)
    return dataclasses.replace(package, attachments=moved)


@TRIES
@given(package=PACKAGES, newline=st.sampled_from(Newline))
def test_what_was_written_is_read_back(package: Package, newline: Newline) -> None:
    written, again = io.BytesIO(), io.BytesIO()
    options = WriteOptions(newline=newline)
    sums = write_package(package, written, options=options)
    assert write_package(package, again, options=options) == sums
    assert written.getvalue() == again.getvalue()
    assert sums.size == len(written.getvalue())
    with folder_with(written.getvalue()) as (path, into):
        reading = read_package(path, into)
        assert [one for one in reading.findings if one.severity is not Severity.INFO] == []
        assert located_nowhere(reading.package) == located_nowhere(package)
        assert reading.content_digest == content_digest(package)
        assert validate(path) == ()
        if isinstance(reading.package, DocumentPackage):
            assert {one.path for one in reading.package.attachments} == set(into.iterdir())
    remove_files(package)


@TRIES
@given(package=PACKAGES, organ=st.none() | ORGANS, moment=MOMENTS)
def test_an_axis_adds_its_trace_and_changes_nothing_else(package: Package, organ: object, moment: object) -> None:
    written, delivered = io.BytesIO(), io.BytesIO()
    write_package(package, written)
    with folder_with(written.getvalue()) as (path, into):
        add_trace(path, delivered, organ, moment)  # type: ignore[arg-type]
        path.write_bytes(delivered.getvalue())
        reading = read_package(path, into)
    assert reading.content_digest == content_digest(package)
    if isinstance(package, DocumentPackage) and isinstance(reading.package, DocumentPackage):
        assert reading.package.traces[:-1] == package.traces
        assert (reading.package.traces[-1].organ, reading.package.traces[-1].timestamp) == (organ, moment)
    remove_files(package)


@TRIES
@given(package=PACKAGES)
def test_completing_twice_is_completing_once(package: Package) -> None:
    assert complete(complete(package)) == complete(package) == package
    remove_files(package)


def read_or_refuse(data: bytes) -> Reading | None:
    """Nothing but EdxmlError with one of its codes, and no file is left behind by a refusal."""
    refusals: set[str] = set()
    with folder_with(data) as (path, into):
        try:
            reading = read_package(path, into)
        except EdxmlError as error:
            assert list(into.iterdir()) == []
            reading = None
            refusals.add(error.code)
        assert refusals <= REFUSALS
        for again in (read_header, validate):
            try:
                again(path)
            except EdxmlError:
                assert again is read_header or reading is None
        return reading


@MANY
@given(data=st.binary(max_size=2000))
def test_any_bytes_parse_or_raise(data: bytes) -> None:
    assert read_or_refuse(data) is None


@MANY
@given(data=st.sampled_from(CASES), edits=st.lists(st.tuples(st.integers(0), st.binary(max_size=8)), max_size=4))
@example(data=CASES[0], edits=[(131, b"\r")])  # a namespace that only libxml2 knows to be none
def test_damaged_packages_parse_or_raise(data: bytes, edits: list[tuple[int, bytes]]) -> None:
    for place, piece in edits:
        at = place % len(data)
        data = data[:at] + piece + data[at + len(piece) :]
    read_or_refuse(data)


@MANY
@given(
    data=st.sampled_from(CASES),
    start=st.integers(0),
    length=st.integers(0, 400),
    to=st.integers(0),
)
def test_shuffled_packages_parse_or_raise(data: bytes, start: int, length: int, to: int) -> None:
    lines = data.splitlines(keepends=True)
    first = start % len(lines)
    block = lines[first : first + 1 + length % 12]
    at = to % len(lines)
    read_or_refuse(b"".join([*lines[:at], *block, *lines[at:]]))


@MANY
@given(
    data=st.sampled_from(CASES),
    place=st.integers(0),
    text=st.text(max_size=60),
)
def test_any_text_in_any_field_parses_or_raises(data: bytes, place: int, text: str) -> None:
    lines = data.decode().splitlines(keepends=True)
    at = place % len(lines)
    head, opened, rest = lines[at].partition(">")
    if opened and "</" in rest:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").encode("utf-8", "ignore").decode()
        lines[at] = head + opened + escaped + rest[rest.index("</") :]
    read_or_refuse("".join(lines).encode())


@TRIES
@given(data=st.sampled_from(CASES), encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"]))
def test_every_allowed_encoding_says_the_same(data: bytes, encoding: str) -> None:
    declared = data.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"') if "16" in encoding else data.decode()
    plain, coded = read_or_refuse(data), read_or_refuse(declared.encode(encoding))
    assert plain is not None
    assert coded is not None
    assert coded.content_digest == plain.content_digest
    assert coded.findings == ()
