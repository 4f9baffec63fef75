"""A raw signature checked against its certificate before it is put into a document. Adapter of cryptography."""

from __future__ import annotations

from typing import Final

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate

from .errors import SigningError

LONGEST: Final = 2048  # bytes


def checked_signature(certificate: bytes, algorithm: bytes, data: bytes, signature: bytes) -> bytes:
    """The signature as CMS wants it; tokens give an elliptic one as r and s, which becomes DER here.

    ``algorithm``: DER of the AlgorithmIdentifier. Raises SigningError SIG_EXTERNAL_SIGNATURE_WRONG.
    """
    try:
        key = load_der_x509_certificate(certificate).public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, _padding(algorithm), SHA256())
            return signature
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _elliptic(key, data, signature[:LONGEST])
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as cause:
        raise _wrong() from cause
    raise _wrong()


def _padding(algorithm: bytes) -> padding.AsymmetricPadding:
    parsed = algos.SignedDigestAlgorithm.load(algorithm)
    if parsed["algorithm"].native != "rsassa_pss":
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=parsed["parameters"]["salt_length"].native)


def _elliptic(key: ec.EllipticCurvePublicKey, data: bytes, signature: bytes) -> bytes:
    half = (key.curve.key_size + 7) // 8
    plain = len(signature) == 2 * half
    forms = [signature]
    if plain:
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        forms.insert(0, encode_dss_signature(r, s))
    for form in forms:
        try:
            key.verify(form, data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            continue
        return form
    raise InvalidSignature


def _wrong() -> SigningError:
    return SigningError(
        "SIG_EXTERNAL_SIGNATURE_WRONG", "Chữ ký gửi về không đúng với chứng thư hoặc dữ liệu cần ký", blame="peer"
    )
