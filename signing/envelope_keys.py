"""Keys of XML signatures over envelopes: what a certificate's key may have signed. Adapter of cryptography.

The service certificate of a system signs transport (Nghị định 68/2024/NĐ-CP, Điều 10); it is never an agency's seal.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .errors import SigningError

RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": hashes.SHA384(),
}
RSA_BITS: Final = (2048, 8192)
CURVES: Final = ("secp256r1", "secp384r1")


def method_of(certificate: bytes) -> str:
    """The method that a key of this kind signs with. Raises SigningError SIG_KEY_KIND."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        size = 256 if key.curve.name == "secp256r1" else 384
        return f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{size}"
    raise SigningError("SIG_KEY_KIND", "Khóa của chứng thư không phải RSA, EC P-256 hoặc P-384.")


def digest_of(method: str) -> str:
    return "sha384" if method.endswith("sha384") else "sha256"


def xml_value(certificate: bytes, signature: bytes) -> bytes:
    """A token's signature as XMLDSig writes it: ECDSA is r and s side by side and not DER."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return signature
    half = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(signature)
    return r.to_bytes(half) + s.to_bytes(half)


def value_holds(certificate: bytes, method: str, data: bytes, value: bytes) -> bool:
    """Whether ``value`` signs ``data`` with the certificate's key by exactly ``method``; never raises for bad input."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey) and method == RSA_SHA256:
            if not RSA_BITS[0] <= key.key_size <= RSA_BITS[1]:
                return False
            key.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and method in ECDSA and key.curve.name in CURVES:
            half = (key.curve.key_size + 7) // 8
            if len(value) != 2 * half:
                return False
            r, s = int.from_bytes(value[:half]), int.from_bytes(value[half:])
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(ECDSA[method]))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False
