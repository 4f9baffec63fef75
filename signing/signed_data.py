"""The CMS value of a signature (RFC 5652), put together from bytes: what one key repeats is encoded once.

PyHanko builds each value anew out of asn1crypto objects, a quarter of the time of a signing. The attributes are
those that pyHanko writes (ETSI EN 319 122-1, RFC 5035, RFC 6211), each certificate stands there once; a test compares
both for every kind of key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asn1crypto import algos, cms, core, x509
from pyhanko.sign.general import as_signing_certificate_v2, simple_cms_attribute
from pyhanko.sign.signers.pdf_cms import Signer

DIGEST: Final = "sha256"
SEQUENCE: Final = 0x30
SET: Final = 0x31
OCTETS: Final = 0x04
IMPLICIT_0: Final = 0xA0
IMPLICIT_1: Final = 0xA1
VERSION_1: Final = b"\x02\x01\x01"
SIGNED_DATA: Final = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
DATA: Final = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
MESSAGE_DIGEST: Final = core.ObjectIdentifier("1.2.840.113549.1.9.4").dump()
TIMESTAMP_TOKEN: Final = core.ObjectIdentifier("1.2.840.113549.1.9.16.2.14").dump()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerParts:
    """What does not change between two signatures of one key. ``attributes``: encoded one by one."""

    certificate: x509.Certificate
    certificates: bytes
    signer: bytes
    digest_algorithm: bytes
    signature_algorithm: bytes
    mechanism: str  # e.g. "sha256_rsa", "rsassa_pss", "sha256_ecdsa"
    attributes: tuple[bytes, ...]
    protection: bytes  # RFC 6211, in signatures that are not CAdES


def signer_parts(signer: Signer, certificate: x509.Certificate) -> SignerParts:
    """Of pyHanko's view of a key; ``signer.prefer_pss`` counts."""
    mechanism = signer.get_signature_mechanism_for_digest(DIGEST)
    others = frozenset(c.dump() for c in signer.cert_registry if c.self_signed == "no")
    return _parts(certificate.dump(), others, mechanism.dump())


@lru_cache(maxsize=64)
def _parts(own: bytes, others: frozenset[bytes], mechanism: bytes) -> SignerParts:
    certificate = x509.Certificate.load(own)
    algorithm = algos.SignedDigestAlgorithm.load(mechanism)
    digest_algorithm = algos.DigestAlgorithm({"algorithm": DIGEST})
    protection = cms.CMSAlgorithmProtection({"digest_algorithm": digest_algorithm, "signature_algorithm": algorithm})
    serial = core.Integer(certificate.serial_number).dump()
    return SignerParts(
        certificate=certificate,
        certificates=_der(IMPLICIT_0, *sorted({own, *others})),
        signer=_der(SEQUENCE, certificate.issuer.dump(), serial),
        digest_algorithm=digest_algorithm.dump(),
        signature_algorithm=mechanism,
        mechanism=str(algorithm["algorithm"].native),
        attributes=(
            simple_cms_attribute("content_type", "data").dump(),
            simple_cms_attribute("signing_certificate_v2", as_signing_certificate_v2(certificate)).dump(),
        ),
        protection=simple_cms_attribute("cms_algorithm_protection", protection).dump(),
    )


def signed_attributes(parts: SignerParts, digest: bytes, extra: Sequence[bytes] = ()) -> bytes:
    """The bytes that the key signs: a SET OF in DER. ``extra``: further attributes, encoded."""
    own = _attribute(MESSAGE_DIGEST, _der(OCTETS, digest))
    return _der(SET, *sorted((own, *parts.attributes, *extra)))


def signed_data(parts: SignerParts, attributes: bytes, signature: bytes, token: bytes | None) -> bytes:
    """The whole value. ``token``: timestamp over ``signature`` (ContentInfo)."""
    stamped = _der(IMPLICIT_1, _attribute(TIMESTAMP_TOKEN, token)) if token is not None else b""
    info = _der(
        SEQUENCE,
        VERSION_1,
        parts.signer,
        parts.digest_algorithm,
        bytes([IMPLICIT_0]) + attributes[1:],
        parts.signature_algorithm,
        _der(OCTETS, signature),
        stamped,
    )
    content = _der(
        SEQUENCE,
        VERSION_1,
        _der(SET, parts.digest_algorithm),
        _der(SEQUENCE, DATA),
        parts.certificates,
        _der(SET, info),
    )
    return _der(SEQUENCE, SIGNED_DATA, _der(IMPLICIT_0, content))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return _der(SEQUENCE, kind, _der(SET, value))


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content
