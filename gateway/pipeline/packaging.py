"""Packages of an outgoing document: one for each axis and batch of at most 100 recipients, written, read back, frozen.

The strict writer makes the bytes; the tolerant reader reads our own bytes back and must see the same package, before
the bytes are frozen with their SHA-256. Nothing here decides whether a document may go.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...edxml.identifiers import DocumentId, OrganCode
from ...edxml.model import Attachment, DocumentPackage, Organization, Package, TraceHeader
from ...edxml.profile import complete
from ...edxml.reader import Reading
from ...edxml.writer import WriteOptions
from ..directory import Agency
from ..envelopes import EnvelopeSigner
from ..errors import GatewayError
from ..files.layout import StoredFile
from ..node import Node
from ..submissions import Metadata
from .intake import VIETNAM
from .sealing import Target, write_and_read

BATCH: Final = 100  # recipients of one package (axis.md D9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    axis: str
    receivers: tuple[Organization, ...]


def batches(deliveries: Sequence[Any]) -> list[Batch]:
    """Recipients grouped by axis, in an order that does not change between runs, at most 100 each."""
    result: list[Batch] = []
    for axis in sorted({row["axis"] for row in deliveries}):
        rows = [row for row in deliveries if row["axis"] == axis]
        for start in range(0, len(rows), BATCH):
            receivers = tuple(
                # To/OrganAdd must be there for axes of the Bkav family (edxml.md 2.1); the name is all that is known.
                Organization(
                    code=OrganCode.parse(row["recipient_code"]),
                    name=row["recipient_name"],
                    address=row["recipient_name"],
                )
                for row in rows[start : start + BATCH]
            )
            result.append(Batch(axis=axis, receivers=receivers))
    return result


def sender_of(agency: Agency) -> Organization:
    return Organization(
        code=agency.code,
        name=agency.name,
        in_charge=agency.in_charge,
        address=agency.address,
        email=agency.email,
    )


def build(
    *,
    agency: Agency,
    exchange: Any,
    metadata: Metadata,
    batch: Batch,
    attachments: tuple[Attachment, ...],
    now: datetime,
) -> DocumentPackage:
    """The package's values. ``To`` lists exactly whom it is sent to; every recipient stands in ``ToPlaces``."""
    return DocumentPackage(
        sender=sender_of(agency),
        receivers=batch.receivers,
        document_id=DocumentId(exchange["document_id"]),
        code_number=exchange["code_number"],
        code_notation=exchange["code_notation"],
        promulgation_date=metadata.promulgation_date,
        document_type=metadata.document_type,
        subject=metadata.subject,
        content=metadata.content or metadata.subject,
        business=metadata.business,
        signer=metadata.signer,
        place=metadata.place,
        due_date=metadata.due_date,
        other=metadata.other,
        responses=metadata.responses,
        steering=metadata.steering,
        to_places=metadata.to_places,
        traces=(TraceHeader(organ=agency.code, timestamp=now.astimezone(VIETNAM).replace(microsecond=0)),),
        attachments=attachments,
    )


@asynccontextmanager
async def attachments_of(node: Node, agency_id: UUID, files: Sequence[Any]) -> AsyncIterator[tuple[Attachment, ...]]:
    """The files of a document, at hand for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        yield tuple(
            [
                Attachment(
                    content_id=row["content_id"],
                    name=row["name"],
                    content_type=row["content_type"],
                    path=await stack.enter_async_context(node.files.at_hand(agency_id, row["sha256"])),
                    size=row["size"],
                    sha256=row["sha256"],
                    description=row["description"],
                )
                for row in files
            ]
        )


async def freeze(node: Node, agency_id: UUID, package: Package, *, axis: str, scratch: str) -> StoredFile:
    """Write, read back, compare, store durably. The frozen bytes go at every attempt."""
    signed = any(one.name == axis and one.sign_envelopes for one in node.settings.axes)
    with scratch_folder(node.scratch / scratch) as folder:
        file = folder / "package.edxml"
        reading = await _write_and_compare(package, file, node, node.signer if signed else None)
        return await node.files.adopt(agency_id, file, known=reading.sha256)


async def _write_and_compare(package: Package, file: Path, node: Node, signer: EnvelopeSigner | None) -> Reading:
    today = node.clock().astimezone(VIETNAM).date()
    target = Target(
        file=file,
        folder=file.parent,
        options=WriteOptions(today=today, wrap_in=file.parent),
        limits=node.settings.limits,
    )
    reading = await write_and_read(package, target, signer)
    if _comparable(reading.package) != _comparable(complete(package)):
        raise GatewayError("PACKAGE_DIFFERS", "Gói tin đọc lại khác với văn bản đã đóng gói; không gửi.")
    return reading


def _comparable(package: Package) -> Package:
    """The same package but for where its attachments lie on this machine and which MIME name they were given."""
    if not isinstance(package, DocumentPackage):
        return package
    nowhere = Path()
    return replace(package, attachments=tuple(replace(a, path=nowhere, content_type="") for a in package.attachments))


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """An empty folder of this piece of work, gone afterwards; a crash's remains are emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
