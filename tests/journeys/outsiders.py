"""Agencies elsewhere: packages as they bring them to the axis."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import aiohttp

from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import (
    Attachment,
    Business,
    BusinessType,
    DocumentPackage,
    DocumentType,
    Organization,
    OtherInfo,
    Package,
    Priority,
    ResponseFor,
    Signer,
    StaffInfo,
    StatusPackage,
    TraceHeader,
)
from lienthong.edxml.writer import write_package
from lienthong.tests.journeys.papers import NAMES, OUTSIDE
from lienthong.tests.journeys.province import Province

VIETNAM = timezone(timedelta(hours=7))


def organization(code: str) -> Organization:
    name = NAMES.get(code, f"Cơ quan {code}")
    return Organization(code=OrganCode.parse(code), name=name, address="Số 1 phố Mẫu")


def attachment(file: Path) -> Attachment:
    content = file.read_bytes()
    return Attachment(
        content_id=file.stem,
        name=file.name,
        content_type="application/pdf",
        path=file,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def letter(
    province: Province,
    number: str,
    *files: Path,
    to: tuple[str, ...],
    sender: str = OUTSIDE,
    business: Business | None = None,
    subject: str = "V/v thử nghiệm nhận văn bản",
) -> DocumentPackage:
    today = province.papers.today
    code = OrganCode.parse(sender)
    return DocumentPackage(
        sender=organization(sender),
        receivers=tuple(organization(one) for one in to),
        document_id=DocumentId.make(code, today, number, "UBND-VX"),
        code_number=number,
        code_notation="UBND-VX",
        promulgation_date=today,
        document_type=DocumentType(type=2, detail=18, name="Công văn"),
        subject=subject,
        content=subject,
        business=business or Business(type=BusinessType.NEW, reason="Văn bản điện tử mới", paper=False),
        signer=Signer(full_name="Nguyễn Thị Quỳnh Hương"),
        other=OtherInfo(priority=Priority.NORMAL),
        steering=0,
        traces=(TraceHeader(organ=code, timestamp=_now(province)),),
        attachments=tuple(attachment(file) for file in files),
    )


def status(province: Province, code: str, *, sender: str, of: str, number: str) -> StatusPackage:
    """A status of one of our documents, as a receiver sends it."""
    today = province.papers.today
    return StatusPackage(
        sender=organization(sender),
        response_for=ResponseFor(
            organ=OrganCode.parse(of),
            code=f"{number}/SKHCN-CĐS",
            document_id=DocumentId.make(OrganCode.parse(of), today, number, "SKHCN-CĐS"),
            promulgation_date=today,
        ),
        status_code=code,
        timestamp=_now(province),
        description=f"Trạng thái {code}",
        staff=StaffInfo(department="Văn thư", staff="Người Mẫu"),
    )


def _now(province: Province) -> datetime:
    return province.node.clock().astimezone(VIETNAM).replace(microsecond=0)


async def bring(province: Province, package: Package, folder: Path) -> dict[str, object]:
    """Hand the package to the axis, as its sender's node would."""
    path = folder / "brought.edxml"
    with path.open("wb") as sink:
        await asyncio.to_thread(write_package, package, sink)
    return await bring_bytes(province, path.read_bytes())


async def bring_bytes(province: Province, content: bytes) -> dict[str, object]:
    url = f"{province.emulator.control_url}/packages"
    async with aiohttp.ClientSession() as http, http.post(url, data=io.BytesIO(content)) as response:
        answer: dict[str, object] = await response.json()
        assert response.status == 200, answer
        return answer


async def redeliver(province: Province, receiver_doc_id: str) -> None:
    url = f"{province.emulator.control_url}/redeliver"
    async with aiohttp.ClientSession() as http, http.post(url, json={"receiver_doc_id": receiver_doc_id}) as response:
        assert response.status == 200, await response.text()
