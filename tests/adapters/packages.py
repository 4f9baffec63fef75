"""Small real packages for the tests of the axes, written by the project's own writer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from lienthong.adapters.axis import MessageKind, OutgoingPackage
from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    Package,
    ResponseFor,
    Signer,
    StaffInfo,
    StatusPackage,
    TraceHeader,
)
from lienthong.edxml.writer import write_package

OURS = "000.00.01.H99"
OUR_OTHER = "000.00.02.H99"
THEIRS = "000.00.00.H98"
MINISTRY = "000.00.00.G99"
SIGNED_ON = date(2026, 3, 2)


def document(
    folder: Path,
    *,
    number: str = "12",
    sender: str = OURS,
    receivers: tuple[str, ...] = (THEIRS,),
    content: bytes = b"%PDF-1.7 thu nghiem",
    kind: BusinessType = BusinessType.NEW,
) -> DocumentPackage:
    """A công văn with one attachment (its bytes are no real PDF: nothing here looks into it)."""
    file = folder / f"cong-van-{number}-{hashlib.sha256(content).hexdigest()[:8]}.pdf"
    file.write_bytes(content)
    document_id = DocumentId.make(OrganCode(sender), SIGNED_ON, number, "STN-VP")
    return DocumentPackage(
        sender=Organization(code=OrganCode(sender), name="Sở Thử nghiệm"),
        receivers=tuple(Organization(code=OrganCode(code), name=f"Cơ quan {code}") for code in receivers),
        document_id=document_id,
        code_number=number,
        code_notation="STN-VP",
        promulgation_date=SIGNED_ON,
        document_type=DocumentType(type=2, detail=20, name="Công văn"),
        subject="V/v kiểm thử liên thông",
        business=Business(
            type=kind,
            reason="Văn bản điện tử mới" if kind is BusinessType.NEW else "Văn bản có sai sót",
            document_id=None if kind is BusinessType.NEW else document_id,
            staff=StaffInfo(department="Văn thư", staff="Trần Thị Mẫu"),
        ),
        signer=Signer(position="Giám đốc", full_name="Nguyễn Văn Mẫu"),
        place="Mẫu",
        traces=(TraceHeader(organ=OrganCode(sender), timestamp=datetime(2026, 3, 2, 1, 0, tzinfo=UTC)),),
        attachments=(
            Attachment(
                content_id=f"tep-{number}",
                name="cong-van.pdf",
                content_type="application/pdf",
                path=file,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            ),
        ),
    )


def status(
    code: str = "01", *, sender: str = THEIRS, receiver: str = OURS, number: str = "12", description: str = "Đã đến"
) -> StatusPackage:
    """The status of ``sender`` about the document that ``receiver`` had sent."""
    return StatusPackage(
        sender=Organization(code=OrganCode(sender), name="Cơ quan trả lời"),
        response_for=ResponseFor(
            organ=OrganCode(receiver),
            code=f"{number}/STN-VP",
            document_id=DocumentId.make(OrganCode(receiver), SIGNED_ON, number, "STN-VP"),
            promulgation_date=SIGNED_ON,
        ),
        status_code=code,
        timestamp=datetime(2026, 3, 2, 3, 0, tzinfo=UTC),
        description=description,
        staff=StaffInfo(department="Văn thư", staff="Lê Văn Mẫu"),
    )


def with_status_code(path: Path, code: str, into: Path) -> Path:
    """The status 01 of ``path`` with another code, as careless peers write it; our writer refuses to."""
    into.write_bytes(path.read_bytes().replace(b"StatusCode>01<", f"StatusCode>{code}<".encode()))
    return into


def resized(package: OutgoingPackage, path: Path) -> OutgoingPackage:
    """The same package with the bytes of another file."""
    content = path.read_bytes()
    return replace(package, path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def frozen(package: Package, path: Path) -> OutgoingPackage:
    """Write the package to ``path`` and say what goes out."""
    with path.open("xb") as sink:
        written = write_package(package, sink)
    if isinstance(package, DocumentPackage):
        return OutgoingPackage(
            kind=MessageKind.DOCUMENT,
            path=path,
            size=written.size,
            sha256=written.sha256,
            sender_code=package.sender.code.value,
            receiver_codes=tuple(organ.code.value for organ in package.receivers),
            document_id=package.document_id.value,
            notation=f"{package.code_number}/{package.code_notation}",
            subject=package.subject,
        )
    answered = package.response_for
    assert answered.organ
    assert answered.document_id
    return OutgoingPackage(
        kind=MessageKind.STATUS,
        path=path,
        size=written.size,
        sha256=written.sha256,
        sender_code=package.sender.code.value,
        receiver_codes=(answered.organ.value,),
        document_id=answered.document_id.value,
        notation=answered.code,
    )
