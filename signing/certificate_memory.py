"""Certificates parsed once in a worker process: equal bytes give the same object, with all it has worked out.

asn1crypto parses lazily and pyHanko takes a fresh copy of every certificate each time it asks for the signer's, so
names, extensions and keys of the same few signers were taken apart a dozen times per file. Nobody writes to them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from asn1crypto import cms, x509
from pyhanko.sign import general
from pyhanko.sign.validation import generic_cms

from .errors import SigningError

CERTIFICATES_MAX: Final = 1024  # of about two kilobytes each
_FOUND: Final = "extract_certificate_info"
_CHECKED: Final = "extract_certs_for_validation"
Extraction = Callable[[cms.SignedData], Any]


@lru_cache(maxsize=CERTIFICATES_MAX)
def parsed_once(der: bytes) -> x509.Certificate:
    """What ``der`` says; the same object each time. Whether it makes sense shows when it is looked into."""
    return x509.Certificate.load(der)


def install() -> None:
    """Replace both extractions in this process. Raises SigningError SIG_SPEED_UNSUITABLE on another pyHanko."""
    for name, wrap in ((_FOUND, sharing), (_CHECKED, once)):
        original = getattr(generic_cms, name, None)
        if original is None or not hasattr(general, "_partition_certs"):
            raise SigningError("SIG_SPEED_UNSUITABLE", "Phiên bản pyHanko không còn hàm lấy chứng thư đã biết")
        if not hasattr(original, "replaced"):
            setattr(generic_cms, name, wrap(original))


def sharing(original: Extraction) -> Extraction:
    """Return the extraction with the shared object in place of each certificate, before the signer's is looked for."""

    def extract(signed_data: cms.SignedData) -> Any:
        certificates, attributes = [], []
        for choice in signed_data["certificates"]:
            if choice.name == "certificate":
                certificates.append(parsed_once(choice.chosen.untag().dump()))
            elif choice.name == "v2_attr_cert":
                attributes.append(choice.chosen.untag())
        signer, others = general._partition_certs(certificates, general.extract_signer_info(signed_data))  # noqa: SLF001
        return general.SignedDataCerts(signer_cert=signer, other_certs=others, attribute_certs=attributes)

    extract.replaced = original  # type: ignore[attr-defined]
    return extract


def once(original: Extraction) -> Extraction:
    """Return the extraction that is done, and its checks made, once for each signature object."""

    def extract(signed_data: cms.SignedData) -> Any:
        known = signed_data.__dict__.get("extracted_once")
        if known is None:
            known = signed_data.__dict__["extracted_once"] = original(signed_data)
        return known

    extract.replaced = original  # type: ignore[attr-defined]
    return extract
