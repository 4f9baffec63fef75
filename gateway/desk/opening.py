"""Opening a signing case: quick checks, the form of the document, then everything in one transaction.

The document gets its form (empty fields for number, date and signatures) before the case exists, so a crash in between
leaves nothing but bytes that nobody names; the same request under the same key then happens again, and once.
"""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...queue.port import Connection
from ...signing.json_values import from_json, to_json
from ...signing.sign_job import Capacity, Flow, Level, PrepareJob, PrepareResult, Subfilter
from ...signing.workers import WorkerError
from ..directory import own_agency
from ..errors import GatewayError, InputFault
from ..files.layout import StoredFile
from ..metadata import canonical
from ..node import Node
from ..pipeline.intake import VIETNAM
from ..policies.resolver import resolve
from ..submissions import SubmittedFile
from . import states
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    flow: Flow
    appearance: Appearance
    subfilter: Subfilter
    level: Level
    source_required: bool
    seal_diameter_mm: float

    def as_json(self) -> dict[str, Any]:
        value: dict[str, Any] = to_json(self)
        return value


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
        profile = await _profile(node, conn, agency_id, request)
    kinds = _kinds(request, files)
    prepared, warnings = await _prepare(node, agency_id, request, profile, files[0])
    case_id = node.new_id()
    async with node.db.unit(agency_id) as conn:
        number = await _reserved(node, conn, agency_id, request, profile)
        made = await _insert(node, conn, agency_id, case_id, request, raw, profile, number, key, meaning, actor)
        if not made:
            return _again(
                await node.db.queries.signing_case_of_key(conn, agency_id=agency_id, request_key=key), meaning
            )
        await _insert_files(node, conn, agency_id, case_id, kinds, files, prepared, actor)
    return Opened(case_id=case_id, new=True, warnings=warnings)


def _again(row: Any, meaning: str) -> Opened:
    if row["request_hash"] != meaning:
        raise GatewayError(
            "IDEMPOTENCY_CONFLICT",
            "Khóa Idempotency-Key này đã dùng cho một hồ sơ ký có nội dung khác; nội dung lần này không được nhận.",
        )
    return Opened(case_id=row["id"], new=False)


async def _profile(node: Node, conn: Connection, agency_id: UUID, request: CaseRequest) -> _Profile:
    """What was asked for, else the agency's rule of the day, else the node's settings."""
    agency = await own_agency(node, conn, agency_id)
    today = node.clock().astimezone(VIETNAM).date()
    keys = ("flow", "appearance", "source_required")
    rule = await resolve(node, conn, *keys, agency_code=agency.code.value, on=today)
    signing = node.settings.signing
    level = request.level or Level(signing.level)
    return _Profile(
        flow=request.flow or Flow(rule["flow"].value),
        appearance=request.appearance or Appearance(rule["appearance"].value),
        subfilter=request.subfilter or Subfilter(signing.subfilter),
        level=level if signing.tsa_url else Level.B_B,
        source_required=bool(rule["source_required"].value),
        seal_diameter_mm=request.seal_diameter_mm or signing.seal_diameter_mm,
    )


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
    node: Node, agency_id: UUID, request: CaseRequest, profile: _Profile, main: SubmittedFile
) -> tuple[StoredFile | None, tuple[str, ...]]:
    """The main document with its form; a scan gets none, because what is signed on paper has no fields."""
    if profile.flow is Flow.PAPER_SCAN:
        return None, ()
    target = await node.files.new_temporary()
    job = PrepareJob(
        source=str(node.files.path(agency_id, main.sha256)),
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


async def run_press(node: Node, name: str, job: object, target: Path) -> dict[str, Any]:
    """A sandboxed job on a PDF; what it left of ``target`` goes with its failure. Raise WorkerError, SIGNING_OFF."""
    try:
        return await desk_of(node.desk).press.run(name, to_json(job))
    except WorkerError:
        await asyncio.to_thread(target.unlink, missing_ok=True)
        raise


async def adopt(node: Node, agency_id: UUID, path: Path, sha256: str) -> StoredFile:
    """Into the file store, durable; raise SIGNING_FILE_CHANGED when it is not what the job said it wrote."""
    stored = await node.files.adopt(agency_id, path)
    if stored.sha256 != sha256:
        raise GatewayError("SIGNING_FILE_CHANGED", "Tệp vừa ghi khác mã băm mà bước ký đã báo; bản này bị bỏ.")
    return stored


async def _reserved(
    node: Node, conn: Connection, agency_id: UUID, request: CaseRequest, profile: _Profile
) -> dict[str, Any]:
    """The number that was reserved before, for a paper that is already numbered."""
    if request.reservation is None:
        return {"number": None, "document_date": None, "reservation": None}
    if profile.flow is not Flow.PAPER_SCAN:
        raise GatewayError("SIGNING_REQUEST_INVALID", "Số giữ trước chỉ nêu khi số hóa bản giấy, hoặc ở bước cấp số.")
    row = await find_reservation(node, conn, agency_id, request, request.reservation)
    return {"number": row["number"], "document_date": request.document_date, "reservation": row["id"]}


async def find_reservation(
    node: Node, conn: Connection, agency_id: UUID, request: CaseRequest, reservation: UUID
) -> Any:
    """Raise RESERVATION_UNKNOWN or RESERVATION_USED."""
    row = await node.db.queries.reservation_by_id(conn, id=reservation, agency_id=agency_id)
    if row is None or (row["book"], row["notation"]) != (request.book, request.notation):
        raise GatewayError("RESERVATION_UNKNOWN", "Mã giữ số không có, hoặc khác sổ hay ký hiệu với văn bản này.")
    if row["used_by"] is not None:
        raise GatewayError("RESERVATION_USED", "Số giữ trước này đã dùng cho văn bản khác.")
    return row


async def _insert(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case_id: UUID,
    request: CaseRequest,
    raw: dict[str, Any],
    profile: _Profile,
    number: dict[str, Any],
    key: str,
    meaning: str,
    actor: str,
) -> bool:
    made = await node.db.queries.insert_signing_case(
        conn,
        id=case_id,
        agency_id=agency_id,
        request_key=key,
        request_hash=meaning,
        flow=profile.flow,
        state=states.first(profile.flow, initials=request.initials),
        book=request.book,
        notation=request.notation,
        type_name=request.type_name,
        doc_subject=request.subject,
        request=raw,
        profile=profile.as_json(),
        initials=request.initials,
        actor=actor,
        **number,
    )
    return made is not None


async def _insert_files(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    case_id: UUID,
    kinds: Sequence[str],
    files: Sequence[SubmittedFile],
    prepared: StoredFile | None,
    actor: str,
) -> None:
    current: list[SubmittedFile | StoredFile] = [*files]
    if prepared is not None:
        current[0] = prepared
    await node.db.queries.insert_signing_files(
        conn,
        case_id=case_id,
        agency_id=agency_id,
        kinds=list(kinds),
        names=[file.name for file in files],
        descriptions=[file.description for file in files],
        content_types=[file.content_type for file in files],
        revisions=[1 if one is prepared else 0 for one in current],
        digests=[one.sha256 for one in current],
        sizes=[one.size for one in current],
    )
    written: list[tuple[int, int, str, SubmittedFile | StoredFile]] = [
        (position, 0, "received", file) for position, file in enumerate(files)
    ]
    if prepared is not None:
        written.append((0, 1, "prepared", prepared))
    for position, revision, step, file in written:
        await node.db.queries.insert_signing_revision(
            conn,
            case_id=case_id,
            position=position,
            revision=revision,
            agency_id=agency_id,
            step=step,
            sha256=file.sha256,
            size=file.size,
            actor=actor,
        )
