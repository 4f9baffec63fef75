"""Certificates and revocation data that the file itself carries (DSS, Adobe's attribute). Adapter of pyHanko.

What cannot be parsed is left out: the verdict then lacks revocation data and says so; it is never better for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import MultivaluedAttributeError, NonexistentAttributeError, find_unique_cms_attribute
from pyhanko.sign.validation import generic_cms
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .certificate_memory import parsed_once
from .document import entry
from .paths import Evidence
from .request import VerificationRequest
from .trust import TrustStore

MAX_ITEMS: Final = 64
T = TypeVar("T")


def file_evidence(reader: PdfFileReader, store: TrustStore, request: VerificationRequest) -> Evidence:
    dss = entry(reader.root, "/DSS")
    if not isinstance(dss, generic.DictionaryObject):
        return Evidence(store=store, now=request.now)
    known = {item.dump() for item in (*store.roots, *store.intermediates, *store.crls)}
    return Evidence(
        store=store,
        now=request.now,
        certificates=tuple(_parsed(dss, "/Certs", known, parsed_once, lambda c: c.subject.hashable)),
        crls=tuple(c for c in _parsed(dss, "/CRLs", known, crl.CertificateList.load, _own_list) if _own_list(c)),
        ocsps=tuple(_parsed(dss, "/OCSPs", known, ocsp.OCSPResponse.load, lambda o: o.response_data.native)),
    )


def with_embedded(evidence: Evidence, signer_info: cms.SignerInfo) -> Evidence:
    """Add the revocation data of Adobe's signed attribute (adbe.pkcs7.detached with LTV)."""
    try:
        archived = find_unique_cms_attribute(signer_info["signed_attrs"], "adobe_revocation_info_archival")
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return evidence
    return replace(
        evidence,
        crls=(*evidence.crls, *list(archived["crl"] or ())[:MAX_ITEMS]),
        ocsps=(*evidence.ocsps, *list(archived["ocsp"] or ())[:MAX_ITEMS]),
    )


def certificates_of(embedded: EmbeddedPdfSignature) -> tuple[x509.Certificate, ...]:
    """Certificates that a signature brings: the signer's, those beside it, those of its timestamp."""
    stamps = [c for data in timestamp_tokens(embedded) for c in (data["certificates"] or ())]
    named = [choice.chosen for choice in stamps[:MAX_ITEMS] if choice.name == "certificate"]
    return (embedded.signer_cert, *list(embedded.other_embedded_certs)[:MAX_ITEMS], *named)


def timestamp_tokens(embedded: EmbeddedPdfSignature) -> list[cms.SignedData]:
    return list(generic_cms.extract_tst_data_iter(embedded.signer_info, signed=False))[:MAX_ITEMS]


def with_answers(evidence: Evidence, certificates: Iterable[x509.Certificate]) -> Evidence:
    """Add the OCSP answers that the store holds for these certificates and for its own sub-CAs."""
    digests = {c.sha256.hex() for c in (*certificates, *evidence.store.intermediates)}
    held = [content for digest in sorted(digests) if (content := evidence.store.answer(digest)) is not None]
    return replace(evidence, ocsps=(*evidence.ocsps, *(ocsp.OCSPResponse.load(content) for content in held)))


def _own_list(listed: crl.CertificateList) -> bool:
    """An indirect list speaks for other authorities than its own: it is left out, as in the store."""
    _ = listed.issuer.hashable
    point = listed.issuing_distribution_point_value
    return not (point is not None and point["indirect_crl"].native)


def _parsed(
    dss: generic.DictionaryObject,
    key: str,
    known: set[bytes],
    load: Callable[[bytes], T],
    touch: Callable[[T], Any],
) -> Iterator[T]:
    """What the store does not hold already: everything twice would be compared twice."""
    items = entry(dss, key)
    if not isinstance(items, generic.ArrayObject):
        return
    for item in list(items)[:MAX_ITEMS]:
        stream = item.get_object()
        if not isinstance(stream, generic.StreamObject) or stream.data in known:
            continue
        try:
            value = load(stream.data)
            touch(value)  # asn1crypto parses lazily
        except (ValueError, TypeError, KeyError):
            continue
        yield value
