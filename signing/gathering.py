"""Gathers, inside the worker, what the verdict on one file stands on. Knows pyHanko's signatures; see materials.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from asn1crypto import x509
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .checked import Checked
from .evidence import certificates_of, timestamp_tokens
from .materials import ANSWER, LIST, Material, certificate_material, timestamp_material
from .trust import TrustStore

MAX_CERTIFICATES: Final = 48


def gather(checked: Sequence[Checked], store: TrustStore) -> tuple[Material, ...]:
    """Certificates and timestamps of the signatures, and digests of the store's data that speak of them."""
    found: dict[str, Material] = {}
    seen: dict[str, x509.Certificate] = {}
    for one in checked:
        if one.certificate is None or not isinstance(one.embedded, EmbeddedPdfSignature):
            continue
        trusted = one.answers[2].code == "SIG_TRUST_OK"
        for certificate in certificates_of(one.embedded)[:MAX_CERTIFICATES]:
            digest = certificate.sha256.hex()
            seen[digest] = certificate
            if digest not in found or (trusted and not found[digest].trusted):
                found[digest] = certificate_material(certificate, trusted=trusted)
        for token in _tokens(one.embedded):
            found[token.sha256] = token
    return (*found.values(), *_of_the_store(list(seen.values()), store))


def _tokens(embedded: EmbeddedPdfSignature) -> Iterator[Material]:
    for token in timestamp_tokens(embedded):
        yield timestamp_material(token.dump())


def _of_the_store(certificates: Sequence[x509.Certificate], store: TrustStore) -> Iterator[Material]:
    judged = (*certificates, *store.intermediates)
    for listed in store.lists:
        if any(listed.covers(certificate) for certificate in judged):
            yield Material(kind=LIST, sha256=listed.sha256)
    for certificate in judged:
        content = store.answer(certificate.sha256.hex())
        if content is not None:
            yield Material(kind=ANSWER, sha256=hashlib.sha256(content).hexdigest(), holder=certificate.sha256.hex())
