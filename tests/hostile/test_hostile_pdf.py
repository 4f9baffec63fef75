"""Hostile PDF files: whatever they are, never HỢP LỆ, never a crash, never a hang (signatures.md 4.1)."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.report import FileReport, Overall, Verdict
from lienthong.signing.request import VerificationLimits, VerificationRequest
from lienthong.signing.verifying import VerificationPool, VerificationSettings

from ..signing.desk import SENDER, Desk, open_desk
from .pdf_parts import MEGABYTE, PAGES, SIGNATURE, form, one_signature, pdf

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return open_desk(tmp_path_factory.mktemp("hostile"), datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def signed(desk: Desk) -> bytes:
    return desk.both()


def shared_children() -> bytes:
    """Forty levels of two fields that share their children: 2^40 paths."""
    last = 4 + 40
    levels = {n: b"<< /T (n%d) /Kids [%d 0 R %d 0 R] >>" % (n, n + 1, n + 1) for n in range(4, last)}
    return form(b"4 0 R", {**levels, last: b"<< /FT /Sig /T (A) /V << >> >>"})


def xref_stream_bomb() -> bytes:
    """A cross-reference stream of a few hundred bytes that unfolds to hundreds of megabytes."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(700)) + packer.flush()
    head = b"%PDF-1.7\n"
    stream = (
        b"1 0 obj\n<< /Type /XRef /Size 250000000 /W [1 1 1] /Root 1 0 R /Filter /FlateDecode /Length %d >>\n"
        b"stream\n%s\nendstream\nendobj\n" % (len(data), data)
    )
    return head + stream + b"startxref\n%d\n%%%%EOF\n" % len(head)


def deep_arrays() -> bytes:
    return pdf({1: b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 100_000 + b"]" * 100_000 + b" >>", **PAGES})


CASES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no pdf": lambda: b"PK\x03\x04 not a pdf",
    "header only": lambda: b"%PDF-1.7\n%%EOF\n",
    "noise": lambda: b"%PDF-1.7\n" + random.Random(1).randbytes(20_000),
    "unsigned": lambda: pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", **PAGES}),
    "field is its own child": lambda: form(b"4 0 R", {4: b"<< /T (a) /Kids [4 0 R] >>"}),
    "shared children": shared_children,
    "twenty thousand fields": lambda: form(b"4 0 R " * 20_000, {4: b"<< /FT /Sig /T (A) >>"}),
    "many signatures": lambda: form(
        b" ".join(b"%d 0 R" % n for n in range(10, 70)),
        {n: b"<< /FT /Sig /T (A%d) /V 5 0 R >>" % n for n in range(10, 70)} | {5: SIGNATURE % (b"0 1 2 3", b"<00>")},
    ),
    "root refers to itself": lambda: pdf({1: b"1 0 R", **PAGES}),
    "pages of pages": lambda: pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Kids [2 0 R] /Count 9 >>"}),
    "startxref in circles": lambda: pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", **PAGES}, trailer=b"/Prev 9"),
    "deep arrays": deep_arrays,
    "value is a number": lambda: one_signature(b"42"),
    "value is itself a field": lambda: form(b"4 0 R", {4: b"<< /FT /Sig /T (A) /V 4 0 R >>"}),
    "no contents": lambda: one_signature(b"<< /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] >>"),
    "contents not cms": lambda: one_signature(SIGNATURE % (b"0 10 20 30", b"<deadbeef>")),
    "contents a cms of nothing": lambda: one_signature(SIGNATURE % (b"0 10 20 30", b"<3000>")),
    "negative range": lambda: one_signature(SIGNATURE % (b"0 -10 20 30", b"<3000>")),
    "huge range": lambda: one_signature(SIGNATURE % (b"0 99999999999 9 9", b"<3000>")),
    "range of words": lambda: one_signature(SIGNATURE % (b"/a /b", b"<3000>")),
    "unknown subfilter": lambda: one_signature(b"<< /SubFilter /x.own /ByteRange [0 1 2 3] /Contents <00> >>"),
    "encrypted": lambda: pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            **PAGES,
            9: b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <" + b"00" * 32 + b"> /U <" + b"00" * 32 + b"> >>",
        },
        trailer=b"/Encrypt 9 0 R /ID [<00><00>]",
    ),
}
BOMBS = {"xref stream": xref_stream_bomb, "deep arrays": deep_arrays}


def never_valid(report: FileReport, told: str = "") -> None:
    assert report.overall in (Overall.INVALID, Overall.UNDETERMINED), told
    assert report.reason_code
    assert report.reason
    assert not report.missing_signatures_only
    assert any(a.verdict in (Verdict.INVALID, Verdict.UNKNOWN) for a in report.answers)


@pytest.mark.parametrize("name", CASES)
def test_hostile_file(desk: Desk, name: str) -> None:
    for policy in ("ND30", "NA_ANY_ONE", "AGENCY_ONLY"):
        never_valid(desk.check(CASES[name](), policy=policy))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no pdf", "SIG_NOT_PDF"),
        ("encrypted", "SIG_ENCRYPTED"),
        ("shared children", "SIG_FORM_TREE"),
        ("field is its own child", "SIG_FORM_TREE"),
        ("twenty thousand fields", "SIG_FORM_TREE"),
        ("many signatures", "SIG_TOO_MANY_SIGNATURES"),
        ("unknown subfilter", "SIG_UNSUPPORTED_SUBFILTER"),
        ("unsigned", "SIG_NOT_SIGNED"),
    ],
)
def test_reason_says_what_is_wrong(desk: Desk, name: str, code: str) -> None:
    assert desk.check(CASES[name]()).reason_code == code


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_truncated(desk: Desk, signed: bytes, share: float) -> None:
    never_valid(desk.check(signed[: int(len(signed) * share)]))


def covered(document: bytes) -> list[range]:
    """The two stretches that the last signature signs, without the room of the first signature's value."""
    start = document.index(b"/Contents <") + 11
    first = range(start - 1, document.index(b">", start) + 1)
    last = document.rindex(b"/Contents <") + 10
    return [range(first.start), range(first.stop, last), range(document.index(b">", last) + 1, len(document) - 1)]


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_byte_of_the_signed_stretches_matters(desk: Desk, signed: bytes, data: st.DataObject) -> None:
    stretch = data.draw(st.sampled_from([s for s in covered(signed) if s]))
    place = data.draw(st.sampled_from(stretch))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != signed[place]))
    never_valid(desk.check(signed[:place] + bytes([value]) + signed[place + 1 :]))


TOKENS = st.sampled_from(
    [b"endobj", b"\n9 0 obj\n<<>>\nendobj\n", b"/ByteRange [0 1 2 3]", b"%%EOF\n", b"startxref\n0\n", b"xref\n0 0\n",
     b"/Contents <00>", b">>", b"<<", b"(", b"%", b"\r\n", b"stream\n", b"/Type /Catalog", b" 0 R"]
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn, document: bytes) -> bytes:
    """The document with a piece put in, taken out, doubled or moved, somewhere in its signed stretches."""
    stretch = draw(st.sampled_from([s for s in covered(document) if len(s) > 2]))
    start = draw(st.sampled_from(stretch))
    end = min(start + draw(st.integers(1, 400)), stretch.stop)
    piece, rest = document[start:end], document[end:]
    change = draw(st.sampled_from(["put in", "token", "taken out", "doubled", "reversed"]))
    made = {
        "put in": draw(st.binary(min_size=1, max_size=60)) + piece,
        "token": draw(TOKENS) + piece,
        "taken out": b"",
        "doubled": piece + piece,
        "reversed": piece[::-1],
    }[change]
    return document[:start] + made + rest


@given(st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_edit_of_the_signed_stretches_stays_valid(desk: Desk, signed: bytes, data: st.DataObject) -> None:
    edited = data.draw(edits(signed))
    if edited != signed:
        never_valid(desk.check(edited))


@given(st.binary(max_size=3000))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_behind_a_header(desk: Desk, content: bytes) -> None:
    never_valid(desk.check(b"%PDF-1.7\n" + content))


@given(st.binary(min_size=1, max_size=300).filter(lambda tail: bool(tail.strip(b"\x00\t\n\x0c\r "))))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_behind_the_end(desk: Desk, content: bytes) -> None:
    never_valid(desk.check(desk.profile + content))


async def test_bombs_end_in_the_worker(desk: Desk, tmp_path: Path) -> None:
    limited = VerificationSettings(workers=2, seconds_per_file=8, memory_bytes=300 * MEGABYTE)
    async with VerificationPool(limited) as pool:
        for name, make in BOMBS.items():
            path = tmp_path / f"{name}.pdf"
            path.write_bytes(make())
            never_valid(await pool.verify(request_for(desk, path)))
        good = tmp_path / "good.pdf"
        good.write_bytes(desk.profile)
        reports = await asyncio.gather(*(pool.verify(request_for(desk, good)) for _ in range(3)))
    assert [r.overall for r in reports] == [Overall.VALID] * 3


def test_file_beyond_the_limits(desk: Desk) -> None:
    small = VerificationLimits(max_bytes=1000)
    assert desk.check(desk.profile, limits=small).reason_code == "SIG_TOO_LARGE"
    few = VerificationLimits(max_revisions=2)
    assert desk.check(desk.profile, limits=few).reason_code == "SIG_TOO_MANY_REVISIONS"
    one = VerificationLimits(max_signatures=1)
    assert desk.check(desk.profile, limits=one).reason_code == "SIG_TOO_MANY_SIGNATURES"


def request_for(desk: Desk, path: Path) -> VerificationRequest:
    return VerificationRequest(
        path=str(path),
        policy="ND30",
        now=desk.now,
        trust_folder=str(desk.folder),
        trust_store=STORE,
        sender_code=SENDER,
        registry=desk.registry,
    )
