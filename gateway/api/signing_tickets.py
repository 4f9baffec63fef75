"""/v1/signing/tickets and /v1/signing/vgca: the ticket in the path is who calls; no key of an agency is needed."""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import aclosing
from pathlib import Path
from typing import Final

from aiohttp import web

from ...signing.errors import SigningError
from ..desk import external, vgca
from ..desk.tickets import Channel, look_up
from ..errors import GatewayError
from ..files.durable import digest_of, write_all
from ..files.errors import FileError
from ..identifiers import Noun, show
from .body import BodyLimits, read_parts
from .calls import Call, reply
from .multipart import PartData, PartStart
from .signing_cases import stored_file
from .signing_sessions import public_url
from .signing_views import start_view, ticket_view
from .stored import Stored, send_kept, send_stored

_PARTS: Final = 16  # of an upload; the tool sends its own fields beside the file
_PULSE: Final = 60.0
_UNKNOWN_SIZE: Final = 1_000_000


async def show_ticket(call: Call) -> web.Response:
    return reply(ticket_view(await look_up(call.node, call.parameters["ticket"], Channel.TICKET)))


async def fetch_file(call: Call) -> web.StreamResponse:
    ticket = await look_up(call.node, call.parameters["ticket"], Channel.TICKET)
    ticket.file(call.parameters["n"])
    stored = stored_file(ticket.case, call.parameters["n"])
    return await send_kept(call.request, call.node.files, ticket.agency_id, stored)


async def start(call: Call) -> web.Response:
    certificate = _bytes(call.body["certificate"])
    chain = [_bytes(one) for one in call.body.get("chain", ())]
    begun = await external.start(
        call.node, call.parameters["ticket"], call.parameters["n"], certificate=certificate, chain=chain
    )
    return reply(start_view(begun))


async def fetch_prepared(call: Call) -> web.StreamResponse:
    path = await external.prepared(call.node, call.parameters["ticket"], call.parameters["n"])
    sha256, size = await asyncio.to_thread(digest_of, path)
    stored = Stored(sha256=sha256, size=size, name="prepared.pdf", content_type="application/pdf")
    return await send_stored(call.request, stored, path)


async def finish(call: Call) -> web.Response:
    case = await external.finish(
        call.node, call.parameters["ticket"], call.parameters["n"], _bytes(call.body["signature"])
    )
    file = next(one for one in case.files if one["position"] == call.parameters["n"])
    return reply({"id": show(Noun.SIGNING_CASE, case.id), "state": case.state, "sha256": file["sha256"]})


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise GatewayError("REQUEST_INVALID", "Chứng thư và chữ ký phải ở dạng base64.") from error


# The VGCA tool -------------------------------------------------------------------------------------------------------


async def show_vgca(call: Call) -> web.Response:
    """The function and the object that the eOffice's page hands to ``vgcaplugin.js``."""
    secret, position = call.parameters["ticket"], call.parameters["n"]
    place = await vgca.find_place(call.node, secret, position)
    base = f"{public_url(call)}/v1/signing/vgca/{secret}/{position}"
    return reply({"function": vgca.FUNCTIONS[place.step], "request": vgca.plugin_request(place, base)})


async def fetch_vgca(call: Call) -> web.StreamResponse:
    place = await vgca.find_place(call.node, call.parameters["ticket"], call.parameters["n"])
    stored = stored_file(place.ticket.case, call.parameters["n"])
    return await send_kept(call.request, call.node.files, place.ticket.agency_id, stored)


async def upload_vgca(call: Call) -> web.Response:
    """The tool reads this form only: ``Status`` is a boolean, and a refusal is an answer, not an HTTP error."""
    secret, position = call.parameters["ticket"], call.parameters["n"]
    uploaded = call.node.scratch / f"upload-{call.node.new_id().hex}.pdf"
    try:
        with call.surface.gate.upload(call.request.content_length or _UNKNOWN_SIZE):
            place = await vgca.find_place(call.node, secret, position)
            await _receive(call, uploaded)
            case = await vgca.take_upload(call.node, secret, position, uploaded)
    except (GatewayError, SigningError, FileError) as error:
        return reply({"Status": False, "Message": f"{error.message} ({error.code})", "FileName": "", "FileServer": ""})
    finally:
        await asyncio.to_thread(uploaded.unlink, missing_ok=True)
    address = f"{public_url(call)}/v1/signing/cases/{show(Noun.SIGNING_CASE, case.id)}/files/{position}"
    return reply({"Status": True, "Message": "", "FileName": place.file["name"], "FileServer": address})


async def _receive(call: Call, target: Path) -> None:
    """The first part named ``uploadfile``, beside the store: what is refused leaves nothing."""
    http = call.node.settings.http
    limits = BodyLimits(size=http.max_body_bytes, parts=_PARTS, idle=http.body_timeout_s, pulse=_PULSE)
    size, wanted, found = 0, False, False
    with target.open("xb", buffering=0) as file:
        async with aclosing(read_parts(call.request, limits, _alive)) as events:
            async for event in events:
                if isinstance(event, PartStart):
                    wanted = not found and event.name == vgca.UPLOAD_FIELD
                    found = found or wanted
                elif isinstance(event, PartData) and wanted:
                    size += len(event.content)
                    if size > http.max_file_bytes:
                        raise GatewayError("FILE_TOO_LARGE", f"Tệp vượt quá {http.max_file_bytes} byte.")
                    await asyncio.to_thread(write_all, file, event.content)
    if size == 0:
        raise GatewayError("MULTIPART_PARTS", f"Thiếu phần “{vgca.UPLOAD_FIELD}”.")


async def _alive() -> None:
    return None
