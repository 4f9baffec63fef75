"""The short way through a revocation list answers as the library does, for every list and certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import crl, x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags
from pyhanko_certvalidator.revinfo import validate_crl

from lienthong.deploy.demo.pki_parts import Issued, asn1
from lienthong.signing.revocation_speed import install, looking_at_bytes_first

from .desk import Desk

ORIGINAL = getattr(validate_crl.find_cert_in_list, "replaced", validate_crl.find_cert_in_list)


def listed(desk: Desk, *revoked: Issued) -> crl.CertificateList:
    for one in revoked:
        desk.pki.sub.revoke(one, desk.now - timedelta(hours=1), ReasonFlags.certificate_hold)
    made = desk.pki.sub.crl(at=desk.now, next_update=desk.now + timedelta(days=1)).public_bytes(Encoding.DER)
    del desk.pki.sub.revoked[len(desk.pki.sub.revoked) - len(revoked) :]
    return crl.CertificateList.load(made)


@pytest.mark.parametrize("how_many", [0, 1, 2])
def test_same_answer(desk: Desk, how_many: int) -> None:
    people = (desk.leader, desk.agency, desk.stranger)
    held = listed(desk, *people[:how_many])
    quick = looking_at_bytes_first(ORIGINAL)
    for one in people:
        certificate: x509.Certificate = asn1(one.certificate)
        asked = (certificate, certificate.issuer, held, held.issuer)
        assert quick(*asked) == ORIGINAL(*asked)
        assert (quick(*asked)[0] is not None) == (one in people[:how_many])


def test_no_entry_is_parsed_where_the_number_does_not_occur(desk: Desk) -> None:
    def never(*_asked: object) -> tuple[None, None]:
        raise AssertionError(_asked)

    certificate = asn1(desk.leader.certificate)
    held = listed(desk, desk.agency)
    assert looking_at_bytes_first(never)(certificate, certificate.issuer, held, held.issuer) == (None, None)


def test_install_twice_is_once() -> None:
    install()
    first = validate_crl.find_cert_in_list
    install()
    assert validate_crl.find_cert_in_list is first
    validate_crl.find_cert_in_list = ORIGINAL
