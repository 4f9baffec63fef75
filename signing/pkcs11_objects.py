"""What stands on a token: keys, their certificates, the chain, the ways to sign. Reads through a session it is given.

Tokens differ: without login many show certificates only, some no public keys, VGCA cards no readable certificate.
Nothing is assumed; what is not seen stays ``None``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import pkcs11
from asn1crypto import core, keys, x509

from .tokens import TokenKey

BITS: Final = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 521}
ALGORITHMS: Final = {pkcs11.KeyType.RSA: "rsa", pkcs11.KeyType.EC: "ec"}
# The only mechanisms this house signs with.
SIGNING: Final = {
    mechanism.name: mechanism
    for mechanism in (
        pkcs11.Mechanism.RSA_PKCS,
        pkcs11.Mechanism.SHA256_RSA_PKCS,
        pkcs11.Mechanism.SHA384_RSA_PKCS,
        pkcs11.Mechanism.SHA512_RSA_PKCS,
        pkcs11.Mechanism.RSA_PKCS_PSS,
        pkcs11.Mechanism.SHA256_RSA_PKCS_PSS,
        pkcs11.Mechanism.SHA384_RSA_PKCS_PSS,
        pkcs11.Mechanism.SHA512_RSA_PKCS_PSS,
        pkcs11.Mechanism.ECDSA,
        pkcs11.Mechanism.ECDSA_SHA256,
        pkcs11.Mechanism.ECDSA_SHA384,
        pkcs11.Mechanism.ECDSA_SHA512,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One key or certificate object. ``public``: modulus or curve point, what makes two of them belong together."""

    label: str
    key_id: str
    algorithm: str
    bits: int
    public: bytes | None
    certificate: bytes | None = None
    authority: bool = False
    each_time: bool = False  # CKA_ALWAYS_AUTHENTICATE: the token wants the PIN for every signature

    def belongs_to(self, other: Found) -> bool:
        if self.public is not None and other.public is not None:
            return self.public == other.public
        return bool(self.key_id) and self.key_id == other.key_id and self.algorithm == other.algorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """All that was seen on one token, told apart."""

    private: tuple[Found, ...]
    public: tuple[Found, ...]
    certificates: tuple[Found, ...]

    @property
    def chain(self) -> tuple[bytes, ...]:
        return tuple(c.certificate for c in self.certificates if c.authority and c.certificate)

    def keys(self) -> tuple[TokenKey, ...]:
        """Private keys after login; before it, what public keys and certificates of holders let one expect."""
        own = self.private or self.public
        if own:
            return tuple(as_token_key(key, self.certificate_of(key)) for key in own)
        return tuple(as_token_key(leaf, leaf) for leaf in self.certificates if not leaf.authority)

    def certificate_of(self, key: Found) -> Found | None:
        whole = self.with_public_part(key)
        return next((c for c in self.certificates if not c.authority and c.belongs_to(whole)), None)

    def with_public_part(self, key: Found) -> Found:
        """A private EC key does not show its point; the public key object beside it does."""
        if key.public is not None:
            return key
        return next((p for p in self.public if key.key_id and p.key_id == key.key_id), key)


def read_holdings(session: pkcs11.Session) -> Holdings:
    """Everything visible in this session. Raises the library's errors; the caller translates them."""
    return Holdings(
        private=tuple(_keys(session, pkcs11.ObjectClass.PRIVATE_KEY)),
        public=tuple(_keys(session, pkcs11.ObjectClass.PUBLIC_KEY)),
        certificates=tuple(_certificates(session)),
    )


def signing_mechanisms(slot: pkcs11.Slot) -> tuple[str, ...]:
    """Of the mechanisms we could use, those that this token signs with, by name."""
    offered = slot.get_mechanisms()
    return tuple(name for name, mechanism in SIGNING.items() if mechanism in offered and _signs(slot, mechanism))


def private_key(session: pkcs11.Session, key: Found) -> Any:
    """The handle of this key in this session, or ``None``."""
    wanted: dict[pkcs11.Attribute, Any] = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
    if key.key_id:
        wanted[pkcs11.Attribute.ID] = bytes.fromhex(key.key_id)
    for handle in list(session.get_objects(wanted)):
        seen = _key(handle)
        if seen == key:
            return handle
    return None


def certificate_part(der: bytes, label: str = "", key_id: str = "") -> Found | None:
    """A certificate as something to compare keys with; ``None`` when it is none or its key of a foreign kind."""
    try:
        certificate = x509.Certificate.load(der, strict=True)
        algorithm, bits, public = _public_part(certificate.public_key)
        constraints = certificate.basic_constraints_value
    except (ValueError, TypeError, KeyError):
        return None  # VGCA cards keep it compressed: facts of signatures.md 9.2
    return Found(
        label=label,
        key_id=key_id,
        algorithm=algorithm,
        bits=bits,
        public=public,
        certificate=der,
        authority=bool(constraints and constraints["ca"].native),
    )


def as_token_key(key: Found, certificate: Found | None) -> TokenKey:
    der = certificate.certificate if certificate else None
    return TokenKey(
        label=key.label or (certificate.label if certificate else ""),
        key_id=key.key_id,
        algorithm=key.algorithm,
        bits=key.bits,
        certificate=der,
        sha256=sha256(der).hexdigest() if der else None,
    )


def _signs(slot: pkcs11.Slot, mechanism: pkcs11.Mechanism) -> bool:
    return bool(slot.get_mechanism_info(mechanism).flags & pkcs11.MechanismFlag.SIGN)


def _keys(session: pkcs11.Session, kind: pkcs11.ObjectClass) -> Iterable[Found]:
    found = [_key(handle) for handle in list(session.get_objects({pkcs11.Attribute.CLASS: kind}))]
    return (key for key in found if key is not None)


def _key(handle: Any) -> Found | None:
    algorithm = ALGORITHMS.get(_attribute(handle, pkcs11.Attribute.KEY_TYPE))
    if algorithm is None:
        return None
    public: bytes | None
    if algorithm == "rsa":
        modulus = _attribute(handle, pkcs11.Attribute.MODULUS) or b""
        public = modulus.lstrip(b"\0") or None
        bits = int.from_bytes(modulus, "big").bit_length()
    else:
        bits = BITS.get(_curve(_attribute(handle, pkcs11.Attribute.EC_PARAMS) or b""), 0)
        public = _point(_attribute(handle, pkcs11.Attribute.EC_POINT))
    return Found(
        label=_attribute(handle, pkcs11.Attribute.LABEL) or "",
        key_id=(_attribute(handle, pkcs11.Attribute.ID) or b"").hex(),
        algorithm=algorithm,
        bits=bits,
        public=public,
        each_time=bool(_attribute(handle, pkcs11.Attribute.ALWAYS_AUTHENTICATE)),
    )


def _certificates(session: pkcs11.Session) -> Iterable[Found]:
    for handle in list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE})):
        label = _attribute(handle, pkcs11.Attribute.LABEL) or ""
        key_id = (_attribute(handle, pkcs11.Attribute.ID) or b"").hex()
        part = certificate_part(_attribute(handle, pkcs11.Attribute.VALUE) or b"", label, key_id)
        if part is not None:
            yield part


def _attribute(handle: Any, attribute: pkcs11.Attribute) -> Any:
    try:
        return handle[attribute]
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive, pkcs11.FunctionFailed, ValueError):
        return None  # not every kind of object, and not every token, has it


def _public_part(info: keys.PublicKeyInfo) -> tuple[str, int, bytes]:
    if info.algorithm == "ec":
        return "ec", BITS.get(str(info.curve[1]), 0), bytes(info["public_key"])
    modulus = info["public_key"].parsed["modulus"].native
    size = modulus.bit_length()
    return "rsa", size, modulus.to_bytes((size + 7) // 8, "big")


def _curve(parameters: bytes) -> str:
    try:
        return str(keys.ECDomainParameters.load(parameters).chosen.native)
    except (ValueError, TypeError):
        return ""


def _point(value: bytes | None) -> bytes | None:
    """CKA_EC_POINT is a DER octet string (PKCS#11 2.40, 2.3.3); some modules give the bare point."""
    if not value:
        return None
    try:
        point: bytes = core.OctetString.load(value, strict=True).native
    except (ValueError, TypeError):
        return value
    return point
