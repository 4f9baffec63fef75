"""What becomes of an incoming document for each of our agencies: new, duplicate, in conflict, held or delivered.

The rules, in this order (DESIGN.md, section 2; registers.md C1; edxml.md row 28):
recalled before it came: recalled at once; same business key: a duplicate, nothing happens twice; same key but other
content: held when it is a new document, a further package when it recalls, updates or replaces; signatures or files
that say no: held with 02 proposed; signatures that are merely missing: delivered as "chỉ tham khảo" unless the receiver
is strict; all well: delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from ...edxml.findings import Severity
from ...edxml.model import BusinessType, DocumentPackage
from ...edxml.reader import Reading
from ...queue.port import Connection
from ...signing.report import LegalValue, Overall
from .. import evidence
from ..directory import Agency
from ..exchanges import Incoming, Inward, Subject
from ..node import Node
from ..submissions import Origin
from .answers import due
from .duplicates import findings_of, had_already
from .examination import Examination, Rules
from .holding import hold_incoming, hold_inward, tell
from .moves import NODE, move_incoming
from .recalls import BEFORE_IT_CAME, asked_by_document, came_before, recall_on_arrival

VALID: Final = "Hợp lệ"
REFERENCE: Final = "Chỉ tham khảo"
UNCHECKED: Final = "Chưa kiểm tra chữ ký"
_BY_TYPE: Final = {
    BusinessType.RECALL: "Thu hồi",
    BusinessType.UPDATE: "Cập nhật",
    BusinessType.REPLACE: "Thay thế",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What examine found out about one received package."""

    incoming: Any  # its row
    reading: Reading
    package: DocumentPackage
    examination: Examination
    rules: Rules
    traceparent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Delivered under a label, or held for a reason."""

    label: str
    code: str | None = None
    reason: str | None = None
    proposal: str | None = None

    @property
    def held(self) -> bool:
        return self.code is not None


def decide(reading: Reading, examination: Examination, *, strict: bool) -> Decision:
    """What the content says, before duplicates are looked for."""
    errors = [finding for finding in reading.findings if finding.severity is Severity.ERROR]
    if errors:
        return Decision(label="Giữ lại", code=errors[0].code, reason=errors[0].message, proposal="02")
    return decide_by_files(examination, strict=strict)


def decide_by_files(examination: Examination, *, strict: bool) -> Decision:
    """What the files alone say: all that is asked again when a document waited for revocation data."""
    if examination.faults:
        fault = examination.faults[0]
        return Decision(label="Giữ lại", code=fault.code, reason=fault.message, proposal="02")
    if not examination.checked:
        return Decision(label=UNCHECKED)
    if examination.overall is Overall.VALID:
        return Decision(label=VALID)
    if examination.overall is Overall.NOT_APPLICABLE:
        return Decision(label=REFERENCE)  # no PDF at all: a data message, for reference (QĐ 28/2018 Điều 4.2)
    worst = examination.worst
    code = (worst.reason_code if worst else None) or "SIG_UNDETERMINED"
    reason = (worst.reason if worst else None) or "Chưa xác định được chữ ký."
    if examination.only_signatures_missing and not strict:
        return Decision(label=REFERENCE)
    proposal = "02" if examination.overall is Overall.INVALID else None
    return Decision(label="Giữ lại", code=code, reason=reason, proposal=proposal)


async def deliver(node: Node, conn: Connection, arrival: Arrival, agencies: Sequence[Agency]) -> None:
    """Give the document to each of our agencies named in ``To``; all in the transaction of the caller."""
    findings = findings_of(arrival.reading)
    if not agencies:
        codes = ", ".join(receiver.code.value for receiver in arrival.package.receivers)
        reason = f"Không có đơn vị nào của nút trong danh sách nhận ({codes})."
        await hold_incoming(
            node,
            conn,
            arrival.incoming["id"],
            Incoming.RECEIVED,
            code="NOT_FOR_US",
            reason=reason,
            proposal="02",
            findings=findings,
        )
        return
    decision = decide(arrival.reading, arrival.examination, strict=arrival.rules.strict)
    new = [await _deliver_to(node, conn, arrival, agency, decision) for agency in agencies]
    if not any(new):
        await had_already(node, conn, arrival.incoming, arrival.reading)
        return
    await move_incoming(
        node, conn, arrival.incoming["id"], Incoming.RECEIVED, Incoming.DELIVERED, reason=None, findings=findings
    )


async def _deliver_to(node: Node, conn: Connection, arrival: Arrival, agency: Agency, decision: Decision) -> bool:
    """One agency; False when it already has exactly this document."""
    # Two packages of one document may be examined at once: the second waits until the first is decided.
    await node.db.queries.lock_document(conn, key=f"{agency.id} {arrival.package.document_id.value}")
    rows = node.db.queries.business_twins(
        conn,
        agency_id=agency.id,
        sender_code=arrival.package.sender.code.value,
        document_id=arrival.package.document_id.value,
        business_type=arrival.package.business.type,
    )
    twins = [row async for row in rows]
    if any(row["content_digest"] == arrival.reading.content_digest for row in twins):
        return False
    if twins and arrival.package.business.type is BusinessType.NEW:
        decision = Decision(
            label="Giữ lại",
            code="DUPLICATE_OTHER_CONTENT",
            reason="Trùng mã định danh văn bản với một văn bản đã nhận nhưng khác nội dung.",
            proposal="02",
        )
    ahead = None
    if arrival.package.business.type is not BusinessType.RECALL:
        asked = (agency.id, arrival.package.sender.code, arrival.package.document_id.value)
        ahead = await came_before(node, conn, *asked)
    if ahead is not None:
        exchange = await _insert(node, conn, arrival, agency, Decision(label=BEFORE_IT_CAME), state=Inward.RECALLED)
        await recall_on_arrival(node, conn, exchange, ahead)
        return True
    state = Inward.HELD if decision.held else Inward.DELIVERED
    exchange = await _insert(node, conn, arrival, agency, decision, state=state)
    if decision.held:
        await hold_inward(
            node,
            conn,
            exchange,
            code=decision.code or "",
            reason=decision.reason or "",
            proposal=decision.proposal,
        )
    else:
        await put_into_mailbox(node, conn, exchange, label=label_of(arrival.package.business.type, decision))
    return True


def label_of(business_type: BusinessType, decision: Decision) -> str:
    kind = _BY_TYPE.get(business_type)
    return f"{kind} – {decision.label}" if kind else decision.label


async def put_into_mailbox(node: Node, conn: Connection, exchange: Any, *, label: str) -> None:
    """The clerk's eOffice sees it now, and 01 goes back by itself (NĐ 30/2020 Phụ lục VI Phần I.III.1.e)."""
    detail = {
        "document_id": exchange["document_id"],
        "sender_code": exchange["sender_code"],
        "subject": exchange["subject"],
        "priority": exchange["priority"],
        "business_type": exchange["business_type"],
    }
    if exchange["business_type"] == BusinessType.RECALL:
        await asked_by_document(node, conn, exchange)  # first: it locks exchanges, and a mailbox is locked after those
    await tell(node, conn, exchange["agency_id"], exchange["id"], kind="document", label=label, detail=detail)
    await due(node, conn, exchange, status_code="01")


async def _insert(
    node: Node, conn: Connection, arrival: Arrival, agency: Agency, decision: Decision, *, state: Inward
) -> Any:
    exchange_id = node.new_id()
    legal = arrival.examination.legal_value
    if decision.label == REFERENCE:
        legal = LegalValue.REFERENCE
    exchange = await node.db.queries.insert_exchange(
        conn,
        id=exchange_id,
        agency_id=agency.id,
        direction="inward",
        origin=Origin.AXIS,
        state=state,
        document_id=arrival.package.document_id.value,
        sender_code=arrival.package.sender.code.value,
        sender_name=arrival.package.sender.name,
        code_number=arrival.package.code_number,
        code_notation=arrival.package.code_notation,
        promulgation_date=arrival.package.promulgation_date,
        type_name=arrival.package.document_type.name,
        doc_subject=arrival.package.subject,
        priority=arrival.package.other.priority or 0,
        business_type=arrival.package.business.type,
        book=None,
        metadata={**plain(arrival.package), "label": decision.label},
        content_digest=arrival.reading.content_digest,
        overall=arrival.examination.overall,
        legal_value=legal,
        policy_id=arrival.rules.main.id,
        incoming_package_id=arrival.incoming["id"],
        traceparent=arrival.traceparent,
        event_subject=Subject.INWARD,
        actor=NODE,
        reason=decision.reason,
    )
    await _insert_files(node, conn, exchange_id, agency, arrival)
    return exchange


async def _insert_files(node: Node, conn: Connection, exchange_id: Any, agency: Agency, arrival: Arrival) -> None:
    files = arrival.package.attachments
    await node.db.queries.insert_exchange_files(
        conn,
        exchange_id=exchange_id,
        agency_id=agency.id,
        content_ids=[file.content_id for file in files],
        names=[file.name for file in files],
        descriptions=[file.description for file in files],
        content_types=[file.content_type for file in files],
        digests=[file.sha256 for file in files],
        sizes=[file.size for file in files],
        reports=arrival.examination.as_json(),
    )
    await evidence.save(
        node.db, conn, agency_id=agency.id, exchange_id=exchange_id, bundles=arrival.examination.evidence
    )


def plain(package: DocumentPackage) -> dict[str, Any]:
    """The header as JSON for the parsed view; attachments stand in their own table."""
    return {key: _plain(value) for key, value in asdict(package).items() if key != "attachments"}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"value"}:  # OrganCode, DocumentId
            return value["value"]
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
