"""Question 1: are digest, signature value and coverage right, by algorithms that may still be used."""

from __future__ import annotations

from typing import Final

from asn1crypto import parser
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from .answers import answer
from .checked import Surroundings
from .coverage import exactly_covered
from .report import Answer

# Thông tư 15/2025/TT-BKHCN, Phụ lục (registers.md C14)
STRONG_DIGESTS: Final = frozenset(
    ("sha256", "sha384", "sha512", "sha512_224", "sha512_256", "sha3_256", "sha3_384", "sha3_512")
)
STRONG_CURVES: Final = frozenset(("secp256r1", "secp384r1", "secp521r1"))
STRONG_MECHANISMS: Final = frozenset(("rsassa_pkcs1v15", "rsassa_pss", "ecdsa"))


def integrity(
    embedded: EmbeddedPdfSignature, status: PdfSignatureStatus, around: Surroundings, *, old_enough: bool = False
) -> Answer:
    """``old_enough``: a trusted timestamp puts the signature before the date until which SHA-1 was tolerated (C14)."""
    if not _fills_its_room(embedded.pkcs7_content):
        return answer("SIG_FORMAT", "dữ liệu thừa sau giá trị chữ ký")
    weak = weak_algorithm(embedded, tolerated=frozenset(("sha1",)) if old_enough else frozenset())
    if not status.intact:
        return answer("SIG_ALTERED")
    if not status.valid:
        return answer("SIG_VALUE_WRONG")
    if weak:
        return answer("SIG_WEAK_ALGORITHM", weak)
    if embedded.coverage is None or embedded.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return answer("SIG_COVERAGE")
    if not exactly_covered(embedded, around.document.size):
        return answer("SIG_COVERAGE")
    if embedded.field_name in around.shared_values:
        return answer("SIG_DUPLICATED_VALUE", embedded.field_name)
    return answer("SIG_INTEGRITY_OK")


def _fills_its_room(content: bytes) -> bool:
    """The room kept for the CMS is signed by nobody: behind the CMS there may only be zeros."""
    parts = parser.parse(content, strict=False)
    used = sum(len(part) for part in parts[3:])
    return not content[used:].strip(b"\x00")


def weak_algorithm(embedded: EmbeddedPdfSignature, *, tolerated: frozenset[str] = frozenset()) -> str | None:
    """Name of an algorithm that is too weak, by the signature alone (not left to the trust verdict)."""
    key = embedded.signer_cert.public_key
    mechanism = embedded.signer_info["signature_algorithm"]
    if embedded.md_algorithm not in STRONG_DIGESTS | tolerated:
        return str(embedded.md_algorithm)
    if mechanism.signature_algo not in STRONG_MECHANISMS:
        return str(mechanism.signature_algo)
    if key.algorithm in ("rsa", "rsassa_pss"):
        return f"RSA {key.bit_size}" if int(key.bit_size) < 2048 else None
    if key.algorithm == "ec":
        return None if key.curve[1] in STRONG_CURVES else str(key.curve[1])
    return str(key.algorithm)
