"""Certificates and revocation data that the file itself carries (DSS, Adobe's attribute). Adapter of pyHanko.

What cannot be parsed is left out: the verdict then lacks revocation data and says so; it is never better for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import MultivaluedAttributeError, NonexistentAttributeError, find_unique_cms_attribute

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
        certificates=tuple(_parsed(dss, "/Certs", known, x509.Certificate.load, lambda c: c.subject.hashable)),
        crls=tuple(_parsed(dss, "/CRLs", known, crl.CertificateList.load, lambda c: c.issuer.hashable)),
        ocsps=tuple(_parsed(dss, "/OCSPs", known, ocsp.OCSPResponse.load, lambda o: o.response_data.native)),
    )


def with_embedded(evidence: Evidence, signer_info: cms.SignerInfo) -> Evidence:
    """Add the revocation data of Adobe's signed attribute (adbe.pkcs7.detached with LTV)."""
    try:
        archived = find_unique_cms_attribute(signer_info["signed_attrs"], "adobe_revocation_info_archival")
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return evidence
    return Evidence(
        store=evidence.store,
        now=evidence.now,
        certificates=evidence.certificates,
        crls=(*evidence.crls, *list(archived["crl"] or ())[:MAX_ITEMS]),
        ocsps=(*evidence.ocsps, *list(archived["ocsp"] or ())[:MAX_ITEMS]),
    )


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
