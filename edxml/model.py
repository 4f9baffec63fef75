"""Values of an edXML package (QCVN 102:2016/BTTTT with Sửa đổi 1:2022). No I/O, no wire spelling.

Absent stays absent: ``None`` means that the element was missing or empty; nothing is defaulted here.
Names on the wire (``Bussiness…``) live in dialects.py only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path

from .identifiers import DocumentId, OrganCode


class BusinessType(IntEnum):
    """BussinessDocType: what the package does (edxml.md 7.3)."""

    NEW = 0  # văn bản mới
    RECALL = 1  # thu hồi
    UPDATE = 2  # cập nhật
    REPLACE = 3  # thay thế


class Priority(IntEnum):
    """Độ khẩn (edxml.md 7.2)."""

    NORMAL = 0  # Thường
    URGENT = 1  # Khẩn
    VERY_URGENT = 2  # Thượng khẩn
    EXPRESS = 3  # Hỏa tốc
    EXPRESS_TIMED = 4  # Hỏa tốc hẹn giờ


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Cơ quan gửi hoặc nhận (group of From and To)."""

    code: OrganCode
    name: str | None = None  # OrganName
    in_charge: str | None = None  # OrganizationInCharge: name of the parent organisation
    address: str | None = None
    email: str | None = None
    telephone: str | None = None
    fax: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """Loại văn bản; only ``name`` is trustworthy (edxml.md 7.1)."""

    type: int | None = None  # 1 quy phạm pháp luật, 2 hành chính
    detail: int | None = None  # number in list A or B of SĐ1:2022
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    competence: str | None = None  # TM., KT., TL., TUQ. …
    position: str | None = None
    full_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInfo:
    priority: Priority | None = None
    sphere: str | None = None
    typist_notation: str | None = None
    copies: int | None = None  # PromulgationAmount
    pages: int | None = None  # PageAmount
    direction: bool | None = None
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFor:
    """The document that is answered; in a status package ``organ`` is the addressee (edxml.md 4)."""

    organ: OrganCode | None = None
    code: str | None = None  # số và ký hiệu together
    document_id: DocumentId | None = None
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInfo:
    department: str | None = None
    staff: str | None = None
    email: str | None = None
    mobile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverChange:
    organ: OrganCode
    added: bool  # ReceiverType 1 = thêm mới, 0 = bỏ khỏi


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInfo:
    """BussinessDocumentInfo, update packages only."""

    document_changed: bool
    receivers_changed: bool
    receivers: tuple[ReceiverChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """ReplacementInfo, replace packages only: the replaced document and for whom."""

    document_id: DocumentId
    organs: tuple[OrganCode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    type: BusinessType
    reason: str | None = None
    document_id: DocumentId | None = None  # target of recall and update
    paper: bool | None = None
    update: UpdateInfo | None = None
    replacements: tuple[Replacement, ...] = ()
    staff: StaffInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
    organ: OrganCode | None  # the axis sometimes writes none
    timestamp: datetime | None  # aware, +07:00


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file of the package. The content lies in ``path``: unwrapped, decoded bytes, never held in memory."""

    content_id: str  # without "cid:"
    name: str  # original file name
    content_type: str  # MIME; for a read package decided by magic bytes and extension
    path: Path
    size: int  # bytes
    sha256: str  # lower-case hex of the unwrapped bytes
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPackage:
    """messagetype=edoc: a new, recall, update or replace package."""

    sender: Organization  # From
    receivers: tuple[Organization, ...]  # To, at least one
    document_id: DocumentId
    code_number: str | None
    code_notation: str | None
    promulgation_date: date | None
    document_type: DocumentType
    subject: str | None
    business: Business
    signer: Signer = Signer()
    place: str | None = None
    content: str | None = None
    due_date: date | None = None
    other: OtherInfo = OtherInfo()
    responses: tuple[ResponseFor, ...] = ()
    steering: int | None = None  # 0 không, 1 chỉ đạo, 2 báo cáo chỉ đạo
    to_places: tuple[str, ...] = ()
    traces: tuple[TraceHeader, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPackage:
    """messagetype=status: one status of one receiver (edxml.md 4)."""

    sender: Organization
    response_for: ResponseFor
    status_code: str  # two digits, zero-padded; unknown codes are kept
    timestamp: datetime | None  # aware, +07:00
    description: str | None = None
    staff: StaffInfo | None = None


Package = DocumentPackage | StatusPackage
