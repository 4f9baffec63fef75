"""How a token signs: which mechanism it has, what we hash for it, and the proof that it was the certificate's key.

RSA with PKCS#1 v1.5 or, where asked for, PSS (RFC 8017); ECDSA. A token that cannot hash gets the digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

import pkcs11
from asn1crypto import algos, core, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11.util.ec import encode_ecdsa_signature

from .pkcs11_objects import SIGNING
from .tokens import TokenError

DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """What kind of signature is wanted. ``salt``: bytes, makes it RSASSA-PSS with MGF1 over the same digest."""

    digest: str = "sha256"
    salt: int | None = None

    @property
    def padding(self) -> padding.AsymmetricPadding:
        """For RSA."""
        if self.salt is None:
            return padding.PKCS1v15()
        return padding.PSS(mgf=padding.MGF1(DIGESTS[self.digest]), salt_length=self.salt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How this token makes it: a mechanism, and what must be done to the data before and to the value after it."""

    mechanism: pkcs11.Mechanism
    prepare: Callable[[bytes], bytes]
    finish: Callable[[bytes], bytes]
    parameter: Any = None


def means_for(algorithm: str, scheme: Scheme, offered: tuple[str, ...]) -> Means:
    """The token hashes and signs, else it signs what we hashed (Debian's SoftHSM has raw ECDSA only).

    Raises TokenError SIG_TOKEN_KEY_UNSUITABLE.
    """
    if scheme.digest not in DIGESTS:
        raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", scheme.digest)
    name, hashed = scheme.digest.upper(), partial(_hashed, scheme.digest)
    parameter: Any = None
    if algorithm == "ec":
        whole, raw, prepare = f"ECDSA_{name}", "ECDSA", hashed
    elif scheme.salt is None:
        whole, raw, prepare = f"{name}_RSA_PKCS", "RSA_PKCS", partial(_digest_info, scheme.digest)
    else:
        whole, raw, prepare = f"{name}_RSA_PKCS_PSS", pkcs11.Mechanism.RSA_PKCS_PSS.name, hashed
        parameter = (pkcs11.Mechanism[name], pkcs11.MGF[name], scheme.salt)
    finish = encode_ecdsa_signature if algorithm == "ec" else bytes
    if whole in offered:
        return Means(mechanism=SIGNING[whole], prepare=bytes, finish=finish, parameter=parameter)
    if raw in offered:
        return Means(mechanism=SIGNING[raw], prepare=prepare, finish=finish, parameter=parameter)
    raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", f"{whole}, {raw}")


def check_signature(certificate: x509.Certificate, signature: bytes, data: bytes, scheme: Scheme) -> None:
    """Raises TokenError SIG_TOKEN_CERTIFICATE_MISMATCH unless the certificate's key made the signature."""
    algorithm = DIGESTS[scheme.digest]
    try:
        public = load_der_public_key(certificate.public_key.dump())
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, scheme.padding, algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ec.ECDSA(algorithm))
        else:
            raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", certificate.public_key.algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as cause:
        raise TokenError("SIG_TOKEN_CERTIFICATE_MISMATCH", sha256(certificate.dump()).hexdigest()[:16]) from cause


def _hashed(digest: str, data: bytes) -> bytes:
    state = hashes.Hash(DIGESTS[digest])
    state.update(data)
    return state.finalize()


def _digest_info(digest: str, data: bytes) -> bytes:
    """What CKM_RSA_PKCS pads: the DigestInfo of RFC 8017, 9.2."""
    algorithm = {"algorithm": digest, "parameters": core.Null()}
    encoded: bytes = algos.DigestInfo({"digest_algorithm": algorithm, "digest": _hashed(digest, data)}).dump()
    return encoded
