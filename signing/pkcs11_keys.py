"""A private key on a token as a ``SigningKey``: found by its certificate, signing by the means the token has.

The certificate may be missing on the token (VGCA cards keep it compressed); then it comes from a file or the registry
and is matched by its public key. Every signature is checked against the certificate before it is handed out: a wrong
certificate, a faulty chip or a replaced token shows here and not at the receiver.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from asn1crypto import x509

from .pkcs11_means import Means, Scheme, check_signature, means_for
from .pkcs11_objects import Found, certificate_part, private_key
from .pkcs11_session import Seat, TokenSession
from .tokens import TokenError

if TYPE_CHECKING:
    from pyhanko.sign.signers.pdf_cms import Signer

RSA_BITS: Final = range(2048, 4097)
EC_BITS: Final = (256, 384)


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

    def sign(self, data: bytes, digest: str = "sha256", salt: int | None = None) -> bytes:
        """PKCS#1 v1.5 (``salt`` in bytes: PSS) or DER-encoded ECDSA. Raises TokenError. Blocks for the token."""
        scheme = Scheme(digest=digest, salt=salt)
        means = means_for(self.found.algorithm, scheme, self.session.mechanisms)
        signature = means.finish(self.session.run(partial(self._raw, means=means, prepared=means.prepare(data))))
        check_signature(self.certificate, signature, data, scheme)
        return signature

    def _raw(self, seat: Seat, *, means: Means, prepared: bytes) -> bytes:
        handle = seat.handles.get(self.found.key_id + self.found.label)
        if handle is None:
            handle = private_key(seat.session, self.found)
            if handle is None:
                raise TokenError("SIG_TOKEN_KEY_MISSING", self.found.label)
            seat.handles[self.found.key_id + self.found.label] = handle
        raw: bytes = handle.sign(prepared, mechanism=means.mechanism, mechanism_param=means.parameter)
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
