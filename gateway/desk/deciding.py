"""What persons decide about a case without a key: form checked, returned to the drafter, cancelled."""

from __future__ import annotations

from uuid import UUID

from ..errors import GatewayError
from ..node import Node
from .records import CaseView, move_case, raced, read_case
from .states import Case

LONGEST_REASON = 500  # characters


async def check_form(node: Node, agency_id: UUID, case_id: UUID, *, by: str) -> CaseView:
    """Văn phòng looked at form and procedure (GD-8 (2)); recorded once."""
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id, lock=True)
        if case.row["form_checked_by"] is None:
            if case.state in (Case.RELEASED, Case.RETURNED, Case.CANCELLED):
                raise raced()
            await node.db.queries.check_signing_form(conn, id=case_id, actor=by)
        return await read_case(node, conn, agency_id, case_id)


async def return_case(node: Node, agency_id: UUID, case_id: UUID, *, by: str, reason: str) -> CaseView:
    """Back to the drafter, who posts a corrected one (ST-9.3.b)."""
    return await _end(node, agency_id, case_id, Case.RETURNED, by=by, reason=reason)


async def cancel_case(node: Node, agency_id: UUID, case_id: UUID, *, by: str, reason: str) -> CaseView:
    """A number that was allotted stays reserved, and another case may take it up: no gap."""
    return await _end(node, agency_id, case_id, Case.CANCELLED, by=by, reason=reason)


async def _end(node: Node, agency_id: UUID, case_id: UUID, after: Case, *, by: str, reason: str) -> CaseView:
    if not reason.strip():
        raise GatewayError("REASON_MISSING", "Trả lại hay hủy hồ sơ ký phải nêu lý do.")
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id, lock=True)
        await move_case(node, conn, case, after, actor=by, reason=reason.strip()[:LONGEST_REASON])
        return await read_case(node, conn, agency_id, case_id)
