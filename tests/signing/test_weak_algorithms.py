"""Integrity names weak algorithms by itself: digests, odd curves, short keys (signatures.md 4.1, registers.md C14)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lienthong.deploy.demo.pki_parts import Issued, builder_for, key_usage, subject_of
from lienthong.signing.report import Overall, Question, SignerRole, Verdict

from .desk import SENDER_NAME, Desk, answer_of, registered


def issued(desk: Desk, key: Any) -> Issued:
    """A certificate of the trusted authority, whatever the key."""
    name = subject_of(agency_name=SENDER_NAME, person="Lê Thị Khóa", title=None)
    authority = desk.pki.sub.own
    builder = builder_for(
        name, authority.certificate.subject, key, desk.now - timedelta(days=9), desk.now + timedelta(days=90)
    )
    builder = builder.add_extension(key_usage(digital_signature=True, content_commitment=True), critical=True)
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(aki, critical=False)
    return Issued(certificate=builder.sign(authority.key, hashes.SHA256()), key=key)


KEYS = {
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolp256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "secp192r1": lambda: ec.generate_private_key(ec.SECP192R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA 1024": lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024),
}


@pytest.mark.parametrize("kind", KEYS)
def test_key_that_may_not_sign_any_more(desk: Desk, kind: str) -> None:
    signer = issued(desk, KEYS[kind]())
    digest = "sha512" if kind == "ed25519" else "sha256"
    document = desk.sign(desk.blank, signer, "A", digest=digest)
    report = desk.check(document, policy="NA_ANY_ONE", registry=(registered(signer, SignerRole.LEADER),))
    assert report.overall is not Overall.VALID
    found = answer_of(report, Question.INTEGRITY)
    # a curve whose object identifier the library does not know cannot be read at all
    assert found.verdict in (Verdict.INVALID, Verdict.UNKNOWN)
    assert found.code in ("SIG_WEAK_ALGORITHM", "SIG_UNREADABLE_SIGNATURE")


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=["P-256", "P-384", "P-521"])
def test_curve_that_may(desk: Desk, curve: ec.EllipticCurve) -> None:
    signer = issued(desk, ec.generate_private_key(curve))
    document = desk.sign(desk.blank, signer, "A")
    report = desk.check(document, policy="NA_ANY_ONE", registry=(registered(signer, SignerRole.LEADER),))
    assert report.overall is Overall.VALID, report.reason


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha224"])
def test_digest_that_may_not(desk: Desk, digest: str) -> None:
    report = desk.check(desk.both(digest=digest, timestamp=False))
    assert report.overall is Overall.INVALID
    assert answer_of(report, Question.INTEGRITY).code == "SIG_WEAK_ALGORITHM"
