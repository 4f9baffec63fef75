"""Files that are HỢP LỆ, among them those that plain pyHanko refuses (signatures.md 4)."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.signing.paths import Evidence
from lienthong.signing.preparing import written
from lienthong.signing.producing import sign_annex
from lienthong.signing.report import LegalValue, Overall, Question, SignerRole, Verdict
from lienthong.signing.report_json import report_from_json, report_to_json
from lienthong.signing.request import TimestampRule
from lienthong.signing.trust import load_store

from .desk import AGENCY_BOX, Desk, answer_of, codes, registered


def test_produced_document_is_valid_and_an_original(desk: Desk) -> None:  # 3, 7, 10
    report = desk.check(desk.profile)
    assert report.overall is Overall.VALID, report.reason
    assert report.legal_value is LegalValue.ORIGINAL
    assert report.pages == 2
    assert [s.role for s in report.signatures] == [SignerRole.LEADER, SignerRole.AGENCY]
    assert [s.certifies for s in report.signatures] == [True, False]
    assert all(s.time_source == "timestamp" and s.signing_time == desk.now for s in report.signatures)
    assert all([a.question for a in s.answers] == list(Question) for s in report.signatures)
    assert report.warnings == ()


def test_produced_document_is_verified_offline_from_its_own_evidence(desk: Desk) -> None:
    lists = list((desk.folder / "demo" / "crls").iterdir())
    kept = [(path, path.read_bytes()) for path in lists]
    try:
        for path in lists:
            path.unlink()
        assert desk.check(desk.profile).overall is Overall.VALID
        # years later, when the certificates have expired and the lists are stale
        assert desk.check(desk.profile, now=desk.now + timedelta(days=1500)).overall is Overall.VALID
    finally:
        for path, content in kept:
            path.write_bytes(content)


def test_report_survives_json(desk: Desk) -> None:
    report = desk.check(desk.profile)
    assert report_from_json(report_to_json(report, materials=True)) == report


def test_pattern_of_vgca_made_files(desk: Desk) -> None:  # 2, 2b
    report = desk.check(desk.both())
    assert report.overall is Overall.VALID, report.reason
    assert report.signatures[0].certifies
    assert report.signatures[0].subfilter == "adbe.pkcs7.detached"
    assert "Signature2" in answer_of(report, Question.LATER_CHANGES, 0).message


def test_two_approval_signatures(desk: Desk) -> None:  # 1
    first = desk.sign(desk.blank, desk.leader, "A", pades=True)
    assert desk.check(desk.sign(first, desk.agency, "B", box=AGENCY_BOX)).overall is Overall.VALID


def test_pss_signatures(desk: Desk) -> None:  # 23
    assert desk.check(desk.both(pss=True)).overall is Overall.VALID


def test_document_timestamp_and_lock_of_all_fields(desk: Desk) -> None:  # 10
    writer, output = IncrementalPdfFileWriter(io.BytesIO(desk.profile)), io.BytesIO()
    asyncio.run(PdfTimeStamper(desk.pki.timestamper()).async_timestamp_pdf(writer, "sha256", output=output))
    report = desk.check(output.getvalue())
    assert report.overall is Overall.VALID, report.reason
    assert len(report.signatures) == 2


def timestamped(desk: Desk, document: bytes) -> bytes:
    writer, output = IncrementalPdfFileWriter(io.BytesIO(document)), io.BytesIO()
    stamper = PdfTimeStamper(desk.pki.timestamper())
    asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", validation_context=evidence(desk), output=output))
    return output.getvalue()


def renewed(desk: Desk, document: bytes) -> bytes:
    reader, output = PdfFileReader(io.BytesIO(document)), io.BytesIO()
    stamper = PdfTimeStamper(desk.pki.timestamper())
    asyncio.run(stamper.async_update_archival_timestamp_chain(reader, evidence(desk), in_place=False, output=output))
    return output.getvalue()


def evidence(desk: Desk) -> Any:
    return Evidence(store=load_store(str(desk.folder), STORE), now=desk.now).context(desk.now)


LONG_TERM: dict[str, Callable[[Desk], bytes]] = {
    "B-LTA": lambda desk: timestamped(desk, desk.profile),
    "B-LTA of a file without locks": lambda desk: timestamped(desk, desk.both()),
    "two archive timestamps": lambda desk: timestamped(desk, timestamped(desk, desk.profile)),
    "archive timestamp renewed twice": lambda desk: renewed(desk, renewed(desk, timestamped(desk, desk.both()))),
}


@pytest.mark.parametrize("name", LONG_TERM)
def test_long_term_files_keep_their_verdict(desk: Desk, name: str) -> None:  # 10, signatures.md 4.1
    report = desk.check(LONG_TERM[name](desk))
    assert report.overall is Overall.VALID, report.reason
    assert len(report.signatures) == 2


def test_description_may_change_and_proves_nothing(desk: Desk) -> None:  # 13
    writer = IncrementalPdfFileWriter(io.BytesIO(desk.profile))
    info = writer.trailer.raw_get("/Info")
    info.get_object()["/Title"] = pdf_string("đổi tiêu đề")
    writer.mark_update(info.reference)
    changed = written(writer)
    assert changed != desk.profile
    assert desk.check(changed).overall is Overall.VALID


def test_certificate_for_digital_signature_only(desk: Desk) -> None:
    person = Holder(agency_code="x", agency_name="Sở", person="Trần Thị Bình")
    plain = desk.pki.issue(person, non_repudiation=False)
    first = desk.sign(desk.blank, plain, "A")
    signed = desk.sign(first, desk.agency, "B", box=AGENCY_BOX)
    registry = (*desk.registry, registered(plain, SignerRole.LEADER))
    assert desk.check(signed, registry=registry).overall is Overall.VALID


def test_local_time_written_as_utc_is_annotated(desk: Desk) -> None:  # C17
    stamped_before = desk.both(at=desk.now - timedelta(hours=7))
    report = desk.check(stamped_before)
    assert codes(report)["time"] == "SIG_TIME_SKEW_7H"
    assert report.overall is Overall.VALID, report.reason
    assert "SIG_WARN_SKEW" in {w.code for w in report.warnings}


def test_without_timestamp_only_a_warning_when_receiving(desk: Desk) -> None:  # C17
    signed = desk.both(timestamp=False)
    report = desk.check(signed)
    assert report.overall is Overall.VALID, report.reason
    assert answer_of(report, Question.TIME).verdict is Verdict.NOT_APPLICABLE
    assert {w.code for w in report.warnings} == {"SIG_WARN_NOT_TIMESTAMPED"}
    assert desk.check(signed, timestamp=TimestampRule.REQUIRED).reason_code == "SIG_TIME_REQUIRED"


def test_expired_certificate_with_a_timestamp_of_its_life(desk: Desk) -> None:
    old = {"not_before": desk.now - timedelta(days=400), "not_after": desk.now - timedelta(days=20)}
    leader = desk.pki.issue(Holder(agency_code="x", agency_name="Sở", person="Lê Văn Cũ"), **old)
    agency = desk.pki.issue(Holder(agency_code="x", agency_name="Sở"), **old)
    registry = (registered(leader, SignerRole.LEADER), registered(agency, SignerRole.AGENCY))
    then = desk.now - timedelta(days=100)
    first = desk.sign(desk.blank, leader, "A", at=then)
    report = desk.check(desk.sign(first, agency, "B", box=AGENCY_BOX, at=then), registry=registry)
    assert report.overall is Overall.VALID, report.reason  # 21: the lists are younger than the signature


def test_untouched_locked_field_is_no_change(desk: Desk) -> None:  # signatures.md 4.1, FieldMDP INCLUDE
    prepared = desk.form()
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["so_van_ban"])
    first = desk.sign(prepared, desk.leader, "A", lock=lock)
    assert desk.check(desk.sign(first, desk.agency, "B", box=AGENCY_BOX)).overall is Overall.VALID


def test_hybrid_cross_references_of_office_suites(desk: Desk) -> None:  # signatures.md 4.1
    first = desk.sign(hybrid_pdf(), desk.leader, "A", certify=True, strict=False)
    report = desk.check(desk.sign(first, desk.agency, "B", box=AGENCY_BOX, strict=False))
    assert report.overall is Overall.VALID, report.reason
    assert "SIG_WARN_HYBRID" in {w.code for w in report.warnings}


def hybrid_pdf() -> bytes:
    """A table for old readers, a stream (object 7) that adds object 6 inside an object stream."""
    body, places = bytearray(b"%PDF-1.7\n"), {}
    inner = b"6 0 << /Shown true >>"
    contents = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> >>",
        4: b"<< /Length 9 >>\nstream\n0 0 m 9 l\nendstream",
        5: b"<< /Type /ObjStm /N 1 /First 4 /Length %d >>\nstream\n%s\nendstream" % (len(inner), inner),
    }
    for number, content in contents.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    stream = len(body)
    rows = struct.pack(">BHB", 2, 5, 0) + struct.pack(">BHB", 1, stream, 0)
    head = b"<< /Type /XRef /Size 8 /Index [6 2] /W [1 2 1] /Root 1 0 R /Length %d >>" % len(rows)
    body += b"7 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (head, rows)
    table = len(body)
    body += b"xref\n0 8\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % places[n] for n in contents)
    body += b"0000000000 00000 f \n" * 2
    body += b"trailer\n<< /Size 8 /Root 1 0 R /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (stream, table)
    return bytes(body)


@pytest.mark.parametrize(
    "form",
    [
        {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        {"linearize": True},
        {"linearize": True, "object_stream_mode": pikepdf.ObjectStreamMode.generate},
    ],
    ids=["object streams", "linearized", "both"],
)
def test_compressed_and_linearized_files(desk: Desk, form: dict[str, Any]) -> None:
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(desk.blank)) as pdf:
        pdf.save(output, **form)
    first = desk.sign(output.getvalue(), desk.leader, "A", certify=True)
    signed = desk.sign(first, desk.agency, "B", box=AGENCY_BOX)
    assert desk.check(signed).overall is Overall.VALID
    assert codes(desk.check(signed + b"5 0 obj << >> endobj"))["later_changes"] != "SIG_PERMITTED_CHANGES"


def test_object_written_again_unchanged(desk: Desk) -> None:
    first = desk.sign(desk.blank, desk.leader, "A", certify=True)
    writer = IncrementalPdfFileWriter(io.BytesIO(first))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    writer.mark_update(page.raw_get("/Contents").reference)
    again = written(writer)
    assert len(again) > len(first)
    assert desk.check(desk.sign(again, desk.agency, "B", box=AGENCY_BOX)).overall is Overall.VALID


def test_annex_needs_the_agency_only(desk: Desk) -> None:  # L-14
    source, target = desk.folder / "annex-blank.pdf", desk.folder / "annex.pdf"
    source.write_bytes(desk.blank)
    text = "Số: 12/STC-VP; 21/11/2026; 10:20:30 +07:00"
    sign_annex(
        source,
        target,
        agency=desk.agency.software_key(),
        box=(330, 800, 580, 830),
        text=text,
        proof=desk.proof(),
    )
    report = desk.check(target, policy="AGENCY_ONLY")
    assert report.overall is Overall.VALID, report.reason
    assert report.legal_value is LegalValue.ORIGINAL
    assert desk.check(target).reason_code == "SIG_REQUIRED_SET_MISSING"


def test_sender_known_by_name_only(desk: Desk) -> None:
    report = desk.check(desk.both(), registry=())
    assert report.overall is Overall.VALID, report.reason
    assert codes(report)["identity"] == "SIG_IDENTITY_BY_NAME"
    assert "SIG_WARN_BY_NAME" in {w.code for w in report.warnings}


@pytest.mark.parametrize("policy", ["ND30", "ST_TWO", "ST_TWO_PLUS_NHAY", "TN_TITLE_AND_AGENCY", "NA_ANY_ONE"])
def test_leader_and_agency_satisfy_every_policy(desk: Desk, policy: str) -> None:
    assert desk.check(desk.profile, policy=policy).overall is Overall.VALID


def test_signature_value_keeps_room(desk: Desk) -> None:
    reader = PdfFileReader(io.BytesIO(desk.profile))
    for signature in reader.embedded_regular_signatures:
        used = len(signature.pkcs7_content.rstrip(b"\x00"))
        assert used < 10240 * 0.8, used
