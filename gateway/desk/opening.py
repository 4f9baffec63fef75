"""Opening a signing case: quick checks, the form of the document, then everything in one transaction.

The document gets its form (empty fields for number, date and signatures) before the case exists, so a crash in between
leaves nothing but bytes that nobody names; the same request under the same key then happens again, and once.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...queue.port import Connection
from ...signing.copies import CopyForm
from ...signing.json_values import from_json
from ...signing.sign_job import Capacity, Flow, PrepareJob, PrepareResult
from ..errors import GatewayError, InputFault
from ..files.layout import StoredFile
from ..metadata import canonical
from ..node import Node
from ..submissions import SubmittedFile
from .filing import insert_case, insert_files
from .pressing import adopt, run_press
from .profiles import Profile, resolve_profile
from .reservations import find_reservation, number_of_another
from .tools import desk_of
from .values import Appearance, CaseRequest

_NOT_SECRET: Final = frozenset({"", "thường", "thuong", "không", "khong"})
_WRITTEN: Final = (Capacity.TUQ,)  # thừa ủy quyền: in writing and limited in time (NĐ 30/2020 Điều 13.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """``new`` is False when the same request had come before."""

    case_id: UUID
    new: bool
    warnings: tuple[str, ...] = ()


# 1. Before a file byte is stored -------------------------------------------------------------------------------------


def quick_check(request: CaseRequest, *, today: date) -> None:
    """Raise SECRET_REFUSED alone and first, else SIGNING_REQUEST_INVALID with all faults."""
    if unicodedata.normalize("NFC", request.secrecy).strip().casefold() not in _NOT_SECRET:
        raise GatewayError(
            "SECRET_REFUSED", f"Văn bản có độ mật “{request.secrecy.strip()}” không được ký qua hệ thống này."
        )
    faults = [*_delegation_faults(request, today), *_number_faults(request, today)]
    if faults:
        raise GatewayError("SIGNING_REQUEST_INVALID", faults[0].message, faults=faults)


def _delegation_faults(request: CaseRequest, today: date) -> list[InputFault]:
    signer = request.signer
    given = signer.delegation
    if signer.capacity is not None and given is None:
        return [_fault("/signer/delegation", f"Ký {signer.capacity.value} phải nêu ký thay hoặc theo ủy quyền của ai.")]
    if given is None:
        return []
    if signer.capacity is None:
        return [_fault("/signer/capacity", "Có ủy quyền thì phải ghi KT., TL., TUQ., TM. hoặc Q. trước chức vụ.")]
    if signer.capacity in _WRITTEN and (given.document is None or given.until is None):
        return [_fault("/signer/delegation", "Thừa ủy quyền phải nêu văn bản ủy quyền và thời hạn.")]
    if not given.covers(today):
        return [_fault("/signer/delegation", "Hôm nay nằm ngoài thời hạn được giao ký.")]
    return []


def _number_faults(request: CaseRequest, today: date) -> list[InputFault]:
    if request.flow is Flow.PAPER_SCAN and (request.reservation is None or request.document_date is None):
        return [_fault("/reservation", "Bản số hóa phải nêu mã giữ số và ngày của bản giấy đã ký.")]
    if request.copy_form is not CopyForm.TRUE_COPY and request.flow is not Flow.PAPER_SCAN:
        return [_fault("/copy_form", "Hình thức sao chỉ đặt được cho bản số hóa từ giấy (flow PAPER_SCAN).")]
    if request.document_date is not None and request.document_date > today:
        return [_fault("/document_date", "Ngày của văn bản không được ở tương lai.")]
    return []


def _fault(place: str, message: str) -> InputFault:
    return InputFault(code="SIGNING_REQUEST_INVALID", place=place, message=message)


def request_hash(raw: dict[str, Any], files: Sequence[SubmittedFile]) -> str:
    meaning = {"request": raw, "files": [[file.name, file.sha256, file.size] for file in files]}
    return hashlib.sha256(canonical(meaning)).hexdigest()


# 2. Open --------------------------------------------------------------------------------------------------------------


async def open_case(
    node: Node,
    agency_id: UUID,
    request: CaseRequest,
    raw: dict[str, Any],
    files: Sequence[SubmittedFile],
    *,
    key: str,
    actor: str,
) -> Opened:
    """Raise IDEMPOTENCY_CONFLICT, SIGNING_FILE_NOT_PDF, RESERVATION_UNKNOWN, RESERVATION_USED, the form's own code."""
    meaning = request_hash(raw, files)
    async with node.db.unit(agency_id) as conn:
        known = await node.db.queries.signing_case_of_key(conn, agency_id=agency_id, request_key=key)
        if known is not None:
            return _again(known, meaning)
        profile = await resolve_profile(node, conn, agency_id, request)
    kinds = _kinds(request, files)
    prepared, warnings = await _prepare(node, agency_id, request, profile, files[0])
    case_id = node.new_id()
    try:
        async with node.db.unit(agency_id) as conn:
            number = await _reserved(node, conn, agency_id, request, profile)
            made = await insert_case(node, conn, agency_id, case_id, request, raw, profile, number, key, meaning, actor)
            if not made:
                known = await node.db.queries.signing_case_of_key(conn, agency_id=agency_id, request_key=key)
                return _again(known, meaning)
            await insert_files(node, conn, agency_id, case_id, kinds, files, prepared, actor)
    except UniqueViolationError as error:
        raise number_of_another(error) from error
    return Opened(case_id=case_id, new=True, warnings=warnings)


def _again(row: Any, meaning: str) -> Opened:
    if row["request_hash"] != meaning:
        raise GatewayError(
            "IDEMPOTENCY_CONFLICT",
            "Khóa Idempotency-Key này đã dùng cho một hồ sơ ký có nội dung khác; nội dung lần này không được nhận.",
        )
    return Opened(case_id=row["id"], new=False)


def _kinds(request: CaseRequest, files: Sequence[SubmittedFile]) -> list[str]:
    """NĐ 30/2020 Phụ lục I, Phần I, III.1.d: each file that leaves is signed, so each must be one that can be."""
    sources = set(request.source_files)
    unknown = sources - {file.name for file in files[1:]}
    if unknown:
        raise GatewayError(
            "SIGNING_REQUEST_INVALID",
            "Tệp nguồn được nêu không có trong các tệp gửi kèm.",
            faults=[_fault("/source_files", f"Không có tệp “{name}”.") for name in sorted(unknown)],
        )
    kinds = ["main"]
    for file in files[1:]:
        kinds.append("source" if file.name in sources else "separate")
        if kinds[-1] == "separate" and not file.name.lower().endswith(".pdf"):
            raise GatewayError(
                "SIGNING_FILE_NOT_PDF",
                f"Tệp kèm theo “{file.name}” phải là PDF để cơ quan ký số; tệp nguồn thì khai trong source_files.",
            )
    return kinds


async def _prepare(
    node: Node, agency_id: UUID, request: CaseRequest, profile: Profile, main: SubmittedFile
) -> tuple[StoredFile | None, tuple[str, ...]]:
    """The main document with its form; a scan gets none, because what is signed on paper has no fields."""
    if profile.flow is Flow.PAPER_SCAN:
        await _require_scan(node, agency_id, main)
        return None, ()
    target = await node.files.new_temporary()
    async with node.files.at_hand(agency_id, main.sha256) as source:
        job = PrepareJob(
            source=str(source),
            target=str(target),
            flow=profile.flow,
            initials=request.initials,
            seal_diameter_mm=profile.seal_diameter_mm,
            seal_words=2 if profile.appearance is Appearance.TT01_2019 else 0,  # sealed_lines
            signer_block=request.signer.block,
            places=request.places,
        )
        answer = await run_press(node, "prepare_pdf", job, target)
    result = from_json(PrepareResult, answer)
    stored = await adopt(node, agency_id, target, result.sha256)
    return stored, tuple(warning.message for warning in result.warnings)


async def _require_scan(node: Node, agency_id: UUID, main: SubmittedFile) -> None:
    """PDF 1.4 or later, colour, 200 dpi, full scale (NĐ 30/2020 Phụ lục I, Phần II, I.2): told before anybody signs."""
    async with node.files.at_hand(agency_id, main.sha256) as path:
        answer = await desk_of(node.desk).press.run("digitised", {"path": str(path)})
    faults = [InputFault(code=one["code"], place="main", message=one["message"]) for one in answer["faults"]]
    if faults:
        raise GatewayError("SIGNING_REQUEST_INVALID", faults[0].message, faults=faults)


async def _reserved(
    node: Node, conn: Connection, agency_id: UUID, request: CaseRequest, profile: Profile
) -> dict[str, Any]:
    """The number that was reserved before, for a paper that is already numbered."""
    if request.reservation is None:
        return {"number": None, "document_date": None, "reservation": None}
    if profile.flow is not Flow.PAPER_SCAN:
        raise GatewayError("SIGNING_REQUEST_INVALID", "Số giữ trước chỉ nêu khi số hóa bản giấy, hoặc ở bước cấp số.")
    row = await find_reservation(node, conn, agency_id, request, request.reservation)
    return {"number": row["number"], "document_date": request.document_date, "reservation": row["id"]}
