"""A private key on a token as a ``SigningKey``: found by its certificate, signing by the means the token has.

The certificate may be missing on the token (VGCA cards keep it compressed); then it comes from a file or the registry
and is matched by its public key. Every signature is checked against the certificate before it is handed out: a wrong
certificate, a faulty chip or a replaced token shows here and not at the receiver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pkcs11
from asn1crypto import algos, core, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11.util.ec import encode_ecdsa_signature

from .pkcs11 import Seat, TokenSession
from .pkcs11_objects import SIGNING, Found, certificate_part, private_key
from .tokens import TokenError

if TYPE_CHECKING:
    from pyhanko.sign.signers.pdf_cms import Signer

DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
RSA_BITS: Final = range(2048, 4097)
EC_BITS: Final = (256, 384)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How this token signs with this digest: a mechanism, and what must be done to the data before it."""

    mechanism: pkcs11.Mechanism
    prepare: Callable[[bytes], bytes]
    finish: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenSigningKey:
    """``chain``: CA certificates that go into the signature."""

    session: TokenSession
    found: Found
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    trial: bool = False

    def signer(self) -> Signer:
        from .token_signer import TokenSigner  # pyHanko is heavy, and listing tokens does not need it

        self.session.refuse_when_over()
        return TokenSigner(self)

    def sign(self, data: bytes, digest: str = "sha256") -> bytes:
        """PKCS#1 v1.5 or DER-encoded ECDSA over ``data``. Raises TokenError. Blocks while the token works."""
        means = means_for(self.found.algorithm, digest, self.session.mechanisms)
        signature = means.finish(self.session.run(partial(self._raw, means=means, prepared=means.prepare(data))))
        check_signature(self.certificate, signature, data, digest)
        return signature

    def _raw(self, seat: Seat, *, means: Means, prepared: bytes) -> bytes:
        handle = seat.handles.get(self.found.key_id + self.found.label)
        if handle is None:
            handle = private_key(seat.session, self.found)
            if handle is None:
                raise TokenError("SIG_TOKEN_KEY_MISSING", self.found.label)
            seat.handles[self.found.key_id + self.found.label] = handle
        raw: bytes = handle.sign(prepared, mechanism=means.mechanism)
        return raw


def key_of(
    session: TokenSession,
    *,
    certificate_sha256: str | None = None,
    label: str | None = None,
    certificate: bytes | None = None,
    chain: tuple[bytes, ...] = (),
) -> TokenSigningKey:
    """The key chosen by its certificate's SHA-256 or by label. ``certificate``: DER, when the token shows none.

    Raises TokenError SIG_TOKEN_KEY_MISSING, _KEY_UNSUITABLE, _CERTIFICATE_MISSING, _CERTIFICATE_MISMATCH.
    """
    given = _given(certificate, certificate_sha256)
    for key in session.holdings.private:
        whole = session.holdings.with_public_part(key)
        own = session.holdings.certificate_of(key)
        if _chosen(whole, own, given, certificate_sha256, label):
            leaf = given or own
            if leaf is None or leaf.certificate is None:
                raise TokenError("SIG_TOKEN_CERTIFICATE_MISSING", key.label)
            _refuse_unsuitable(key)
            return TokenSigningKey(
                session=session,
                found=key,
                certificate=x509.Certificate.load(leaf.certificate),
                chain=tuple(x509.Certificate.load(der) for der in (*session.holdings.chain, *chain)),
            )
    if given is None and any(session.holdings.certificate_of(key) is None for key in session.holdings.private):
        raise TokenError("SIG_TOKEN_CERTIFICATE_MISSING", label or "")  # the wanted one may be among these
    raise TokenError("SIG_TOKEN_KEY_MISSING", label or (certificate_sha256 or "")[:16])


def means_for(algorithm: str, digest: str, offered: tuple[str, ...]) -> Means:
    """What this token can do: hash and sign itself, else sign what we hashed (Debian's SoftHSM has raw ECDSA only)."""
    if digest not in DIGESTS:
        raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", digest)
    whole, raw, prepare = {
        "rsa": (f"{digest.upper()}_RSA_PKCS", "RSA_PKCS", partial(_digest_info, digest)),
        "ec": (f"ECDSA_{digest.upper()}", "ECDSA", partial(_hashed, digest)),
    }[algorithm]
    finish = encode_ecdsa_signature if algorithm == "ec" else bytes
    if whole in offered:
        return Means(mechanism=SIGNING[whole], prepare=bytes, finish=finish)
    if raw in offered:
        return Means(mechanism=SIGNING[raw], prepare=prepare, finish=finish)
    raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", f"{whole}, {raw}")


def check_signature(certificate: x509.Certificate, signature: bytes, data: bytes, digest: str) -> None:
    """Raises TokenError SIG_TOKEN_CERTIFICATE_MISMATCH unless the certificate's key made the signature."""
    algorithm = DIGESTS[digest]
    try:
        public = load_der_public_key(certificate.public_key.dump())
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, data, ec.ECDSA(algorithm))
        else:
            raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", certificate.public_key.algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as cause:
        raise TokenError("SIG_TOKEN_CERTIFICATE_MISMATCH", sha256(certificate.dump()).hexdigest()[:16]) from cause


def _given(certificate: bytes | None, fingerprint: str | None) -> Found | None:
    if certificate is None:
        return None
    part = certificate_part(certificate)
    if part is None or (fingerprint and sha256(certificate).hexdigest() != fingerprint):
        raise TokenError("SIG_TOKEN_CERTIFICATE_MISMATCH", (fingerprint or "")[:16])
    return part


def _chosen(key: Found, own: Found | None, given: Found | None, fingerprint: str | None, label: str | None) -> bool:
    if label is not None and label not in {key.label, own.label if own else None}:
        return False
    if given is not None:
        if key.public is not None:
            return key.public == given.public
        return (key.algorithm, key.bits) == (given.algorithm, given.bits)  # proven by the first signature
    if fingerprint is None:
        return True
    return own is not None and sha256(own.certificate or b"").hexdigest() == fingerprint


def _refuse_unsuitable(key: Found) -> None:
    if key.bits not in (RSA_BITS if key.algorithm == "rsa" else EC_BITS):
        raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", f"{key.algorithm} {key.bits} bit")
    if key.each_time:
        raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", "thiết bị đòi mã PIN cho từng chữ ký")


def _hashed(digest: str, data: bytes) -> bytes:
    state = hashes.Hash(DIGESTS[digest])
    state.update(data)
    return state.finalize()


def _digest_info(digest: str, data: bytes) -> bytes:
    """What CKM_RSA_PKCS pads: the DigestInfo of RFC 8017, 9.2."""
    algorithm = {"algorithm": digest, "parameters": core.Null()}
    encoded: bytes = algos.DigestInfo({"digest_algorithm": algorithm, "digest": _hashed(digest, data)}).dump()
    return encoded
