"""The signatures of a document in the order of signing, those that no library would open among them.

Adapter of pyHanko. A field whose value cannot be a signature must not cost the others their answers.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from .coverage import form_fault
from .difference import DOCUMENT_TIMESTAMP
from .document import Document, FormField, entry

SUBFILTERS: Final = ("/adbe.pkcs7.detached", "/ETSI.CAdES.detached")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenSignature:
    """Stands in for pyHanko's object. ``fault``: what the dictionary lacks; None when only its CMS is unreadable."""

    field_name: str
    signed_revision: int
    sig_object: Any
    fault: str | None
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    signatures: tuple[EmbeddedPdfSignature | BrokenSignature, ...]
    unsupported: tuple[str, ...]  # SubFilters of those that cannot be checked

    @property
    def last_revision(self) -> int:
        return max((signature.signed_revision for signature in self.signatures), default=0)

    @property
    def shared_values(self) -> frozenset[str]:
        """Names of fields whose signature value another field uses too."""
        opened = [signature for signature in self.signatures if isinstance(signature, EmbeddedPdfSignature)]
        values = Counter(signature.signer_info["signature"].native for signature in opened)
        return frozenset(s.field_name for s in opened if values[s.signer_info["signature"].native] > 1)


def list_signatures(document: Document) -> Listed:
    found: list[EmbeddedPdfSignature | BrokenSignature] = []
    unsupported = []
    for field in document.signed_fields:
        subfilter = str(entry(_value(field), "/SubFilter") or "")
        if subfilter in SUBFILTERS:
            found.append(_opened(document, field))
        elif subfilter != DOCUMENT_TIMESTAMP:
            unsupported.append(subfilter or "không rõ")
    return Listed(signatures=_in_order(found), unsupported=tuple(unsupported))


def _in_order(
    found: Sequence[EmbeddedPdfSignature | BrokenSignature],
) -> tuple[EmbeddedPdfSignature | BrokenSignature, ...]:
    return tuple(sorted(found, key=lambda signature: signature.signed_revision))


def _value(field: FormField) -> Any:
    try:
        return entry(field.node, "/V")
    except KeyError:  # a reference to nothing
        return None


def _opened(document: Document, field: FormField) -> EmbeddedPdfSignature | BrokenSignature:
    fault = form_fault(_value(field))
    if fault is not None:
        return _broken(document, field, fault, "")
    try:
        return EmbeddedPdfSignature(document.reader, field.node, field.name)
    except MemoryError:
        raise
    except Exception as cause:  # noqa: BLE001 - sandbox around the parser of the CMS: one signature of several
        return _broken(document, field, None, type(cause).__name__)


def _broken(document: Document, field: FormField, fault: str | None, cause: str) -> BrokenSignature:
    value = field.node.raw_get("/V")
    revision = 0
    if isinstance(value, generic.IndirectObject):
        with contextlib.suppress(KeyError):
            revision = document.reader.xrefs.get_last_change(value.reference)
    return BrokenSignature(
        field_name=field.name, signed_revision=revision, sig_object=_value(field), fault=fault, cause=cause
    )
