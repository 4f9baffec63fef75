"""What accepting a submission writes: exchange, files, deliveries, number, message; all with the caller's transaction.

The rules that need the database (which agencies exist, which number is taken) are asked here; quick rules are in
intake.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ...edxml.identifiers import DocumentId
from ...edxml.model import BusinessType
from ...queue import outbox
from ...queue.port import Connection
from ..directory import Agency, Recipient, look_up
from ..errors import GatewayError, InputFault
from ..exchanges import Outward
from ..node import Node
from ..submissions import Accepted, Metadata, Origin, Submission
from ..tracing import traceparent
from .handover import lane_of, message
from .intake import VIETNAM, metadata_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The sender, the recipients by the key of the code that was asked, and every fault of the metadata at once."""

    agency: Agency
    found: dict[str, Recipient]
    faults: list[InputFault]


async def check(
    node: Node, conn: Connection, agency_id: UUID, metadata: Metadata, file_names: Sequence[str]
) -> Checked:
    """Raise AGENCY_UNKNOWN for a sender that is no active agency of the node."""
    today = node.clock().astimezone(VIETNAM).date()
    known = await look_up(node, conn, agency_id, metadata.recipients, on=today)
    faults = metadata_faults(metadata, agency=known.sender, found=known.found, today=today, file_names=file_names)
    return Checked(agency=known.sender, found=known.found, faults=faults)


async def refuse_taken_number(node: Node, conn: Connection, agency_id: UUID, metadata: Metadata) -> None:
    if metadata.number is None or metadata.business.type is BusinessType.UPDATE:  # it carries its document's number
        return
    twin = await node.db.queries.number_in_use(
        conn,
        agency_id=agency_id,
        book=metadata.book,
        year=metadata.promulgation_date.year,
        number=metadata.number,
        notation=metadata.notation,
    )
    if twin is not None:
        raise number_taken(metadata)


def number_taken(metadata: Metadata) -> GatewayError:
    # NĐ 30/2020/NĐ-CP Điều 15.1: số và ký hiệu là duy nhất trong một năm.
    return GatewayError(
        "NUMBER_TAKEN",
        f"Số {metadata.number}/{metadata.notation} năm {metadata.promulgation_date.year} đã có văn bản khác.",
        faults=[InputFault(code="NUMBER_TAKEN", place="/number", message="Số và ký hiệu đã dùng trong năm.")],
    )


async def insert(node: Node, conn: Connection, submission: Submission, checked: Checked) -> Accepted:
    metadata, agency = submission.metadata, checked.agency
    exchange_id = node.new_id()
    number = metadata.number or await _take_reservation(node, conn, submission.agency_id, metadata)
    document_id = metadata.document_id or DocumentId.make(
        agency.code, metadata.promulgation_date, number, metadata.notation
    )
    lane = lane_of(metadata.other.priority)
    trace = submission.traceparent or traceparent(None, node.new_id())
    payload = {"exchange_id": str(exchange_id)}
    said = [message(node, "lienthong.document.accepted.v1", exchange_id, payload, lane, trace=trace)]
    await node.db.queries.accept_document(
        conn,
        id=exchange_id,
        agency_id=agency.id,
        origin=Origin.PARTS,
        state=Outward.ACCEPTED,
        document_id=document_id.value,
        sender_code=agency.code.value,
        sender_name=agency.name,
        code_number=number,
        code_notation=metadata.notation,
        promulgation_date=metadata.promulgation_date,
        type_name=metadata.document_type.name,
        doc_subject=metadata.subject,
        priority=metadata.other.priority or 0,
        business_type=metadata.business.type,
        book=metadata.book,
        metadata=submission.raw_metadata,
        actor=submission.actor,
        traceparent=trace,
        messages=outbox.rows(said),
        **_files(node, submission),
        **_deliveries(node, submission, checked.found),
    )
    outbox.written(conn, said)
    if metadata.reservation is not None:
        await _bind_reservation(node, conn, agency.id, metadata.reservation, exchange_id)
    return Accepted(exchange_id=exchange_id, document_id=document_id.value, state=Outward.ACCEPTED)


async def _take_reservation(node: Node, conn: Connection, agency_id: UUID, metadata: Metadata) -> str:
    row = await node.db.queries.reservation_by_id(conn, id=metadata.reservation, agency_id=agency_id)
    same = row is not None and (row["book"], row["year"], row["notation"]) == (
        metadata.book,
        metadata.promulgation_date.year,
        metadata.notation,
    )
    if not same:
        raise GatewayError("RESERVATION_UNKNOWN", "Mã giữ số không có, hoặc khác sổ, năm hay ký hiệu với văn bản này.")
    if row["used_by"] is not None:
        raise _reservation_used()
    number: int = row["number"]
    return f"{number:02d}"  # NĐ 30/2020 Phụ lục I Phần I.II.3: số nhỏ hơn 10 viết thêm số 0


def _reservation_used() -> GatewayError:
    return GatewayError("RESERVATION_USED", "Số giữ trước này đã dùng cho văn bản khác.")


async def _bind_reservation(
    node: Node, conn: Connection, agency_id: UUID, reservation: UUID, exchange_id: UUID
) -> None:
    used = await node.db.queries.use_reservation(conn, id=reservation, agency_id=agency_id, exchange_id=exchange_id)
    if used is None:
        raise _reservation_used()


def _files(node: Node, submission: Submission) -> dict[str, list[object]]:
    files = submission.files
    return {
        "content_ids": [str(node.new_id()) for _ in files],
        "names": [file.name for file in files],
        "descriptions": [file.description for file in files],
        "content_types": [file.content_type for file in files],
        "digests": [file.sha256 for file in files],
        "sizes": [file.size for file in files],
    }


def _deliveries(node: Node, submission: Submission, found: dict[str, Recipient]) -> dict[str, list[object]]:
    recipients = [found[code.key] for code in submission.metadata.recipients]
    return {
        "delivery_ids": [node.new_id() for _ in recipients],
        "recipient_codes": [recipient.code.value for recipient in recipients],
        "recipient_names": [recipient.name for recipient in recipients],
        "axes": [recipient.axis for recipient in recipients],
    }
