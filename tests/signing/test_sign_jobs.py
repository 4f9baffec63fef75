"""Prepare, sign, number, sign: the jobs that tokens and cases run (signatures.md 2)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ReasonFlags, ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    Flow,
    Level,
    SignStep,
    Subfilter,
)

from .desk import registered
from .office import Office, refused
from .test_good_files import hybrid_pdf


@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_leader_number_agency(office: Office, subfilter: Subfilter) -> None:
    prepared = office.prepare()
    assert {f.name for f in prepared.fields} == {NUMBER_FIELD, DATE_FIELD, LEADER_FIELD, AGENCY_FIELD}
    office.leader(subfilter=subfilter)
    assert office.fill(number="12", date="Mẫu, ngày 21 tháng 11 năm 2026").filled == (NUMBER_FIELD, DATE_FIELD)
    result = office.agency(subfilter=subfilter)
    assert result.overall == Overall.VALID.value
    report = office.desk.check(office.paper)
    assert report.overall is Overall.VALID, report.reason
    assert {s.subfilter for s in report.signatures} == {subfilter.value}
    assert report.sha256 == result.sha256


def test_number_first(office: Office) -> None:
    office.prepare(flow=Flow.NUMBER_FIRST)
    office.fill(number="12")
    office.leader(flow=Flow.NUMBER_FIRST)
    refused("SIG_NUMBER_LOCKED", office.fill, number="13")
    assert office.agency(flow=Flow.NUMBER_FIRST).overall == Overall.VALID.value


def test_never_number_after_the_agency(office: Office) -> None:
    office.prepare()
    office.leader()
    office.fill(number="12")
    office.agency()
    refused("SIG_NUMBER_AFTER_AGENCY", office.fill, number="13")


def test_agency_waits_for_the_leader(office: Office) -> None:  # L-13
    office.prepare()
    refused("SIG_AGENCY_BEFORE_LEADER", office.agency)


@pytest.mark.parametrize("level", list(Level))
def test_levels(office: Office, level: Level) -> None:
    office.prepare()
    office.leader(level=level)
    assert office.agency(level=level).overall == Overall.VALID.value


def test_initials_come_first(office: Office) -> None:
    office.prepare(initials=2)
    office.settings["registry"] = (*office.desk.registry, registered(office.drafter, SignerRole.INITIALS))
    for field in ("Sig_nhay_1", "Sig_nhay_2"):
        assert office.sign(SignStep.INITIALS, office.drafter).field == field
    office.leader()
    refused("SIG_INITIALS_AFTER_LEADER", office.sign, SignStep.INITIALS, office.drafter)
    assert office.agency().overall == Overall.VALID.value


def plain(pdf: pikepdf.Pdf) -> None:
    """As it is."""


def turned(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.rotate(90, relative=False)


def moved(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.mediabox = [50, 50, 645, 892]
        page.cropbox = [60, 60, 600, 800]


def formed(pdf: pikepdf.Pdf) -> None:
    """A form of somebody's office suite, with a field that nobody asked for."""
    field = pikepdf.Dictionary(
        FT=pikepdf.Name.Tx, T="ghi_chu", Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, Rect=[10, 10, 60, 30]
    )
    shown = pdf.make_indirect(field)
    pdf.pages[0].Annots = pikepdf.Array([shown])
    pdf.Root.AcroForm = pdf.make_indirect(pikepdf.Dictionary(Fields=pikepdf.Array([shown])))


@pytest.mark.parametrize(
    ("change", "saving"),
    [
        (plain, {"object_stream_mode": pikepdf.ObjectStreamMode.generate}),
        (plain, {"linearize": True}),
        (plain, {"force_version": "2.0"}),
        (turned, {}),
        (moved, {}),
        (formed, {}),
    ],
    ids=["object streams", "linearized", "PDF 2.0", "turned", "moved", "form"],
)
def test_files_of_all_kinds(office: Office, change: Callable[[pikepdf.Pdf], None], saving: dict[str, Any]) -> None:
    with pikepdf.open(office.paper, allow_overwriting_input=True) as pdf:
        change(pdf)
        pdf.save(office.paper, **saving)
    office.prepare()
    office.leader()
    office.fill(number="12", date="ngày 21 tháng 11 năm 2026")
    assert office.agency().overall == Overall.VALID.value


def test_large_revocation_lists_go_beside_the_signature(office: Office, tmp_path: Path) -> None:
    own = tmp_path / "trust"
    own.mkdir()
    sub, now = office.desk.pki.sub, office.desk.now
    kept = list(sub.revoked)
    sub.revoked += [(10**20 + n, now - timedelta(days=1), ReasonFlags.superseded) for n in range(6000)]
    try:
        office.desk.pki.write_store(own)
    finally:
        sub.revoked[:] = kept
    office.settings |= {"trust_folder": str(own), "subfilter": Subfilter.ADOBE}
    office.prepare()
    office.leader()
    office.fill(number="1")
    assert office.agency().overall == Overall.VALID.value
    reader = PdfFileReader(io.BytesIO(office.paper.read_bytes()))
    assert len(reader.root["/DSS"]["/CRLs"]) == 2
    assert all(len(s.pkcs7_content) < 20_000 for s in reader.embedded_regular_signatures)


def test_archive_timestamp_closes_the_document(office: Office) -> None:
    office.prepare()
    assert office.leader(level=Level.B_LTA).level is Level.B_LT
    office.fill(number="1")
    assert office.agency(level=Level.B_LTA).level is Level.B_LTA
    reader = PdfFileReader(io.BytesIO(office.paper.read_bytes()))
    assert len(list(reader.embedded_timestamp_signatures)) == 1


def test_signature_covers_its_own_evidence(office: Office) -> None:
    """One revision for each signature: nothing stands behind the agency's."""
    office.prepare()
    office.leader()
    office.fill(number="1")
    office.agency()
    reader = PdfFileReader(io.BytesIO(office.paper.read_bytes()))
    assert [s.evaluate_signature_coverage().name for s in reader.embedded_regular_signatures] == [
        "ENTIRE_REVISION",
        "ENTIRE_FILE",
    ]
    assert reader.xrefs.total_revisions == 5


def test_hybrid_file_of_an_office_suite(office: Office) -> None:  # signatures.md 4.1
    office.paper.write_bytes(hybrid_pdf())
    office.prepare()
    office.leader()
    office.fill(number="12")
    assert office.agency().overall == Overall.VALID.value


LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=LINE, day=LINE)
def test_fields_say_what_was_given(office: Office, number: str, day: str) -> None:
    """Whatever is printable: the register, the field and the reader's eye agree (NA-9.2.a)."""
    office.paper.write_bytes(office.desk.blank)
    office.prepare()
    office.fill(number=number, date=day)
    form = PdfFileReader(io.BytesIO(office.paper.read_bytes())).root["/AcroForm"]
    values = {str(f.get_object()["/T"]): str(f.get_object()["/V"]) for f in form["/Fields"] if "/V" in f.get_object()}
    assert values == {NUMBER_FIELD: number, DATE_FIELD: day}


def answer_for(office: Office, subject: x509.Certificate) -> bytes:
    """The sub-CA says of one certificate that it is good."""
    sub, now = office.desk.pki.sub.own, office.desk.now
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=subject,
        issuer=sub.certificate,
        algorithm=hashes.SHA1(),  # of the name only (RFC 6960, 4.1.1)
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=now - timedelta(minutes=1),
        next_update=now + timedelta(hours=8),
        revocation_time=None,
        revocation_reason=None,
    )
    response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, sub.certificate).sign(sub.key, hashes.SHA256())
    return response.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_authority_that_answers_instead_of_listing(office: Office, tmp_path: Path, subfilter: Subfilter) -> None:
    """No list of the sub-CA, but its answers: they travel with the signature."""
    own = tmp_path / "trust"
    own.mkdir()
    desk = office.desk
    desk.pki.write_store(own)
    (own / STORE / "crls" / "sub.crl").unlink()
    office.settings |= {"trust_folder": str(own), "subfilter": subfilter}
    office.prepare()
    refused("SIG_SIGNER_NOT_TRUSTED", office.leader)
    answers = own / STORE / "ocsp"
    answers.mkdir()
    for issued in (desk.leader, desk.agency, desk.pki.tsa):
        (answers / f"{issued.sha256}.ocsp").write_bytes(answer_for(office, issued.certificate))
    office.leader()
    office.fill(number="12")
    assert office.agency().overall == Overall.VALID.value
    for path in answers.iterdir():
        path.unlink()
    report = desk.check(office.paper, trust_folder=str(own))
    assert report.overall is Overall.VALID, report.reason
