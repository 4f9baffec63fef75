"""The ports of a token's process: a key its holder has opened, and the one who can open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from .tokens import TokenInfo

if TYPE_CHECKING:
    from asn1crypto import x509
    from pyhanko.sign.signers.pdf_cms import Signer

TRIAL_PREFIX: Final = "pkcs12:"


class OpenedKey(Protocol):
    """What ``keys.SigningKey`` asks, the chain, and the bare signature."""

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]: ...

    @property
    def trial(self) -> bool:
        """Whether nothing it signs may be taken for real."""
        ...

    def signer(self) -> Signer: ...

    def sign(self, data: bytes, digest: str = "sha256", salt: int | None = None) -> bytes:
        """PKCS#1 v1.5 (``salt`` in bytes: PSS) or DER-encoded ECDSA. Raises SigningError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """Which key: by its certificate's SHA-256 or by label. ``certificate``, ``chain``: DER, when the token has none."""

    certificate_sha256: str | None = None
    label: str | None = None
    certificate: bytes | None = None
    chain: tuple[bytes, ...] = ()


class KeyHolder(Protocol):
    """A token behind a module, or a PKCS#12 file."""

    def tokens(self) -> tuple[TokenInfo, ...]: ...

    def open(self, serial: str, pin: bytearray, wish: KeyWish) -> OpenedKey: ...

    def look(self) -> None:
        """Whether what was opened is still so. Raises TokenError."""
        ...

    def leave(self) -> None:
        """Log out; harmless when nothing is open."""
        ...
