"""Phát hành: everything that leaves is signed and found valid by the verifier of incoming files, then goes out at once.

NĐ 30/2020/NĐ-CP Phụ lục I, Phần I, III.1.d (each separate file), Điều 14, Điều 16; signatures.md 2, step 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ...queue.port import Connection
from ...signing.report import Overall
from ...signing.sign_job import Flow
from ..directory import own_agency
from ..errors import GatewayError
from ..node import Node
from ..pipeline.examination import Examination, examine_files, files_at_hand, rules_for
from ..pipeline.outward import accept
from ..submissions import Accepted, Metadata, Submission, SubmittedFile
from .records import CaseView, move_case, raced, read_case
from .states import LABELS, Case


async def release(
    node: Node,
    agency_id: UUID,
    case_id: UUID,
    *,
    by: str,
    document: dict[str, Any] | None,
    parse: Callable[[dict[str, Any]], Metadata],
) -> CaseView:
    """With ``document`` (recipients and so on) the case becomes an outgoing document in the same transaction; without,
    the eOffice fetches the files and posts them onward with the case's ``reservation``.

    Raise SIGNING_ANNEX_UNSIGNED, SIGNING_NOT_NOW, SIGNING_NOT_VERIFIED, and what accepting a submission raises.
    """
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id)
    if case.state is Case.RELEASED:
        return case
    _require_complete(case)
    await _require_valid(node, agency_id, case)
    if document is None:
        async with node.db.unit(agency_id) as conn:
            await _released(node, conn, agency_id, case, by, None)
    else:
        raw = metadata_of(case, document)
        submission = Submission(
            agency_id=agency_id, metadata=parse(raw), raw_metadata=raw, files=_submitted(case), actor=by
        )

        async def within(conn: Connection, accepted: Accepted) -> None:
            await _released(node, conn, agency_id, case, by, accepted.exchange_id)

        await accept(node, submission, within=within)
    async with node.db.unit(agency_id) as conn:
        return await read_case(node, conn, agency_id, case_id)


def metadata_of(case: CaseView, document: dict[str, Any]) -> dict[str, Any]:
    """The submission's metadata: what the case knows is the case's, so number, field and envelope are one."""
    row, signer = case.row, case.request.signer
    person = {
        "full_name": signer.full_name,
        "position": signer.position,
        "competence": signer.capacity.value if signer.capacity else None,
    }
    known = {
        "reservation": str(row["reservation"]),
        "notation": row["notation"],
        "promulgation_date": row["document_date"].isoformat(),
        "type_name": row["type_name"],
        "subject": row["subject"],
        "book": row["book"],
        "signer": {name: value for name, value in person.items() if value is not None},
    }
    if case.request.place is not None:
        known["place"] = case.request.place
    return {**{name: value for name, value in document.items() if name != "number"}, **known}


def _require_complete(case: CaseView) -> None:
    if case.state is Case.AGENCY and any(file["agency_signed"] for file in case.leaving):
        names = ", ".join(f"“{file['name']}”" for file in case.unsigned)
        raise GatewayError("SIGNING_ANNEX_UNSIGNED", f"Chưa phát hành: cơ quan chưa ký tệp {names}.")
    if case.state is not Case.SIGNED:
        raise GatewayError("SIGNING_NOT_NOW", f"Hồ sơ đang ở bước “{LABELS[case.state]}”, chưa phát hành được.")


async def _require_valid(node: Node, agency_id: UUID, case: CaseView) -> None:
    """The incoming verifier, with the rules a receiver would use."""
    examination = await examine_case(node, agency_id, case)
    if examination.faults:
        raise GatewayError("SIGNING_NOT_VERIFIED", examination.faults[0].message, faults=examination.faults)
    worst = examination.worst
    if examination.overall is not Overall.VALID:
        reason = (worst.reason if worst else None) or examination.overall.label
        raise GatewayError("SIGNING_NOT_VERIFIED", f"Chưa phát hành vì chữ ký chưa hợp lệ khi kiểm tra lại: {reason}")


async def examine_case(node: Node, agency_id: UUID, case: CaseView) -> Examination:
    async with node.db.unit(agency_id) as conn:
        agency = await own_agency(node, conn, agency_id)
        rules = await rules_for(
            node,
            conn,
            sender=agency.code,
            sender_name=agency.name,
            on=case.row["document_date"],
            received_at=node.clock(),
        )
    if case.row["flow"] == Flow.PAPER_SCAN:
        rules = rules.for_digitised()
    async with files_at_hand(node, agency_id, case.leaving) as files:
        return await examine_files(node, files, rules)


def _submitted(case: CaseView) -> tuple[SubmittedFile, ...]:
    return tuple(
        SubmittedFile(
            name=file["name"],
            content_type=file["content_type"],
            sha256=file["sha256"],
            size=file["size"],
            description=file["description"],
        )
        for file in case.leaving
    )


async def _released(
    node: Node, conn: Connection, agency_id: UUID, seen: CaseView, by: str, exchange_id: UUID | None
) -> None:
    """The state first: the constraint lets only a released case name its exchange."""
    case = await read_case(node, conn, agency_id, seen.id, lock=True)
    if [file["sha256"] for file in case.files] != [file["sha256"] for file in seen.files]:
        raise raced()
    await move_case(node, conn, case, Case.RELEASED, actor=by)
    if exchange_id is not None:
        await node.db.queries.release_signing_case(conn, id=case.id, exchange_id=exchange_id)
