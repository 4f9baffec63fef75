"""Packages of agencies of other places, as their own nodes bring them to the axis."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ...edxml.identifiers import DocumentId, OrganCode
from ...edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    OtherInfo,
    Priority,
    Signer,
    TraceHeader,
)
from ...gateway.cli.printing import VIETNAM
from .axis_desk import digest
from .people import Place


def document_package(
    files: Sequence[Path],
    *,
    sender: Place,
    to: Place,
    number: str,
    notation: str,
    subject: str,
    now: datetime,
) -> DocumentPackage:
    """A new công văn with its files, the main document first."""
    today = now.astimezone(VIETNAM).date()
    code = OrganCode.parse(sender.code)
    return DocumentPackage(
        sender=sender.organization,
        receivers=(to.organization,),
        document_id=DocumentId.make(code, today, number, notation),
        code_number=number,
        code_notation=notation,
        promulgation_date=today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=f"V/v {subject}",
        content=f"V/v {subject}",
        business=Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False),
        signer=Signer(full_name=sender.leader),
        other=OtherInfo(priority=Priority.NORMAL),
        steering=0,
        traces=(TraceHeader(organ=code, timestamp=now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=tuple(_attachment(file) for file in files),
    )


def _attachment(file: Path) -> Attachment:
    return Attachment(
        content_id=file.stem,
        name=file.name,
        content_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        path=file,
        size=file.stat().st_size,
        sha256=digest(file),
    )
