"""Số và ngày: allotted and written into the document's fields in one transaction (NĐ 30/2020/NĐ-CP Điều 14, 15).

The order is turned round so that no lock is held while a PDF is written: the number that comes next is read, the
revision with it is made, and then one short transaction locks the counter row and allots. When it allots another
number than the one that was written (another process was faster), everything is rolled back, the revision is thrown
away, and it is done again. A number therefore exists if and only if the revision that bears it does: no gap and no
double, also under kill -9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...queue.port import Connection
from ...signing.json_values import from_json
from ...signing.request import RegisteredCertificate
from ...signing.sign_job import FillJob, FillResult, Flow
from ..directory import own_agency
from ..errors import GatewayError
from ..files.layout import StoredFile
from ..node import Node
from ..pipeline.examination import rules_for
from ..pipeline.intake import VIETNAM
from ..registers.outgoing import OUTGOING
from . import states
from .pressing import adopt, run_press
from .records import CaseView, Revision, move_case, raced, read_case, write_revision
from .reservations import find_reservation, number_of_another
from .states import Case
from .tools import desk_of

Registry = tuple[RegisteredCertificate, ...]
TRIES: Final = 8  # another process may take the number that was written; then the next one is


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    number: int
    document_date: date
    reservation: UUID

    @property
    def text(self) -> str:
        return number_text(self.number)


def number_text(number: int) -> str:
    """Số nhỏ hơn 10 viết thêm số 0 (NĐ 30/2020 Phụ lục I, Phần I, II.3)."""
    return f"{number:02d}"


def date_text(place: str | None, day: date) -> str:
    """Ngày dưới 10 và tháng 1, 2 viết thêm số 0 (Phụ lục I, Phần I, II.4.b)."""
    months = f"{day.month:02d}" if day.month < 3 else str(day.month)
    text = f"ngày {day.day:02d} tháng {months} năm {day.year}"
    return f"{place}, {text}" if place else text


class _Overtaken(Exception):  # noqa: N818 - no fault: the number that was written went to somebody else
    """Rolls the transaction back."""


async def number_case(
    node: Node, agency_id: UUID, case_id: UUID, *, by: str, on: date | None = None, reservation: UUID | None = None
) -> Numbered:
    """Allot or take up a number. Raise SIGNING_NUMBER_TOO_EARLY, SIGNING_SOURCE_MISSING, SIGNING_FORM_UNCHECKED."""
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id)
        if case.row["number"] is not None:
            return _numbered(case)
        _require_ready(case)
        taken = await _taken_up(node, conn, agency_id, case, reservation)
        registry = await _registry(node, conn, agency_id)
    day = on or node.clock().astimezone(VIETNAM).date()
    if day > node.clock().astimezone(VIETNAM).date():
        raise GatewayError("SIGNING_DATE", "Ngày ban hành không được ở tương lai.")
    if taken is not None and taken["year"] != day.year:
        raise GatewayError("RESERVATION_UNKNOWN", "Số giữ trước thuộc năm khác với ngày ban hành.")
    lock = desk_of(node.desk).books[agency_id, case.row["book"], day.year]
    async with lock:
        for _ in range(TRIES):
            try:
                return await _try(node, agency_id, case, day, taken, registry, by)
            except _Overtaken:
                continue
            except UniqueViolationError as error:
                raise number_of_another(error) from error
    raise GatewayError("SIGNING_NUMBER_BUSY", "Sổ đang được cấp số dồn dập; xin thử lại.", retry_after=1)


def _numbered(case: CaseView) -> Numbered:
    row = case.row
    return Numbered(number=row["number"], document_date=row["document_date"], reservation=row["reservation"])


def _require_ready(case: CaseView) -> None:
    """NA-9.2: no number without the leader's signature; GD-8 (2): none without source and form check."""
    if case.state in (Case.INITIALS, Case.LEADER):
        message = "Chưa được cấp số: người có thẩm quyền chưa ký văn bản."
        if case.row["flow"] == Flow.NUMBER_FIRST:
            message = "Chưa được cấp số: văn bản còn chờ ký nháy."
        raise GatewayError("SIGNING_NUMBER_TOO_EARLY", message)
    if case.state is not Case.NUMBER:
        raise GatewayError("SIGNING_NOT_NOW", f"Hồ sơ đang ở bước “{states.LABELS[case.state]}”, không cấp số được.")
    if case.row["profile"]["source_required"]:
        if not any(file["kind"] == "source" for file in case.files):
            raise GatewayError("SIGNING_SOURCE_MISSING", "Quy chế của cơ quan đòi tệp nguồn gửi kèm trước khi cấp số.")
        if case.row["form_checked_by"] is None:
            raise GatewayError("SIGNING_FORM_UNCHECKED", "Văn phòng chưa xác nhận thể thức nên chưa cấp số.")


async def _taken_up(
    node: Node, conn: Connection, agency_id: UUID, case: CaseView, reservation: UUID | None
) -> Any | None:
    if reservation is None:
        return None
    return await find_reservation(node, conn, agency_id, case.request, reservation)


async def _registry(node: Node, conn: Connection, agency_id: UUID) -> Registry:
    agency = await own_agency(node, conn, agency_id)
    now = node.clock()
    rules = await rules_for(node, conn, sender=agency.code, sender_name=agency.name, on=None, received_at=now)
    return rules.registry


async def _try(
    node: Node, agency_id: UUID, case: CaseView, day: date, taken: Any | None, registry: Registry, by: str
) -> Numbered:
    """One go: write the revision with the number that is expected, then allot it."""
    key = {"agency_id": agency_id, "book": case.row["book"], "year": day.year}
    if taken is None:
        async with node.db.unit(agency_id) as conn:
            last = await node.db.queries.last_number(conn, **key)
        expected = (last["last"] if last else 0) + 1
    else:
        expected = taken["number"]
    stored = await _fill(node, agency_id, case, expected, day, registry)
    async with node.db.unit(agency_id) as conn:
        now = await read_case(node, conn, agency_id, case.id, lock=True)
        if now.row["number"] is not None:
            return _numbered(now)
        if now.state is not Case.NUMBER:
            raise raced()
        reservation = await _allot(node, conn, now, key, expected, taken)
        numbered = Numbered(number=expected, document_date=day, reservation=reservation)
        await _write(node, conn, agency_id, now, numbered, stored, case.main["sha256"], by)
    return numbered


async def _fill(node: Node, agency_id: UUID, case: CaseView, number: int, day: date, registry: Registry) -> StoredFile:
    target: Path = await node.files.new_temporary()
    async with node.files.at_hand(agency_id, case.main["sha256"]) as source:
        job = FillJob(
            source=str(source),
            target=str(target),
            number=number_text(number),
            date=date_text(case.request.place, day),
            registry=registry,
        )
        result = from_json(FillResult, await run_press(node, "fill_pdf", job, target))
    return await adopt(node, agency_id, target, result.sha256)


async def _allot(
    node: Node, conn: Connection, case: CaseView, key: dict[str, Any], expected: int, taken: Any | None
) -> UUID:
    """The counter row is locked from here to the commit, which is two statements away."""
    if taken is not None:
        found: UUID = taken["id"]
        return found
    number = await node.db.queries.next_number(conn, direction=OUTGOING, **key)
    if number != expected:
        raise _Overtaken
    reservation = node.new_id()
    await node.db.queries.insert_reservation(
        conn,
        id=reservation,
        number=number,
        notation=case.row["notation"],
        doc_subject=case.row["subject"],
        **key,
    )
    return reservation


async def _write(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case: CaseView,
    numbered: Numbered,
    stored: StoredFile,
    before: str,
    by: str,
) -> None:
    await node.db.queries.give_signing_number(
        conn,
        id=case.id,
        number=numbered.number,
        document_date=numbered.document_date,
        reservation=numbered.reservation,
    )
    revision = Revision(position=0, step="number", before=before, after=stored.sha256, size=stored.size)
    await write_revision(node, conn, agency_id, case.id, revision, actor=by)
    detail = {"number": numbered.number, "reservation": str(numbered.reservation)}
    after = states.AFTER[case.row["flow"]][Case.NUMBER]
    await move_case(node, conn, case, after, actor=by, detail=detail)
