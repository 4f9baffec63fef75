"""Hostile packages: each is refused with its own code or read with its own finding, and leaves nothing behind."""

from __future__ import annotations

import base64
import io
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.edxml.errors import EdxmlError
from lienthong.edxml.limits import DEFAULT_LIMITS, Limits
from lienthong.edxml.model import DocumentPackage
from lienthong.edxml.reader import Reading, read_package
from lienthong.edxml.transit import add_trace
from lienthong.edxml.validation import validate

FOLDER = Path(__file__).parent / "edxml"
NEW = (Path(__file__).parents[1] / "edxml/cases/01-new.edxml").read_text(encoding="utf-8")
PDF = "JVBERi0xLjQKJSVFT0YK"
OPENING = '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">'

# file of the folder -> the code with which it is refused
REFUSED = {
    "billion-laughs.edxml": "EDXML_DOCTYPE",
    "declared-utf7.edxml": "EDXML_ENCODING",
    "doctype-only.edxml": "EDXML_DOCTYPE",
    "external-entity.edxml": "EDXML_DOCTYPE",
    "junk-before-declaration.edxml": "EDXML_NOT_WELL_FORMED",
    "nested-from.edxml": "EDXML_NOT_WELL_FORMED",
    "no-organ.edxml": "EDXML_REQUIRED",
    "old-format.edxml": "EDXML_OLD_FORMAT",
    "other-namespace.edxml": "EDXML_NAMESPACE",
    "truncated.edxml": "EDXML_NOT_WELL_FORMED",
    "unbound-prefix.edxml": "EDXML_NOT_WELL_FORMED",
    "undefined-entity.edxml": "EDXML_NOT_WELL_FORMED",
    "unknown-business-type.edxml": "EDXML_BUSINESS_TYPE",
}


def refused(data: bytes, folder: Path, limits: Limits = DEFAULT_LIMITS) -> EdxmlError:
    package, into = folder / "package.edxml", folder / "into"
    package.write_bytes(data)
    into.mkdir(exist_ok=True)
    with pytest.raises(EdxmlError) as caught:
        read_package(package, into, limits=limits)
    assert list(into.iterdir()) == []
    return caught.value


def read(data: bytes, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Reading:
    package, into = folder / "package.edxml", folder / "into"
    package.write_bytes(data)
    into.mkdir(exist_ok=True)
    return read_package(package, into, limits=limits)


def codes(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.findings}


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return packed.getvalue()


def with_attachment(data: bytes, name: str = "Phu luc 1.xlsx") -> bytes:
    head, _, tail = NEW.rpartition('QCVN_102_2016">UEsD')
    closing = tail[tail.index("</edXML:ContentTransferEncoded>") :]
    package = head + 'QCVN_102_2016">' + base64.b64encode(data).decode() + closing
    return package.replace("Phu luc 1.xlsx", name).encode()


def test_every_hostile_file_is_listed() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_hostile_file_is_refused_with_its_code(name: str, tmp_path: Path) -> None:
    data = (FOLDER / name).read_bytes()
    error = refused(data, tmp_path)
    assert error.code == REFUSED[name]
    assert error.message[0].isupper()
    assert "root:" not in error.message
    if REFUSED[name] not in {"EDXML_REQUIRED", "EDXML_BUSINESS_TYPE"}:
        with pytest.raises(EdxmlError):
            validate(FOLDER / name)


LIMITED: dict[str, tuple[bytes, Limits]] = {
    "total": (NEW.encode(), Limits(total_bytes=3000)),
    "header": ((OPENING + "<a>x</a>" * 40_000).encode(), Limits(header_bytes=100_000)),
    "depth": ((OPENING + "<a>" * 100).encode(), Limits()),
    "elements": ((OPENING + "<a/>" * 100_001).encode(), Limits()),
    "text": ((OPENING + "<a>" + "x" * 100_001).encode(), Limits()),
    "attributes": (
        (OPENING + "<a " + " ".join(f'b{n}=""' for n in range(40)) + "/>").encode(),
        Limits(),
    ),
    "attachments": (
        (OPENING + "<AttachmentEncoded>" + "<Attachment/>" * 201).encode(),
        Limits(),
    ),
    "attachment size": (with_attachment(b"x" * 5000), Limits(attachment_bytes=4096)),
}


@pytest.mark.parametrize("case", sorted(LIMITED))
def test_bound_is_kept(case: str, tmp_path: Path) -> None:
    data, limits = LIMITED[case]
    assert refused(data, tmp_path, limits).code == "EDXML_LIMIT"


@pytest.mark.parametrize("token", ["<!--", "<a b='", "<?pi ", "<a", "<![CDATA["])
def test_endless_token_is_refused_early(token: str, tmp_path: Path) -> None:
    """Older expat scans an unfinished token anew with each chunk: 20 MB would take minutes."""
    data = (OPENING + token + "x" * 20_000_000).encode()
    assert refused(data, tmp_path).code == "EDXML_LIMIT"


def test_declared_namespaces_cannot_pile_up(tmp_path: Path) -> None:
    nested = "".join("<a " + " ".join(f'xmlns:p{depth}x{n}="u"' for n in range(31)) + ">" for depth in range(38))
    data = (OPENING + nested + '<b xmlns:q="u"/>' * 90_000).encode()
    assert refused(data, tmp_path).code == "EDXML_NOT_WELL_FORMED"  # it ends there


def test_thousands_of_receivers_are_read(tmp_path: Path) -> None:
    receiver = "<edXML:To><edXML:OrganId>A{:05}</edXML:OrganId></edXML:To>"
    many = "".join(receiver.format(n) for n in range(20_000))
    reading = read(NEW.replace("<edXML:To>", many + "<edXML:To>", 1).encode(), tmp_path)
    assert isinstance(reading.package, DocumentPackage)
    assert len(reading.package.receivers) == 20_002


def test_thousands_of_faults_make_few_findings(tmp_path: Path) -> None:
    many = "<edXML:To><edXML:OrganId>A B</edXML:OrganId></edXML:To>" * 20_000
    reading = read(NEW.replace("<edXML:To>", many + "<edXML:To>", 1).encode(), tmp_path)
    assert len(reading.findings) <= 201
    assert reading.findings[-1].code == "EDXML_MORE_FINDINGS"


@pytest.mark.parametrize("name", ["From", "StatusCode", "DocumentId", "MessageHeader"])
def test_second_deciding_element_is_an_error(name: str, tmp_path: Path) -> None:
    status = (Path(__file__).parents[1] / "edxml/cases/05-status-03.edxml").read_text(encoding="utf-8")
    source = status if name == "StatusCode" else NEW
    opening, closing = f"<edXML:{name}>", f"</edXML:{name}>"
    start, end = source.index(opening), source.index(closing) + len(closing)
    twice = source[:end] + source[start:end].replace("H53", "H41") + source[end:]
    reading = read(twice.encode(), tmp_path)
    duplicate = next(one for one in reading.findings if one.code == "EDXML_DUPLICATE_ELEMENT")
    assert duplicate.severity == "error"
    assert duplicate.line is not None
    assert reading.package.sender == read(source.encode(), tmp_path).package.sender


def test_zip_bomb_stays_packed(tmp_path: Path) -> None:
    bomb = zipped(("a.xlsx", b"\0" * 40_000_000))
    reading = read(with_attachment(bomb), tmp_path)
    assert "EDXML_ZIP_EXPANSION" in codes(reading)
    assert isinstance(reading.package, DocumentPackage)
    assert reading.package.attachments[1].size == len(bomb)
    assert len(list((tmp_path / "into").iterdir())) == 2


def test_size_of_a_zip_entry_is_not_believed(tmp_path: Path) -> None:
    bomb = bytearray(zipped(("a.xlsx", b"\0" * 40_000_000)))
    small = (100).to_bytes(4, "little")
    at = bomb.index(b"PK\x01\x02")
    bomb[22:26] = bomb[at + 24 : at + 28] = small
    reading = read(with_attachment(bytes(bomb)), tmp_path)
    assert codes(reading) & {"EDXML_ZIP_EXPANSION", "EDXML_ZIP_DAMAGED"}


def test_zip_slip_writes_nothing_outside(tmp_path: Path) -> None:
    slip = zipped(("../../../slipped.xlsx", b"content"))
    reading = read(with_attachment(slip), tmp_path)
    assert isinstance(reading.package, DocumentPackage)
    inner = reading.package.attachments[1]
    assert inner.path.parent == tmp_path / "into"
    assert inner.path.read_bytes() == b"content"
    assert not list(tmp_path.parent.rglob("slipped*"))


def test_hostile_attachment_name_becomes_one_segment(tmp_path: Path) -> None:
    reading = read(with_attachment(b"x" * 9, "../../etc/cron.d/\u202egpj.exe"), tmp_path)
    assert isinstance(reading.package, DocumentPackage)
    assert reading.package.attachments[1].name == ".._.._etc_cron.d__gpj.exe"
    assert "EDXML_ATTACHMENT_NAME" in codes(reading)


KEPT: dict[str, tuple[bytes, str | None]] = {
    "lzma": (zipped(("a.xlsx", b"x" * 99), method=zipfile.ZIP_LZMA), "EDXML_ZIP_DAMAGED"),
    "two entries": (zipped(("a.xlsx", b"x"), ("b.xlsx", b"y")), None),
    "other extension": (zipped(("a.exe", b"x")), None),
    "crowded directory": (zipped(*((f"{n}.xlsx", b"") for n in range(2000))), None),
    "cut off": (zipped(("a.xlsx", b"x" * 999))[:-30], None),
    "nothing but a magic": (b"PK\x03\x04", None),
}


@pytest.mark.parametrize("case", sorted(KEPT))
def test_doubtful_zip_stays_as_it_is(case: str, tmp_path: Path) -> None:
    data, code = KEPT[case]
    reading = read(with_attachment(data), tmp_path)
    assert isinstance(reading.package, DocumentPackage)
    assert reading.package.attachments[1].path.read_bytes() == data
    assert codes(reading) == ({code} if code else set())


def test_encrypted_wrapping_is_reported(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.xlsx", b"x" * 99)))
    at = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[at + 8] |= 1
    assert "EDXML_ZIP_DAMAGED" in codes(read(with_attachment(bytes(data)), tmp_path))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5))
def test_damaged_zip_never_breaks_the_reader(
    edits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(zipped(("0b9a4f7e-3c55-4f6f-9a57-6f0c2b7f9d11.xlsx", b"some content" * 9)))
    for place, piece in edits:
        at = place % len(data)
        data[at : at + len(piece)] = piece
    reading = read(with_attachment(bytes(data)), tmp_path_factory.mktemp("zip"))
    assert isinstance(reading.package, DocumentPackage)
    assert len(reading.package.attachments) == 2


@pytest.mark.parametrize("content", ["[[tool placeholder]]", "JVBE=AAA", "AAAAA", "ÁÀ", "====", "AA==AAAA"])
def test_damaged_base64_drops_that_attachment_with_an_error(content: str, tmp_path: Path) -> None:
    reading = read(NEW.replace(PDF, content, 1).encode(), tmp_path)
    assert isinstance(reading.package, DocumentPackage)
    assert [one.name for one in reading.package.attachments] == ["Phu luc 1.xlsx"]
    finding = next(one for one in reading.findings if one.code == "EDXML_ATTACHMENT_BASE64")
    assert finding.severity == "error"
    assert len(list((tmp_path / "into").iterdir())) == 1


def test_gzip_is_not_inflated(tmp_path: Path) -> None:
    packed = zlib.compress(NEW.encode(), wbits=31)
    assert refused(packed, tmp_path).code == "EDXML_NOT_WELL_FORMED"


OTHERS: list[Callable[[Path], object]] = [
    validate,
    lambda path: add_trace(path, io.BytesIO(), None, None),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("function", OTHERS, ids=["validate", "add_trace"])
def test_other_entrances_are_as_hard(function: Callable[[Path], object]) -> None:
    for name in ("external-entity.edxml", "declared-utf7.edxml", "truncated.edxml"):
        with pytest.raises(EdxmlError):
            function(FOLDER / name)


def test_memory_stays_small_for_a_large_refusal(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        refused(LIMITED["elements"][0], tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 120_000_000
    finally:
        tracemalloc.stop()
