"""A certificate file (PEM or DER) as the facts the node's register of certificates keeps. Trusts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import pem, x509

from .errors import SigningError
from .materials import Material, certificate_material


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    sha256: str  # lower-case hex of the DER
    holder: str  # CN, or the whole name when there is none
    valid_from: datetime  # aware
    valid_to: datetime  # aware
    der: bytes
    material: Material  # its addresses of revocation data


def certificate_der(content: bytes) -> bytes:
    """The DER of a PEM or DER file. Raises SigningError SIG_CERTIFICATE_UNREADABLE."""
    certificate_facts(content)
    return pem.unarmor(content)[2] if pem.detect(content) else content


def certificate_facts(content: bytes) -> CertificateFacts:
    """Raises SigningError SIG_CERTIFICATE_UNREADABLE."""
    try:
        der = pem.unarmor(content)[2] if pem.detect(content) else content
        certificate = x509.Certificate.load(der)
        names: dict[str, object] = certificate.subject.native
        return CertificateFacts(
            sha256=certificate.sha256.hex(),
            holder=str(names.get("common_name") or certificate.subject.human_friendly),
            valid_from=certificate.not_valid_before,
            valid_to=certificate.not_valid_after,
            der=certificate.dump(),
            material=certificate_material(certificate, trusted=True),
        )
    except (ValueError, TypeError, KeyError) as cause:
        raise SigningError(
            "SIG_CERTIFICATE_UNREADABLE", "Tệp không phải chứng thư số dạng PEM hoặc DER.", blame="document"
        ) from cause
