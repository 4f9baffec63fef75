"""What makes a produced signature last: revocation data in it or beside it, and the archive timestamp."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ReasonFlags, ocsp
from pyhanko.pdf_utils.reader import PdfFileReader

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.report import Overall
from lienthong.signing.sign_job import Level, Subfilter

from .office import Office, refused


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
