"""The port for keys, and the key in a file. A token or an HSM slot stands behind the same port.

Leader and agency keys are used by their holders only (Nghị định 30/2020/NĐ-CP, Điều 32.2.c): software keys
belong to the demo and the tests, and nothing that serves loads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from asn1crypto import keys, pem, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pyhanko.sign.signers.pdf_cms import Signer, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from .errors import SigningError


class SigningKey(Protocol):
    """A key one may sign with; where it lives is its own business."""

    @property
    def certificate(self) -> x509.Certificate: ...

    def signer(self) -> Signer:
        """Return pyHanko's view of the key. Raises SigningError when it cannot be used now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareKey:
    """A private key held in memory: demo and tests only. ``chain``: sub-CAs that go into the signature."""

    certificate: x509.Certificate
    private_key: keys.PrivateKeyInfo
    chain: Sequence[x509.Certificate] = ()

    def signer(self) -> Signer:
        store = SimpleCertificateStore()
        store.register_multiple([self.certificate, *self.chain])
        return _ReadySigner(
            signing_cert=self.certificate,
            signing_key=self.private_key,
            cert_registry=store,
            embed_roots=False,
        )

    @classmethod
    def from_pem(cls, key: Path, certificate: Path, chain: Sequence[Path] = ()) -> SoftwareKey:
        """Read unencrypted PEM files. Raises SigningError SIG_KEY_UNREADABLE."""
        try:
            return cls(
                certificate=x509.Certificate.load(_der(certificate)),
                private_key=keys.PrivateKeyInfo.load(_der(key)),
                chain=tuple(x509.Certificate.load(_der(c)) for c in chain),
            )
        except (OSError, ValueError) as cause:
            raise SigningError("SIG_KEY_UNREADABLE", f"Không đọc được khóa ký {key.name}") from cause


class _ReadySigner(SimpleSigner):
    """PyHanko's loads and checks the private key at every signature, 30 ms of an RSA key's 31."""

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm)
        key = _loaded(self.signing_key.dump())
        if isinstance(key, RSAPrivateKey) and mechanism.signature_algo == "rsassa_pkcs1v15":
            return key.sign(data, PKCS1v15(), getattr(hashes, digest_algorithm.upper())())
        return super().sign_raw(data, digest_algorithm)


@lru_cache(maxsize=16)
def _loaded(der: bytes) -> PrivateKeyTypes:
    return load_der_private_key(der, password=None)


def _der(file: Path) -> bytes:
    content: bytes = pem.unarmor(file.read_bytes())[2]
    return content
