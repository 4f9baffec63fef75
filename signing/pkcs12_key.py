"""Keys in PKCS#12 files: a second key source for trial only.

A key in a file can be copied, so it is under nobody's sole control and signs nothing real (Nghị định 30/2020/NĐ-CP,
Điều 32.2.c asks for the holder's own device). Everything it signs carries the warning SIG_KEY_TRIAL_ONLY, and the
desk opens it only where the operator has allowed trial keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from .errors import SigningError
from .opened_key import TRIAL_PREFIX, KeyWish
from .pkcs11_means import DIGESTS, Scheme
from .tokens import PinState, TokenError, TokenInfo

if TYPE_CHECKING:
    from pyhanko.sign.signers.pdf_cms import Signer

TRIAL_SERIAL = "TEST"
LARGEST = 1_000_000  # bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialKey:
    certificate: x509.Certificate
    private_key: Any
    chain: tuple[x509.Certificate, ...] = ()
    trial: bool = True

    def signer(self) -> Signer:
        from .keys import SoftwareKey  # brings pyHanko

        der = self.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        private = keys.PrivateKeyInfo.load(der)
        return SoftwareKey(certificate=self.certificate, private_key=private, chain=self.chain).signer()

    def sign(self, data: bytes, digest: str = "sha256", salt: int | None = None) -> bytes:
        """PKCS#1 v1.5 (``salt``: PSS) or DER-encoded ECDSA."""
        if digest not in DIGESTS:
            raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", digest)
        algorithm = DIGESTS[digest]
        signature: bytes
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            signature = self.private_key.sign(data, Scheme(digest=digest, salt=salt).padding, algorithm)
        else:
            signature = self.private_key.sign(data, ec.ECDSA(algorithm))
        return signature


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialHolder:
    """``module``: ``pkcs12:PATH``. There is one key; its serial number is TEST."""

    module: str

    def tokens(self) -> tuple[TokenInfo, ...]:
        return (
            TokenInfo(
                module=self.module,
                slot=0,
                label=Path(self.module.removeprefix(TRIAL_PREFIX)).name,
                serial=TRIAL_SERIAL,
                manufacturer="TEST",
                model="PKCS#12",
                pin=PinState.OK,
                pin_min=0,
                pin_max=LARGEST,
            ),
        )

    def open(self, serial: str, pin: bytearray, wish: KeyWish) -> TrialKey:
        """Raises SigningError SIG_KEY_UNREADABLE, SIG_PIN_WRONG, SIG_TOKEN_KEY_MISSING."""
        del serial
        key = load_trial_key(Path(self.module.removeprefix(TRIAL_PREFIX)), bytes(pin))
        if wish.certificate_sha256 not in {None, key.certificate.sha256.hex()}:
            raise TokenError("SIG_TOKEN_KEY_MISSING", (wish.certificate_sha256 or "")[:16])
        return key

    def look(self) -> None:
        """What was read stays as it is."""

    def leave(self) -> None:
        """Nothing stays open."""


def load_trial_key(path: Path, password: bytes) -> TrialKey:
    """Read a PKCS#12 file. Raises SigningError SIG_KEY_UNREADABLE, SIG_PIN_WRONG, SIG_TOKEN_KEY_UNSUITABLE."""
    try:
        content = path.read_bytes()[: LARGEST + 1]
    except OSError as cause:
        raise SigningError("SIG_KEY_UNREADABLE", f"Không đọc được khóa ký {path.name}") from cause
    try:
        private, leaf, others = pkcs12.load_key_and_certificates(content, password)
    except ValueError as cause:
        if "password" in str(cause).lower():
            raise TokenError("SIG_PIN_WRONG", "tệp không đếm số lần") from cause
        raise SigningError("SIG_KEY_UNREADABLE", f"Không đọc được khóa ký {path.name}") from cause
    if leaf is None or not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TokenError("SIG_TOKEN_KEY_UNSUITABLE", path.name)
    return TrialKey(
        certificate=x509.Certificate.load(leaf.public_bytes(Encoding.DER)),
        private_key=private,
        chain=tuple(x509.Certificate.load(other.public_bytes(Encoding.DER)) for other in others),
    )
