"""A serial number whose bytes stand nowhere in a revocation list is not in it: no entry need be parsed to know.

National lists have tens of thousands of entries and asn1crypto parses every one of them, a second for a list met first.
Where the bytes do occur, be it by accident, the original looks; so the answer is always the original's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asn1crypto import crl, x509
from pyhanko_certvalidator.revinfo import validate_crl

Found = tuple[Any, Any]
Look = Callable[[Any, x509.Name, crl.CertificateList, x509.Name], Found]


def install() -> None:
    """Replace the search in this process."""
    original = validate_crl.find_cert_in_list
    if not hasattr(original, "replaced"):
        validate_crl.find_cert_in_list = looking_at_bytes_first(original)  # type: ignore[assignment]


def looking_at_bytes_first(original: Look) -> Look:
    """Return a search that equals ``original`` for every certificate and list."""

    def find(
        cert: Any, cert_issuer_name: x509.Name, certificate_list: crl.CertificateList, crl_authority_name: x509.Name
    ) -> Found:
        if isinstance(cert, x509.Certificate) and written_serial(cert) not in certificate_list.dump():
            return None, None
        return original(cert, cert_issuer_name, certificate_list, crl_authority_name)

    find.replaced = original  # type: ignore[attr-defined]
    return find


def written_serial(certificate: x509.Certificate) -> bytes:
    """The serial number as a list that names it has it."""
    written: bytes = certificate["tbs_certificate"]["serial_number"].dump()
    return written
