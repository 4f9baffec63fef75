"""What the steps of a case read and write in the database, always inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ...queue.port import Connection
from ...signing.json_values import to_json
from ..errors import GatewayError
from ..node import Node
from . import states
from .states import Case
from .values import CaseRequest, Delegation, request_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with its files as they stood when it was read."""

    row: Any
    files: tuple[Any, ...]

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def state(self) -> Case:
        return Case(self.row["state"])

    @property
    def request(self) -> CaseRequest:
        return request_from_json(self.row["request"])

    @property
    def main(self) -> Any:
        return self.files[0]

    @property
    def leaving(self) -> tuple[Any, ...]:
        """The files that are released; a source stays in the house."""
        return tuple(file for file in self.files if file["kind"] != "source")

    @property
    def unsigned(self) -> tuple[Any, ...]:
        """What leaves and has no agency signature yet (NĐ 30/2020 Phụ lục I, Phần I, III.1.d)."""
        return tuple(file for file in self.leaving if not file["agency_signed"])


async def read_case(node: Node, conn: Connection, agency_id: UUID, case_id: UUID, *, lock: bool = False) -> CaseView:
    """Raise SIGNING_CASE_NOT_FOUND, also for another agency's: that it exists is not said."""
    query = node.db.queries.lock_signing_case if lock else node.db.queries.signing_case_by_id
    row = await query(conn, id=case_id, agency_id=agency_id)
    if row is None:
        raise GatewayError("SIGNING_CASE_NOT_FOUND", "Đơn vị không có hồ sơ ký nào mang định danh này.")
    return CaseView(row=row, files=tuple([file async for file in node.db.queries.signing_files(conn, case_id=case_id)]))


async def move_case(
    node: Node,
    conn: Connection,
    case: CaseView,
    after: Case,
    *,
    actor: str,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """The state and its event in one statement. Raise STATE_CONFLICT."""
    states.require(case.state, after)
    moved = await node.db.queries.move_signing_case(
        conn, id=case.id, from_state=case.state, to_state=after, actor=actor, reason=reason, detail=detail
    )
    if moved is None:
        raise raced()


def raced() -> GatewayError:
    return GatewayError(
        "STATE_CONFLICT", "Hồ sơ ký vừa được người khác xử lý; kết quả lần này bị bỏ, xin đọc lại hồ sơ."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Bytes of a file that are durable in the store and are to become its current ones."""

    position: int
    step: str
    before: str  # SHA-256
    after: str
    size: int
    by_agency: bool = False
    report: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signed a revision, and on whose authority; exactly one of session and ticket."""

    holder: str
    certificate_sha256: str
    field: str
    level: str | None
    signing_time: datetime
    delegation: Delegation | None = None
    session_id: UUID | None = None
    ticket_id: UUID | None = None


async def write_revision(
    node: Node, conn: Connection, agency_id: UUID, case_id: UUID, revision: Revision, *, actor: str
) -> None:
    """Raise STATE_CONFLICT when the file is no longer the one this was made from."""
    number = await node.db.queries.renew_signing_file(
        conn,
        case_id=case_id,
        position=revision.position,
        before_sha256=revision.before,
        after_sha256=revision.after,
        size=revision.size,
        agency_signed=revision.by_agency,
        report=revision.report,
    )
    if number is None:
        raise raced()
    await node.db.queries.insert_signing_revision(
        conn,
        case_id=case_id,
        position=revision.position,
        revision=number["revision"],
        agency_id=agency_id,
        step=revision.step,
        sha256=revision.after,
        size=revision.size,
        actor=actor,
    )


async def write_signature(
    node: Node, conn: Connection, agency_id: UUID, case_id: UUID, revision: Revision, signature: Signature
) -> None:
    await node.db.queries.insert_signature(
        conn,
        id=node.new_id(),
        agency_id=agency_id,
        case_id=case_id,
        position=revision.position,
        step=revision.step,
        session_id=signature.session_id,
        ticket_id=signature.ticket_id,
        holder=signature.holder,
        certificate_sha256=signature.certificate_sha256,
        capacity=to_json(signature.delegation) if signature.delegation else None,
        field=signature.field,
        level=signature.level,
        before_sha256=revision.before,
        after_sha256=revision.after,
        signing_time=signature.signing_time,
    )


async def commit_signatures(
    node: Node, agency_id: UUID, case_id: UUID, made: Sequence[tuple[Revision, Signature]], *, before: Case, actor: str
) -> CaseView:
    """Revisions, signatures and the state that follows, in one transaction; the case as it then stands."""
    async with node.db.unit(agency_id) as conn:
        return await write_signatures(node, conn, agency_id, case_id, made, before=before, actor=actor)


async def write_signatures(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case_id: UUID,
    made: Sequence[tuple[Revision, Signature]],
    *,
    before: Case,
    actor: str,
) -> CaseView:
    """As ``commit_signatures``, in the caller's transaction. Raise STATE_CONFLICT when the case moved meanwhile."""
    case = await read_case(node, conn, agency_id, case_id, lock=True)
    if case.state is not before:
        raise raced()
    for revision, signature in made:
        await write_revision(node, conn, agency_id, case_id, revision, actor=actor)
        await write_signature(node, conn, agency_id, case_id, revision, signature)
    if before is Case.INITIALS:
        await node.db.queries.count_initials(conn, id=case_id)
    case = await read_case(node, conn, agency_id, case_id)
    after = following(case)
    detail = {
        "signatures": [
            {"position": revision.position, "step": revision.step, "certificate": signature.certificate_sha256}
            for revision, signature in made
        ]
    }
    await move_case(node, conn, case, after, actor=actor, detail=detail)
    return await read_case(node, conn, agency_id, case_id)


def following(case: CaseView) -> Case:
    """Where a case stands after a signature: the same state while initials or files are still missing."""
    row = case.row
    if case.state is Case.INITIALS and row["initials_made"] < row["initials"]:
        return Case.INITIALS
    if case.state is Case.AGENCY and case.unsigned:
        return Case.AGENCY
    return states.AFTER[row["flow"]][case.state]
