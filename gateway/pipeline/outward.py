"""The outward flow, read top to bottom: accept, examine, package, dispatch (sending.py), settle (statuses.py).

Each step is one function that ends in one transaction: the state, what the step produced and the message that opens
the next step commit together. A step that a crash cut off is done again from its work row; it then finds either the
state it starts from, or that it is already over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...edxml.identifiers import DocumentId
from ...edxml.model import BusinessType
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete
from ...signing.report import FileReport, Overall
from ..directory import Agency, Recipient, look_up, own_agency
from ..errors import GatewayError, InputFault
from ..exchanges import Outward, Subject
from ..metadata import metadata_from_json
from ..node import Node
from ..registers import outgoing as register
from ..submissions import Accepted, Metadata, Origin, Submission
from .examination import Examination, FileToExamine, Rules, examine_files, rules_for
from .handover import announce, lane_of
from .holding import hold_outward
from .intake import VIETNAM, metadata_faults, raise_faults, refuse_secret
from .moves import NODE, move_outward
from .packaging import attachments_of, batches, build, freeze
from .sending import dispatch

Within = Callable[[Connection, Accepted], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would happen to a submission; nothing of it was kept."""

    faults: tuple[InputFault, ...]
    reports: tuple[FileReport | None, ...]


# 0. Before a file byte is stored -----------------------------------------------------------------------------------


async def precheck(node: Node, agency_id: UUID, metadata: Metadata, *, file_names: Sequence[str] = ()) -> None:
    """Quick checks: secrecy, fields, dates, recipients. Raise SECRET_REFUSED, or SUBMISSION_INVALID with all faults."""
    refuse_secret(metadata)
    async with node.db.unit(agency_id) as conn:
        agency = await own_agency(node, conn, agency_id)
        raise_faults(await _faults(node, conn, agency, metadata, file_names))
        await _refuse_taken_number(node, conn, agency_id, metadata)


async def _faults(
    node: Node, conn: Connection, agency: Agency, metadata: Metadata, file_names: Sequence[str]
) -> list[InputFault]:
    today = node.clock().astimezone(VIETNAM).date()
    found = await look_up(node, conn, metadata.recipients, on=today)
    return metadata_faults(metadata, agency=agency, found=found, today=today, file_names=file_names)


async def _refuse_taken_number(node: Node, conn: Connection, agency_id: UUID, metadata: Metadata) -> None:
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
        raise _number_taken(metadata)


def _number_taken(metadata: Metadata) -> GatewayError:
    # NĐ 30/2020/NĐ-CP Điều 15.1: số và ký hiệu là duy nhất trong một năm.
    return GatewayError(
        "NUMBER_TAKEN",
        f"Số {metadata.number}/{metadata.notation} năm {metadata.promulgation_date.year} đã có văn bản khác.",
        faults=[InputFault(code="NUMBER_TAKEN", place="/number", message="Số và ký hiệu đã dùng trong năm.")],
    )


async def rehearse(node: Node, submission: Submission) -> Rehearsal:
    """Validate only: every finding at once, nothing kept. The caller removes the files."""
    refuse_secret(submission.metadata)
    async with node.db.unit(submission.agency_id) as conn:
        agency = await own_agency(node, conn, submission.agency_id)
        names = [file.name for file in submission.files]
        faults = await _faults(node, conn, agency, submission.metadata, names)
        rules = await _rules(node, conn, agency, submission.metadata)
    examination = await examine_files(node, _submitted(node, submission), rules)
    return Rehearsal(faults=(*faults, *examination.faults), reports=examination.reports)


# 1. Accept ----------------------------------------------------------------------------------------------------------


async def accept(node: Node, submission: Submission, *, within: Within | None = None) -> Accepted:
    """In one transaction: the exchange, its files and deliveries, the reserved number, the message. 202 after commit.

    ``within`` runs in the same transaction (the API finishes its idempotency claim there).
    """
    metadata = submission.metadata
    refuse_secret(metadata)
    try:
        async with node.db.unit(submission.agency_id) as conn:
            agency = await own_agency(node, conn, submission.agency_id)
            names = [file.name for file in submission.files]
            raise_faults(await _faults(node, conn, agency, metadata, names))
            accepted = await _insert(node, conn, agency, submission)
            if within is not None:
                await within(conn, accepted)
    except UniqueViolationError as error:
        if error.constraint_name == "exchange_number":
            raise _number_taken(metadata) from error
        raise
    return accepted


async def _insert(node: Node, conn: Connection, agency: Agency, submission: Submission) -> Accepted:
    metadata = submission.metadata
    exchange_id = node.new_id()
    number = metadata.number or await _take_reservation(node, conn, submission.agency_id, metadata)
    document_id = metadata.document_id or DocumentId.make(
        agency.code, metadata.promulgation_date, number, metadata.notation
    )
    await node.db.queries.insert_exchange(
        conn,
        id=exchange_id,
        agency_id=agency.id,
        direction="outward",
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
        content_digest=None,
        overall=None,
        legal_value=None,
        incoming_package_id=None,
        event_subject=Subject.OUTWARD,
        actor=submission.actor,
        reason=None,
    )
    if metadata.reservation is not None:
        await _bind_reservation(node, conn, agency.id, metadata.reservation, exchange_id)
    await _insert_files(node, conn, exchange_id, submission)
    await _insert_deliveries(node, conn, exchange_id, submission)
    lane = lane_of(metadata.other.priority)
    await announce(node, conn, "lienthong.document.accepted.v1", exchange_id, {"exchange_id": str(exchange_id)}, lane)
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
    number: int = row["number"]
    return f"{number:02d}"  # NĐ 30/2020 Phụ lục I Phần I.II.3: số nhỏ hơn 10 viết thêm số 0


async def _bind_reservation(
    node: Node, conn: Connection, agency_id: UUID, reservation: UUID, exchange_id: UUID
) -> None:
    used = await node.db.queries.use_reservation(conn, id=reservation, agency_id=agency_id, exchange_id=exchange_id)
    if used is None:
        raise GatewayError("RESERVATION_USED", "Số giữ trước này đã dùng cho văn bản khác.")


async def _insert_files(node: Node, conn: Connection, exchange_id: UUID, submission: Submission) -> None:
    files = submission.files
    await node.db.queries.insert_exchange_files(
        conn,
        exchange_id=exchange_id,
        agency_id=submission.agency_id,
        content_ids=[str(node.new_id()) for _ in files],
        names=[file.name for file in files],
        descriptions=[file.description for file in files],
        content_types=[file.content_type for file in files],
        digests=[file.sha256 for file in files],
        sizes=[file.size for file in files],
        reports=[None for _ in files],
    )


async def _insert_deliveries(node: Node, conn: Connection, exchange_id: UUID, submission: Submission) -> None:
    today = node.clock().astimezone(VIETNAM).date()
    found = await look_up(node, conn, submission.metadata.recipients, on=today)
    recipients: list[Recipient] = [found[code.key] for code in submission.metadata.recipients]
    await node.db.queries.insert_deliveries(
        conn,
        agency_id=submission.agency_id,
        exchange_id=exchange_id,
        ids=[node.new_id() for _ in recipients],
        codes=[r.code.value for r in recipients],
        names=[r.name for r in recipients],
        axes=[r.axis for r in recipients],
        actor=submission.actor,
    )


# 2. Examine ---------------------------------------------------------------------------------------------------------


async def examine(node: Node, work: Work) -> None:
    """Files and signatures against the sender's policy. Not good enough: held for a person, nothing is sent."""
    exchange_id = UUID(work.payload["exchange_id"])
    async with node.db.unit(None) as conn:
        exchange = await node.db.queries.exchange_by_id(conn, id=exchange_id)
        files = [row async for row in node.db.queries.files_of_exchange(conn, exchange_id=exchange_id)]
        agency = await own_agency(node, conn, exchange["agency_id"])
        metadata = metadata_from_json(exchange["metadata"])
        rules = await _rules(node, conn, agency, metadata)
    examination = await examine_files(node, _stored(node, exchange["agency_id"], files), rules)
    async with node.db.unit(exchange["agency_id"]) as conn:
        await complete(conn, work)
        if exchange["state"] != Outward.ACCEPTED:
            return  # a person decided meanwhile, or a crash came after the commit
        await _save(node, conn, exchange_id, examination, rules)
        refusal = _refusal(examination)
        if refusal is not None:
            await hold_outward(node, conn, exchange, code=refusal[0], reason=refusal[1])
            return
        await move_outward(node, conn, exchange_id, Outward.ACCEPTED, Outward.EXAMINED)
        await _announce_examined(node, conn, exchange)


async def _announce_examined(node: Node, conn: Connection, exchange: Any) -> None:
    payload = {"exchange_id": str(exchange["id"])}
    lane = lane_of(exchange["priority"])
    await announce(node, conn, "lienthong.document.examined.v1", exchange["id"], payload, lane)


def _refusal(examination: Examination) -> tuple[str, str] | None:
    """Why the document may not go by itself: code and sentence; None when it may."""
    if examination.faults:
        return examination.faults[0].code, " ".join(fault.message for fault in examination.faults)
    if not examination.checked or examination.overall is Overall.VALID:
        return None
    worst = examination.worst
    if worst is None:
        return "SIG_NOT_SIGNED", "Văn bản chính chưa được kiểm tra chữ ký."
    return worst.reason_code or "SIG_UNDETERMINED", worst.reason or f"Chữ ký: {worst.overall.label}."


async def _rules(node: Node, conn: Connection, agency: Agency, metadata: Metadata) -> Rules:
    return await rules_for(
        node,
        conn,
        sender=agency.code,
        sender_name=agency.name,
        on=metadata.promulgation_date,
        received_at=node.clock(),
    )


def _submitted(node: Node, submission: Submission) -> list[FileToExamine]:
    return [
        FileToExamine(
            path=node.files.path(submission.agency_id, file.sha256),
            name=file.name,
            content_type=file.content_type,
            sha256=file.sha256,
        )
        for file in submission.files
    ]


def _stored(node: Node, agency_id: UUID, files: Sequence[Any]) -> list[FileToExamine]:
    return [
        FileToExamine(
            path=node.files.path(agency_id, row["sha256"]),
            name=row["name"],
            content_type=row["content_type"],
            sha256=row["sha256"],
        )
        for row in files
    ]


async def _save(node: Node, conn: Connection, exchange_id: UUID, examination: Examination, rules: Rules) -> None:
    reports = examination.as_json()
    await node.db.queries.save_reports(
        conn, exchange_id=exchange_id, positions=list(range(len(reports))), reports=reports
    )
    await node.db.queries.save_verdict(
        conn,
        id=exchange_id,
        overall=examination.overall,
        legal_value=examination.legal_value,
        policy_id=rules.main.id,
    )


# 3. Package ---------------------------------------------------------------------------------------------------------


async def package(node: Node, work: Work) -> None:
    """One frozen package for each axis and batch; register entry, packages and messages commit together."""
    try:
        await _package(node, work)
    except GatewayError as error:
        async with node.db.unit(None) as conn:
            await complete(conn, work)
            exchange = await node.db.queries.lock_exchange(conn, id=UUID(work.payload["exchange_id"]))
            await hold_outward(node, conn, exchange, code=error.code, reason=error.message)


async def _package(node: Node, work: Work) -> None:
    exchange_id = UUID(work.payload["exchange_id"])
    async with node.db.unit(None) as conn:
        exchange = await node.db.queries.exchange_by_id(conn, id=exchange_id)
        files = [row async for row in node.db.queries.files_of_exchange(conn, exchange_id=exchange_id)]
        deliveries = [row async for row in node.db.queries.deliveries_of_exchange(conn, exchange_id=exchange_id)]
        agency = await own_agency(node, conn, exchange["agency_id"])
    metadata = metadata_from_json(exchange["metadata"])
    attachments = attachments_of(node, agency.id, files)
    frozen = []
    for number, batch in enumerate(batches(deliveries)):
        values = build(
            agency=agency,
            exchange=exchange,
            metadata=metadata,
            batch=batch,
            attachments=attachments,
            now=exchange["created_at"],  # not the clock: the same bytes when the step is done again
        )
        stored = await freeze(node, agency.id, values, scratch=f"{exchange_id}-{number}")
        frozen.append((batch, stored))
    async with node.db.unit(agency.id) as conn:
        await complete(conn, work)
        if exchange["state"] != Outward.EXAMINED:
            return
        names = [row["recipient_name"] for row in deliveries]
        await register.enter(node, conn, exchange, metadata, recipients=names)
        for batch, stored in frozen:
            await _queue_package(node, conn, exchange, batch, stored)
        await move_outward(node, conn, exchange_id, Outward.EXAMINED, Outward.PACKAGED)


async def _queue_package(node: Node, conn: Connection, exchange: Any, batch: Any, stored: Any) -> None:
    package_id = node.new_id()
    codes = [receiver.code.value for receiver in batch.receivers]
    lane = lane_of(exchange["priority"])
    await node.db.queries.insert_outgoing_package(
        conn,
        id=package_id,
        agency_id=exchange["agency_id"],
        exchange_id=exchange["id"],
        kind="edoc",
        axis=batch.axis,
        sender_code=exchange["sender_code"],
        receiver_codes=codes,
        document_id=exchange["document_id"],
        notation=f"{exchange['code_number']}/{exchange['code_notation']}",
        doc_subject=exchange["subject"],
        status_code=None,
        lane=lane,
        sha256=stored.sha256,
        size=stored.size,
        actor=NODE,
    )
    await node.db.queries.link_deliveries(conn, exchange_id=exchange["id"], package_id=package_id, codes=codes)
    payload = {"package_id": str(package_id), "axis": batch.axis}
    await announce(node, conn, "lienthong.package.queued.v1", exchange["id"], payload, lane)


# 4. Dispatch and 5. settle stand in sending.py and statuses.py: they serve status packages too ------------------------

STEPS: Final = {"examine": examine, "package": package, "dispatch": dispatch}
