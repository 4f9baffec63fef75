"""/v1/signing/cases: open, read, number, return, release. Handlers only translate."""

from __future__ import annotations

from contextlib import aclosing
from datetime import date
from functools import partial
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from ...edxml.errors import EdxmlError
from ..desk import deciding, numbering, opening, releasing
from ..desk.records import CaseView, read_case
from ..desk.values import CaseRequest, request_from_json
from ..errors import GatewayError, InputFault
from ..identifiers import Noun, show
from ..metadata import metadata_from_json
from ..node import Node
from ..pipeline.intake import MAX_FILES, VIETNAM
from ..submissions import Metadata
from .body import BodyLimits, read_parts
from .calls import Call, reply
from .faults import check
from .intake import Judged, Taken, take_in
from .signing_views import case_summary, case_view
from .stored import Stored, send_kept
from .text import clean

_UNKNOWN_SIZE: Final = 1_000_000  # bytes asked of the disk when the body does not say how long it is
_PULSE: Final = 60.0


async def create_case(call: Call) -> web.Response:
    """The same key with the same content answers with the case as it stands now."""
    node, agency_id = call.node, call.agency.agency_id
    with call.surface.gate.upload(call.request.content_length or _UNKNOWN_SIZE):
        taken = await _take(call)
        if taken.faults:
            raise GatewayError("SIGNING_REQUEST_INVALID", taken.faults[0].message, faults=taken.faults)
        opened = await opening.open_case(
            node,
            agency_id,
            request_from_json(taken.judged.raw),
            taken.judged.raw,
            taken.files,
            key=call.parameters["Idempotency-Key"],
            actor=call.agency.actor,
        )
    headers = {"Location": f"/v1/signing/cases/{show(Noun.SIGNING_CASE, opened.case_id)}"}
    if not opened.new:
        headers["Idempotency-Replayed"] = "true"
    view = await _view(node, agency_id, opened.case_id, warnings=opened.warnings)
    return reply(view, status=201 if opened.new else 200, headers=headers)


async def _take(call: Call) -> Taken:
    http = call.node.settings.http
    limits = BodyLimits(size=http.max_body_bytes, parts=MAX_FILES + 1, idle=http.body_timeout_s, pulse=_PULSE)
    sink = partial(call.node.files.receive, call.agency.agency_id, limit=http.max_file_bytes)
    async with aclosing(read_parts(call.request, limits, _alive)) as events:
        return await take_in(
            events, judge=partial(_judge, call), open_sink=sink, metadata_limit=http.max_metadata_bytes
        )


async def _alive() -> None:
    return None


async def _judge(call: Call, raw: dict[str, Any]) -> Judged:
    """Schema, then secrecy and the rules that need no file: before a byte of one is kept."""
    raw, faults = clean(raw)
    faults = faults or check(call.surface.contract.signing, raw)
    if faults:
        raise GatewayError("SIGNING_REQUEST_INVALID", faults[0].message, faults=faults)
    request: CaseRequest = request_from_json(raw)
    opening.quick_check(request, today=call.node.clock().astimezone(VIETNAM).date())
    return Judged(raw=raw)


async def list_cases(call: Call) -> web.Response:
    limit: int = call.parameters["limit"]
    async with call.node.db.unit(call.agency.agency_id) as conn:
        found = call.node.db.queries.signing_case_page(
            conn,
            agency_id=call.agency.agency_id,
            after=call.cursor(Noun.SIGNING_CASE),
            state=call.parameters["state"],
            limit=limit + 1,
        )
        rows = [row async for row in found]
    more, rows = rows[limit:], rows[:limit]
    following = show(Noun.SIGNING_CASE, rows[-1]["id"]) if more else None
    return reply({"items": [case_summary(row) for row in rows], "next": following})


async def show_case(call: Call) -> web.Response:
    return reply(await _view(call.node, call.agency.agency_id, _case_id(call)))


async def fetch_file(call: Call) -> web.StreamResponse:
    """The current revision; final once the case is signed."""
    node, agency_id = call.node, call.agency.agency_id
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, _case_id(call))
    return await send_kept(call.request, node.files, agency_id, stored_file(case, call.parameters["n"]))


def stored_file(case: CaseView, position: int) -> Stored:
    """Raise FILE_NOT_FOUND."""
    file = next((one for one in case.files if one["position"] == position), None)
    if file is None:
        raise GatewayError("FILE_NOT_FOUND", "Hồ sơ ký không có tệp mang thứ tự này.")
    return Stored(
        sha256=file["sha256"],
        size=file["size"],
        name=file["name"],
        content_type=file["content_type"],
    )


async def check_form(call: Call) -> web.Response:
    await deciding.check_form(call.node, call.agency.agency_id, _case_id(call), by=_actor(call))
    return await show_case(call)


async def number_case(call: Call) -> web.Response:
    asked, reservation = call.body.get("document_date"), call.body.get("reservation")
    await numbering.number_case(
        call.node,
        call.agency.agency_id,
        _case_id(call),
        by=_actor(call),
        on=date.fromisoformat(asked) if asked else None,
        reservation=UUID(reservation) if reservation else None,
    )
    return await show_case(call)


async def return_case(call: Call) -> web.Response:
    await deciding.return_case(
        call.node, call.agency.agency_id, _case_id(call), by=_actor(call), reason=call.body["reason"]
    )
    return await show_case(call)


async def cancel_case(call: Call) -> web.Response:
    await deciding.cancel_case(
        call.node, call.agency.agency_id, _case_id(call), by=_actor(call), reason=call.body["reason"]
    )
    return await show_case(call)


async def release_case(call: Call) -> web.Response:
    await releasing.release(
        call.node,
        call.agency.agency_id,
        _case_id(call),
        by=_actor(call),
        document=call.body.get("document"),
        parse=partial(_metadata, call),
    )
    return await show_case(call)


def _metadata(call: Call, raw: dict[str, Any]) -> Metadata:
    """Raise SUBMISSION_INVALID: what is released is a submission like any other."""
    faults = check(call.surface.contract.metadata, raw)
    if faults:
        raise GatewayError("SUBMISSION_INVALID", faults[0].message, faults=faults)
    try:
        return metadata_from_json(raw)
    except EdxmlError as error:
        fault = InputFault(code=error.code, place="/recipients", message=error.message)
        raise GatewayError("SUBMISSION_INVALID", error.message, faults=[fault]) from error


def _case_id(call: Call) -> UUID:
    return call.identifier(Noun.SIGNING_CASE)


def _actor(call: Call) -> str:
    """The key that called and the person it speaks for."""
    return f"{call.agency.actor}:{call.body['by']}"


async def _view(node: Node, agency_id: UUID, case_id: UUID, *, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    queries, key = node.db.queries, {"case_id": case_id}
    async with node.db.unit(agency_id) as conn:
        case = await read_case(node, conn, agency_id, case_id)
        return case_view(
            case,
            revisions=[row async for row in queries.signing_revisions(conn, **key)],
            signatures=[row async for row in queries.signatures_of_case(conn, **key)],
            events=[row async for row in queries.events_of_signing_case(conn, **key)],
            warnings=warnings,
        )
