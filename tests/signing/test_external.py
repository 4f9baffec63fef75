"""Signing in two steps with the key in the holder's own computer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing.errors import SigningError
from lienthong.signing.external import ExternalStart, begin_external, finish_external
from lienthong.signing.json_values import from_json, to_json
from lienthong.signing.report import Overall
from lienthong.signing.sign_job import SignJob, SignResult, SignStep, Subfilter

from .office import Office, refused


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def begin(office: Office, step: SignStep, by: Issued, **changes: Any) -> ExternalStart:
    job = SignJob(**{**office.settings, "step": step, "source": str(office.paper), "target": office.target, **changes})
    chain = [der(c) for c in by.chain]
    return begin_external(job, der(by.certificate), chain, timestamper=office.timestamper)


def finish(office: Office, start: ExternalStart, signature: bytes) -> SignResult:
    result = finish_external(start, signature, timestamper=office.timestamper)
    office.paper = Path(start.job.target)
    return result


def by_rsa(by: Issued) -> Callable[[bytes], bytes]:
    return lambda data: by.key.sign(data, PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_two_steps_each_for_leader_and_agency(office: Office, subfilter: Subfilter) -> None:
    office.prepare()
    for step, by in ((SignStep.LEADER, office.desk.leader), (SignStep.AGENCY, office.desk.agency)):
        start = begin(office, step, by, subfilter=subfilter)
        # As it waits in the database, and comes back after a restart.
        start = from_json(ExternalStart, json.loads(json.dumps(to_json(start))))
        result = finish(office, start, by_rsa(by)(start.signed_attributes))
    assert result.overall == Overall.VALID.value
    # The answer was lost on the way: the same signature may come again.
    assert finish(office, start, by_rsa(by)(start.signed_attributes)).overall == Overall.VALID.value
    report = office.desk.check(office.paper)
    assert report.overall is Overall.VALID, report.reason
    assert [s.subfilter for s in report.signatures] == [subfilter.value] * 2


def test_signature_over_other_bytes_is_not_embedded(office: Office) -> None:
    office.prepare()
    start = begin(office, SignStep.LEADER, office.desk.leader)
    wrong = by_rsa(office.desk.leader)(start.signed_attributes + b" ")
    refused("SIG_EXTERNAL_SIGNATURE_WRONG", finish, office, start, wrong)
    others = by_rsa(office.desk.stranger)(start.signed_attributes)
    refused("SIG_EXTERNAL_SIGNATURE_WRONG", finish, office, start, others)
    refused("SIG_EXTERNAL_SIGNATURE_WRONG", finish, office, start, b"")
    assert not Path(start.job.target).exists()
    assert finish(office, start, by_rsa(office.desk.leader)(start.signed_attributes)).field == start.field


def test_prepared_file_that_was_changed_meanwhile(office: Office) -> None:
    office.prepare()
    start = begin(office, SignStep.LEADER, office.desk.leader)
    content = bytearray(Path(start.prepared).read_bytes())
    content[100] ^= 1
    Path(start.prepared).write_bytes(content)
    signature = by_rsa(office.desk.leader)(start.signed_attributes)
    refused("SIG_EXTERNAL_STATE_LOST", finish, office, start, signature)
    Path(start.prepared).unlink()
    refused("SIG_EXTERNAL_STATE_LOST", finish, office, start, signature)


@pytest.mark.parametrize(("wait", "code"), [(timedelta(minutes=50), None), (timedelta(days=3), "SIG_RELEASE_REFUSED")])
def test_holder_who_takes_his_time(office: Office, wait: timedelta, code: str | None) -> None:
    office.prepare()
    start = begin(office, SignStep.LEADER, office.desk.leader)
    signature = by_rsa(office.desk.leader)(start.signed_attributes)
    later = office.desk.now + wait
    stamper = office.desk.pki.timestamper(later)
    if code:
        refused(code, finish_external, start, signature, timestamper=stamper)
    else:
        assert finish_external(start, signature, timestamper=stamper).signing_time == later


def test_order_is_asked_before_anything_is_handed_out(office: Office) -> None:
    office.prepare()
    refused("SIG_AGENCY_BEFORE_LEADER", begin, office, SignStep.AGENCY, office.desk.agency)


def test_certificate_that_is_none(office: Office) -> None:
    office.prepare()
    job = SignJob(**office.settings, step=SignStep.LEADER, source=str(office.paper), target=office.target)
    with pytest.raises(SigningError) as caught:
        begin_external(job, b"0\x03\x02\x01\x05", timestamper=office.timestamper)
    assert caught.value.code == "SIG_CERTIFICATE_UNREADABLE"


def test_padding_of_the_newer_kind(office: Office) -> None:
    office.prepare()
    start = begin(office, SignStep.LEADER, office.desk.leader, prefer_pss=True)
    assert start.algorithm == "rsassa_pss"
    key = office.desk.leader.key
    padding = PSS(mgf=MGF1(hashes.SHA256()), salt_length=key.key_size // 8 - 32 - 2)
    finish(office, start, key.sign(start.signed_attributes, padding, hashes.SHA256()))


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_elliptic_keys_in_both_spellings(office: Office, curve: ec.EllipticCurve) -> None:
    holder = office.elliptic(curve)
    office.prepare()
    start = begin(office, SignStep.LEADER, holder, registry=())
    value = holder.key.sign(start.signed_attributes, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(value)
    half = (curve.key_size + 7) // 8
    result = finish(office, start, r.to_bytes(half) + s.to_bytes(half))
    assert result.certificate_sha256 == holder.sha256
