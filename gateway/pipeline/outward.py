"""The outward flow, read top to bottom: accept, examine, package, dispatch (sending.py), settle (statuses.py).

Each step is one function that ends in one transaction: the state, what the step produced and the message that opens
the next step commit together. A step that a crash cut off is done again from its work row; it then finds either the
state it starts from, or that it is already over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...queue import outbox
from ...queue.messages import Message, Work
from ...queue.port import Connection
from ...queue.work import complete
from ...signing.report import FileReport, Overall
from .. import evidence
from ..directory import Agency, sender_in
from ..errors import GatewayError, InputFault
from ..exchanges import Outward
from ..files.layout import StoredFile
from ..metadata import metadata_from_json
from ..node import Node
from ..registers import outgoing as register
from ..submissions import Accepted, Metadata, Submission
from . import acceptance
from .examination import Examination, Rules, examine_files, files_at_hand, rules_for
from .finishing import finish_examination, finish_packaging
from .handover import lane_of, message
from .holding import hold_outward
from .intake import raise_faults, refuse_secret
from .moves import NODE, move_outward
from .packaging import Batch, attachments_of, batches, build, freeze
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
        raise_faults((await acceptance.check(node, conn, agency_id, metadata, file_names)).faults)
        await acceptance.refuse_taken_number(node, conn, agency_id, metadata)


async def rehearse(node: Node, submission: Submission) -> Rehearsal:
    """Validate only: every finding at once, nothing kept. The caller removes the files."""
    refuse_secret(submission.metadata)
    async with node.db.unit(submission.agency_id) as conn:
        names = [file.name for file in submission.files]
        checked = await acceptance.check(node, conn, submission.agency_id, submission.metadata, names)
        rules = await _rules(node, conn, checked.agency, submission.metadata)
    async with files_at_hand(node, submission.agency_id, [asdict(file) for file in submission.files]) as files:
        examination = await examine_files(node, files, rules, keep=False)
    return Rehearsal(faults=(*checked.faults, *examination.faults), reports=examination.reports)


# 1. Accept ----------------------------------------------------------------------------------------------------------


async def accept(node: Node, submission: Submission, *, within: Within | None = None) -> Accepted:
    """In one transaction: the exchange, its files and deliveries, the reserved number, the message. 202 after commit.

    ``within`` runs in the same transaction (the API finishes its idempotency claim there).
    """
    metadata = submission.metadata
    refuse_secret(metadata)
    try:
        async with node.db.unit(submission.agency_id) as conn:
            names = [file.name for file in submission.files]
            checked = await acceptance.check(node, conn, submission.agency_id, metadata, names)
            raise_faults(checked.faults)
            accepted = await acceptance.insert(node, conn, submission, checked)
            if within is not None:
                await within(conn, accepted)
    except UniqueViolationError as error:
        if error.constraint_name == "exchange_number":
            raise acceptance.number_taken(metadata) from error
        raise
    return accepted


# 2. Examine ---------------------------------------------------------------------------------------------------------


async def examine(node: Node, work: Work) -> None:
    """Files and signatures against the sender's policy. Not good enough: held for a person, nothing is sent."""
    exchange_id = UUID(work.payload["exchange_id"])
    async with node.db.single() as conn:
        exchange = await node.db.queries.exchange_in_hand(conn, id=exchange_id)
        metadata = metadata_from_json(exchange["metadata"])
        rules = await _rules(node, conn, sender_in(exchange), metadata)
        rules = rules.for_digitised() if exchange["digitised"] else rules
    async with files_at_hand(node, exchange["agency_id"], exchange["files"]) as files:
        examination = await examine_files(node, files, rules)
    if exchange["state"] == Outward.ACCEPTED and refusal_of(examination) is None:
        said = [examined_message(node, exchange)]
        if await finish_examination(node, work, exchange_id, examination, rules, said):
            return
    async with node.db.unit(exchange["agency_id"]) as conn:
        await complete(conn, work)
        if exchange["state"] != Outward.ACCEPTED:
            return  # a person decided meanwhile, or a crash came after the commit
        await save_examination(node, conn, exchange, examination, rules)
        refusal = refusal_of(examination)
        if refusal is not None:
            await hold_outward(node, conn, exchange, code=refusal[0], reason=refusal[1])
            return
        await move_outward(node, conn, exchange_id, Outward.ACCEPTED, Outward.EXAMINED)
        await outbox.append(conn, [examined_message(node, exchange)])


def examined_message(node: Node, exchange: Any) -> Message:
    payload = {"exchange_id": str(exchange["id"])}
    lane = lane_of(exchange["priority"])
    return message(node, "lienthong.document.examined.v1", exchange["id"], payload, lane, trace=exchange["traceparent"])


def refusal_of(examination: Examination) -> tuple[str, str] | None:
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


async def save_examination(node: Node, conn: Connection, exchange: Any, examination: Examination, rules: Rules) -> None:
    exchange_id, reports = exchange["id"], examination.as_json()
    await evidence.save(
        node.db, conn, agency_id=exchange["agency_id"], exchange_id=exchange_id, bundles=examination.evidence
    )
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
    async with node.db.single() as conn:
        exchange = await node.db.queries.exchange_in_hand(conn, id=exchange_id)
    agency, metadata = sender_in(exchange), metadata_from_json(exchange["metadata"])
    packages = await _freeze_all(node, agency, metadata, exchange)
    entry = register.entry(node, exchange, metadata, [row["recipient_name"] for row in exchange["deliveries"]])
    said = [_queued(node, exchange, package) for package in packages]
    if exchange["state"] == Outward.EXAMINED and await finish_packaging(node, work, exchange_id, packages, entry, said):
        return
    async with node.db.unit(agency.id) as conn:
        await complete(conn, work)
        if exchange["state"] != Outward.EXAMINED:
            return
        for package in packages:
            await _insert_package(node, conn, exchange, package)
        await outbox.append(conn, said)
        await move_outward(node, conn, exchange_id, Outward.EXAMINED, Outward.PACKAGED)
        # Last, because it locks the book's counter, and all documents of the agency queue for it.
        await register.enter(node, conn, exchange, entry)


async def _freeze_all(node: Node, agency: Agency, metadata: Metadata, exchange: Any) -> list[dict[str, Any]]:
    """The packages of a document, each durably stored, as rows."""
    packages = []
    async with attachments_of(node, agency.id, exchange["files"]) as attachments:
        for number, batch in enumerate(batches(exchange["deliveries"])):
            values = build(
                agency=agency,
                exchange=exchange,
                metadata=metadata,
                batch=batch,
                attachments=attachments,
                now=exchange["created_at"],  # not the clock: the same bytes when the step is done again
            )
            stored = await freeze(node, agency.id, values, axis=batch.axis, scratch=f"{exchange['id']}-{number}")
            packages.append(_frozen_row(node, batch, stored))
    return packages


def _frozen_row(node: Node, batch: Batch, stored: StoredFile) -> dict[str, Any]:
    return {
        "id": str(node.new_id()),
        "axis": batch.axis,
        "receiver_codes": [receiver.code.value for receiver in batch.receivers],
        "sha256": stored.sha256,
        "size": stored.size,
    }


def _queued(node: Node, exchange: Any, package: dict[str, Any]) -> Message:
    payload = {"package_id": package["id"], "axis": package["axis"]}
    lane = lane_of(exchange["priority"])
    return message(node, "lienthong.package.queued.v1", exchange["id"], payload, lane, trace=exchange["traceparent"])


async def _insert_package(node: Node, conn: Connection, exchange: Any, package: dict[str, Any]) -> None:
    await node.db.queries.insert_outgoing_package(
        conn,
        **{**package, "id": UUID(package["id"])},
        agency_id=exchange["agency_id"],
        exchange_id=exchange["id"],
        kind="edoc",
        sender_code=exchange["sender_code"],
        document_id=exchange["document_id"],
        notation=f"{exchange['code_number']}/{exchange['code_notation']}",
        doc_subject=exchange["subject"],
        status_code=None,
        lane=lane_of(exchange["priority"]),
        actor=NODE,
    )
    codes = package["receiver_codes"]
    await node.db.queries.link_deliveries(conn, exchange_id=exchange["id"], package_id=UUID(package["id"]), codes=codes)


# 4. Dispatch and 5. settle stand in sending.py and statuses.py: they serve status packages too ------------------------

STEPS: Final = {"examine": examine, "package": package, "dispatch": dispatch}
