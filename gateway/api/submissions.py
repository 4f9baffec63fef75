"""POST /v1/documents and /v1/validations: from a multipart body to a Submission and its answer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, Final

import asyncpg
from aiohttp import web

from ...edxml.errors import EdxmlError
from ...queue.port import Connection
from ...signing.report import FileReport, Overall
from ...signing.report_json import report_to_json
from .. import idempotency
from ..errors import GatewayError, InputFault
from ..exchanges import Subject, label
from ..files.local import LocalStore
from ..idempotency import EXTEND_AFTER, Claim, Earlier, request_hash
from ..identifiers import Noun, show
from ..metadata import metadata_from_json
from ..node import Node
from ..pipeline.intake import MAX_FILES, refuse_secret
from ..pipeline.outward import Rehearsal, accept, precheck, rehearse
from ..postgres.errors import DatabaseError
from ..submissions import Accepted, Metadata, Submission, SubmittedFile
from .body import Alive, BodyLimits, read_parts
from .calls import TRACE, Call, reply
from .faults import check
from .intake import DigestOnly, Judge, Judged, Sink, Taken, take_in
from .text import clean

_GOOD: Final = (Overall.VALID, Overall.NOT_APPLICABLE)  # what is sent without waiting for a person
_UNKNOWN_SIZE: Final = 1_000_000  # bytes asked of the disk when the body does not say how long it is


# Submit --------------------------------------------------------------------------------------------------------------


async def submit_document(call: Call) -> web.Response:
    """Claim the key, take in, accept; or give the earlier answer again."""
    with call.surface.gate.upload(call.request.content_length or _UNKNOWN_SIZE):
        turn = await _claim(call)
        if isinstance(turn, Earlier):
            return await _replay(call, turn)
        try:
            return _accepted(await _carry_out(call, turn))
        except BaseException:  # whatever ended it, cancellation too: the key is free again, and the error goes on
            call.surface.abandoned.add(turn)
            with suppress(DatabaseError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await _free_abandoned(call)  # else the next request does it, or the claim expires by itself
            raise


async def _claim(call: Call) -> Claim | Earlier:
    await _free_abandoned(call)
    held = Claim(agency_id=call.agency.agency_id, key=call.parameters["Idempotency-Key"], token=call.node.new_id())
    try:
        return await idempotency.claim(call.node, held.agency_id, held.key, token=held.token)
    except GatewayError:  # a twin has the key
        raise
    except BaseException:  # nobody knows whether the claim was written
        call.surface.abandoned.add(held)
        raise


async def _free_abandoned(call: Call) -> None:
    """Keys of requests of this process that came to nothing, also those that fell with the database."""
    for held in tuple(call.surface.abandoned):
        await idempotency.give_up(call.node, held)
        call.surface.abandoned.discard(held)


async def _carry_out(call: Call, held: Claim) -> dict[str, Any]:
    node = call.node
    taken = await _take(
        call,
        judge=partial(_judge, call),
        open_sink=partial(node.files.receive, held.agency_id, limit=node.settings.http.max_file_bytes),
        alive=partial(idempotency.extend, node, held),
    )
    _refuse(taken.faults)
    meaning = request_hash(taken.judged.raw, taken.files)

    async def within(conn: Connection, accepted: Accepted) -> None:
        await idempotency.finish(
            node, conn, held, request_hash=meaning, exchange_id=accepted.exchange_id, answer=_answer(accepted)
        )

    return _answer(await accept(node, _submission(call, taken), within=within))


async def _replay(call: Call, earlier: Earlier) -> web.Response:
    """Nothing is kept and no rule is asked again: only whether it means the same."""

    async def only_clean(raw: dict[str, Any]) -> Judged:
        return Judged(raw=clean(raw)[0])

    sink = partial(DigestOnly, call.agency.agency_id)
    taken = await _take(call, judge=only_clean, open_sink=sink, alive=_nothing)
    return _accepted(earlier.replay(request_hash(taken.judged.raw, taken.files)), replayed=True)


async def _judge(call: Call, raw: dict[str, Any]) -> Judged:
    """Schema, then the rules that need no file."""
    raw, faults = clean(raw)
    faults = faults or check(call.surface.contract.metadata, raw)
    _refuse(faults)
    metadata = _metadata(raw)
    await precheck(call.node, call.agency.agency_id, metadata)
    return Judged(raw=raw, metadata=metadata)


def _accepted(answer: dict[str, Any], *, replayed: bool = False) -> web.Response:
    headers = {"Location": f"/v1/documents/{answer['id']}"}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return reply(answer, status=202, headers=headers)


def _answer(accepted: Accepted) -> dict[str, Any]:
    return {
        "id": show(Noun.EXCHANGE, accepted.exchange_id),
        "document_id": accepted.document_id,
        "state": accepted.state,
        "state_label": label(Subject.OUTWARD, accepted.state),
        "warnings": list(accepted.warnings),
    }


# Validate only -------------------------------------------------------------------------------------------------------


async def validate_document(call: Call) -> web.Response:
    """All faults at once and the reports of the signatures."""
    faults: list[InputFault] = []
    rehearsal: Rehearsal | None = None
    with call.surface.gate.upload(call.request.content_length or _UNKNOWN_SIZE):
        async with _passing_store(call.node) as node:
            sink = partial(node.files.receive, call.agency.agency_id, limit=node.settings.http.max_file_bytes)
            taken = await _take(call, judge=partial(_collect, call, faults), open_sink=sink, alive=_nothing)
            faults.extend(taken.faults)
            if not faults:
                rehearsal = await rehearse(node, _submission(call, taken))
                faults.extend(rehearsal.faults)
    return reply(_validation(taken, faults, rehearsal))


async def _collect(call: Call, faults: list[InputFault], raw: dict[str, Any]) -> Judged:
    """As ``_judge``, but faults are collected; only secrecy ends the call before a file is read."""
    raw, found = clean(raw)
    faults.extend(found or check(call.surface.contract.metadata, raw))
    if faults:
        return Judged(raw=raw)
    metadata = _metadata(raw)
    refuse_secret(metadata)
    try:
        await precheck(call.node, call.agency.agency_id, metadata)
    except GatewayError as error:
        if not error.faults:
            raise
        faults.extend(error.faults)
    return Judged(raw=raw, metadata=metadata)


@asynccontextmanager
async def _passing_store(node: Node) -> AsyncIterator[Node]:
    """The node with a file store of its own, which is gone afterwards: nothing is kept."""
    folder = node.scratch / f"validate-{node.new_id().hex}"
    try:
        yield replace(node, files=LocalStore(folder, token=lambda: node.new_id().hex, reserve=0))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _validation(taken: Taken, faults: Sequence[InputFault], rehearsal: Rehearsal | None) -> dict[str, Any]:
    reports = () if rehearsal is None else rehearsal.reports
    held = any(report is not None and report.overall not in _GOOD for report in reports)
    return {
        "acceptable": not faults and not held,
        "faults": [{"code": fault.code, "place": fault.place, "message": fault.message} for fault in faults],
        "files": [_file_answer(file, report) for file, report in zip_longest(taken.files, reports)],
    }


def _file_answer(file: SubmittedFile, report: FileReport | None) -> dict[str, Any]:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size,
        "overall": report.overall if report else None,
        "overall_label": report.overall.label if report else None,
        "report": report_to_json(report) if report else None,
    }


# Both ----------------------------------------------------------------------------------------------------------------


async def _take(call: Call, *, judge: Judge, open_sink: Callable[[], Sink], alive: Alive) -> Taken:
    http = call.node.settings.http
    limits = BodyLimits(
        size=http.max_body_bytes,
        parts=MAX_FILES + 1,
        idle=http.body_timeout_s,
        pulse=min(EXTEND_AFTER, http.body_timeout_s),
    )
    async with aclosing(read_parts(call.request, limits, alive)) as events:
        return await take_in(events, judge=judge, open_sink=open_sink, metadata_limit=http.max_metadata_bytes)


async def _nothing() -> None:
    return None


def _submission(call: Call, taken: Taken) -> Submission:
    return Submission(
        agency_id=call.agency.agency_id,
        metadata=taken.judged.metadata or _metadata(taken.judged.raw),
        raw_metadata=taken.judged.raw,
        files=taken.files,
        actor=call.agency.actor,
        traceparent=call.request[TRACE],
    )


def _metadata(raw: dict[str, Any]) -> Metadata:
    try:
        return metadata_from_json(raw)
    except EdxmlError as error:
        fault = InputFault(code=error.code, place="/recipients", message=error.message)
        raise GatewayError("SUBMISSION_INVALID", error.message, faults=[fault]) from error


def _refuse(faults: Sequence[InputFault]) -> None:
    if faults:
        raise GatewayError(
            "SUBMISSION_INVALID", f"Có {len(faults)} lỗi trong hồ sơ gửi: {faults[0].message}", faults=faults
        )
