"""What an eOffice submits: values only, already well-formed. Rules about them live in pipeline/ and policies/."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ..edxml.identifiers import DocumentId, OrganCode
from ..edxml.model import Business, DocumentType, OtherInfo, ResponseFor, Signer


class Origin(StrEnum):
    """How a document came in."""

    PARTS = "parts"  # metadata and files; the node writes the envelope
    ENVELOPE = "envelope"  # a finished package; bytes kept, From and To never changed
    AXIS = "axis"  # from an axis (inward)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata part of a submission (NĐ 30/2020 Phụ lục VI Phần II, QCVN 102:2016)."""

    recipients: tuple[OrganCode, ...]  # at least one; any code of the agency
    notation: str  # ký hiệu, without the number and slash
    promulgation_date: date
    document_type: DocumentType
    subject: str
    signer: Signer
    business: Business
    number: str | None = None  # số, brought by the document that is already signed
    reservation: UUID | None = None  # or: the number that the node reserved before signing
    document_id: DocumentId | None = None  # made by the node when absent
    secrecy: str = "thường"  # any other value is refused before a file byte is stored (QĐ 28/2018 Điều 1.2)
    place: str | None = None
    content: str | None = None
    due_date: date | None = None
    other: OtherInfo = OtherInfo()
    responses: tuple[ResponseFor, ...] = ()
    steering: int = 0
    to_places: tuple[str, ...] = ()
    book: str = "van-ban-di"  # the register the document is entered in
    keeper: str | None = None  # đơn vị, người nhận bản lưu
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedFile:
    """A file that the file store already holds durably for the agency. The first is the main document."""

    name: str
    content_type: str
    sha256: str
    size: int
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    agency_id: UUID
    metadata: Metadata
    raw_metadata: dict[str, object]  # canonical JSON of the metadata, kept with the exchange
    files: tuple[SubmittedFile, ...]
    actor: str  # who posted: "api:<key prefix>"
    traceparent: str | None = None  # the caller's trace (tracing.py); None begins one


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    exchange_id: UUID
    document_id: str
    state: str
    warnings: tuple[str, ...] = ()
