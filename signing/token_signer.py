"""A token's key as pyHanko sees it. The token works on a thread of its own, so that no event loop waits for a chip."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

if TYPE_CHECKING:
    from .pkcs11_keys import TokenSigningKey

SIGNATURE_BYTES = 512  # RSA-4096; pyHanko asks for the size before it signs


class TokenSigner(Signer):
    """pyHanko's own PKCS#11 signer knows neither busy tokens nor lost ones nor keys without a certificate beside."""

    def __init__(self, key: TokenSigningKey) -> None:
        store = SimpleCertificateStore()
        store.register_multiple([key.certificate, *key.chain])
        super().__init__(signing_cert=key.certificate, cert_registry=store, embed_roots=False)
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - pyHanko's signature
        if dry_run:
            return bytes(SIGNATURE_BYTES)
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm)
        salt = mechanism["parameters"]["salt_length"].native if mechanism.signature_algo == "rsassa_pss" else None
        return await asyncio.to_thread(self._key.sign, data, digest_algorithm.lower(), salt)
