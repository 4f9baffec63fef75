"""The operations of the server side, one function each, and the table that joins them to their paths."""

from __future__ import annotations

import asyncio
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from ..axis import AckWord, MessageKind
from . import listing
from .backend import AgencyForm, Arrival, Refusal, Window
from .calls import Call, ServerSide, refuse
from .protocol import BLOCK, BODY_END, Operation, printed_hash
from .uploads import UploadTooLargeError, receive_body

Handler = Callable[[ServerSide, Call], Awaitable[web.StreamResponse]]
MAX_FORM = 64 * 1024
GETEDOC_BLOCK = 3 * (BLOCK // 3)  # whole groups of base64


async def _send(server: ServerSide, call: Call) -> web.StreamResponse:
    sender = call.param("from") or ""
    if not await server.backend.owns(call.system_id, sender):
        text = f"Don vi gui {sender} khong dung voi ma da dang ky: {call.system_id}"
        return refuse(Operation.SEND, Refusal(code="19", text=text))
    kind = call.kind
    if kind is None:
        return refuse(Operation.SEND, Refusal(code="20", text="messagetype khong hop le"))
    path = server.settings.incoming / server.names()
    try:
        answer = await _take(server, call, kind, sender, path)
    finally:
        path.unlink(missing_ok=True)
    return answer if isinstance(answer, web.StreamResponse) else listing.succeed(DocId=answer)


async def _take(server: ServerSide, call: Call, kind: MessageKind, sender: str, path: Path) -> str | web.StreamResponse:
    too_large = Refusal(code="10", text=f"Goi tin lon hon {server.settings.max_body} byte")
    if (call.request.content_length or 0) > server.settings.max_body + len(BODY_END):
        return refuse(Operation.SEND, too_large, status=413)
    try:
        body = await receive_body(call.request.content.iter_chunked(BLOCK), path, server.settings.max_body)
    except UploadTooLargeError:
        return refuse(Operation.SEND, too_large, status=413)
    forms = server.settings.hash_forms
    digest = bytes.fromhex(body.sha256)
    if forms and call.param("hash-file") not in {printed_hash(digest, form) for form in forms}:
        return refuse(Operation.SEND, Refusal(code="10", text="hash-file khong khop noi dung"))
    answer = await server.backend.accept(
        Arrival(
            system_id=call.system_id,
            sender_code=sender,
            kind=kind,
            header_receivers=_receivers(call.param("to")),
            path=path,
            size=body.size,
            sha256=body.sha256,
        )
    )
    return refuse(Operation.SEND, answer) if isinstance(answer, Refusal) else answer


def _receivers(text: str | None) -> tuple[str, ...]:
    """JSON array, quoted JSON text or a bare code left over from another call."""
    value: object = text or ""
    for _ in range(2):
        if isinstance(value, str) and value.lstrip()[:1] in {"[", '"'}:
            try:
                value = json.loads(value)
            except ValueError:
                return ()
    if isinstance(value, list):
        return tuple(code for code in value if isinstance(code, str))
    return (value,) if isinstance(value, str) and value else ()


async def _received(server: ServerSide, call: Call) -> web.StreamResponse:
    kind = call.kind
    if kind is None:
        return refuse(Operation.RECEIVED, Refusal(code="20", text="messagetype khong hop le"))
    items = await server.backend.received(call.system_id, kind, call.window)
    return listing.succeed(data=[listing.received_row(item) for item in items])


async def _sent(server: ServerSide, call: Call) -> web.StreamResponse:
    kind = call.kind or MessageKind.DOCUMENT
    rows = await server.backend.sent(call.system_id, kind, call.param("docId"), call.window)
    return listing.succeed(data=[listing.sent_row(row, kind.value) for row in rows])


async def _download(server: ServerSide, call: Call) -> web.StreamResponse:
    path = await server.backend.package(call.system_id, call.param("docId") or "")
    if path is None:
        return web.Response(status=404)
    return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})


async def _get(server: ServerSide, call: Call) -> web.StreamResponse:
    path = await server.backend.package(call.system_id, call.param("docId") or "")
    if path is None:
        return refuse(Operation.GET, Refusal(code="20", text="Khong tim thay van ban"))
    return await _encoded_package(call.request, path)


async def _encoded_package(request: web.Request, path: Path) -> web.StreamResponse:
    """The package as base64 inside JSON, written in steps."""
    head = b'{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","data":"'
    with await asyncio.to_thread(path.open, "rb") as source:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(head)
        while block := await asyncio.to_thread(source.read, GETEDOC_BLOCK):
            await response.write(binascii.b2a_base64(block, newline=False))
        await response.write(b'"}')
    await response.write_eof()
    return response


async def _update(server: ServerSide, call: Call) -> web.StreamResponse:
    try:
        word = AckWord((call.param("status") or "").lower())
    except ValueError:
        return refuse(Operation.UPDATE, Refusal(code="20", text="Trang thai khong hop le"))
    refusal = await server.backend.update(call.system_id, call.param("docId") or "", word)
    return refuse(Operation.UPDATE, refusal) if refusal else listing.succeed()


async def _agencies(server: ServerSide, call: Call) -> web.StreamResponse:
    del call
    return listing.succeed(data=[listing.agency_row(agency) async for agency in server.backend.agencies()])


async def _agencies_qd20(server: ServerSide, call: Call) -> web.StreamResponse:
    del call
    rows = [listing.qd20_row(agency) async for agency in server.backend.agencies() if agency.code102]
    return listing.succeed(data=rows)


async def _units(server: ServerSide, call: Call) -> web.StreamResponse:
    del call
    return listing.succeed(data=[listing.unit_row(agency) async for agency in server.backend.agencies()])


async def _register(server: ServerSide, call: Call) -> web.StreamResponse:
    body = await call.request.content.read(MAX_FORM)
    try:
        fields = json.loads(body)
        form = AgencyForm(
            id=fields.get("id", ""),
            parent_code=fields.get("pcode", ""),
            code=fields["code"],
            name=fields["name"],
            mail=fields.get("mail", ""),
        )
    except (ValueError, KeyError, AttributeError):
        return refuse(Operation.REGISTER, Refusal(code="20", text="Noi dung dang ky khong hop le"))
    refusal = await server.backend.register_agency(call.system_id, form)
    return refuse(Operation.REGISTER, refusal) if refusal else listing.succeed()


async def _delete(server: ServerSide, call: Call) -> web.StreamResponse:
    refusal = await server.backend.delete_agency(call.system_id, call.param("AgencyCode") or "")
    return refuse(Operation.DELETE, refusal) if refusal else listing.succeed()


async def _count_documents(server: ServerSide, call: Call) -> web.StreamResponse:
    return await _count(server, call, MessageKind.DOCUMENT)


async def _count_statuses(server: ServerSide, call: Call) -> web.StreamResponse:
    return await _count(server, call, MessageKind.STATUS)


async def _count(server: ServerSide, call: Call, kind: MessageKind) -> web.StreamResponse:
    items = await server.backend.received(call.system_id, kind, Window())
    return listing.succeed(count=str(len(items)))


HANDLERS: Mapping[Operation, Handler] = {
    Operation.AGENCIES: _agencies,
    Operation.AGENCIES_QD20: _agencies_qd20,
    Operation.SYNC_UNITS: _units,
    Operation.REGISTER: _register,
    Operation.DELETE: _delete,
    Operation.RECEIVED: _received,
    Operation.GET: _get,
    Operation.DOWNLOAD: _download,
    Operation.UPDATE: _update,
    Operation.SEND: _send,
    Operation.SENT: _sent,
    Operation.COUNT_DOCUMENTS: _count_documents,
    Operation.COUNT_STATUSES: _count_statuses,
}
