"""/v1/signing: sessions, tokens, pictures and tickets, what needs a key and a holder. Handlers only translate."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from ...signing.tokens import TokenAddress
from ..desk import pictures, sessions, tickets
from ..desk.signing import sign_batch
from ..desk.states import Role
from ..desk.tickets import Channel
from ..desk.tools import desk_of
from ..errors import GatewayError
from ..identifiers import Noun, parse
from .calls import Call, moment, reply
from .signing_views import issued_view, outcome_view, session_view, token_view

SECRET_BYTES: Final = 24


async def list_tokens(call: Call) -> web.Response:
    return reply({"items": [token_view(token) for token in await sessions.tokens(call.node)]})


async def open_session(call: Call) -> web.Response:
    body = call.body
    wanted = sessions.Wanted(
        role=Role(body["role"]),
        cases=tuple(parse(Noun.SIGNING_CASE, one) for one in body["cases"]),
        address=TokenAddress(module=body["token"]["module"], serial=body["token"]["serial"]),
        certificate_sha256=body["certificate"],
        minutes=body.get("minutes"),
    )
    started = await sessions.open_session(
        call.node,
        call.agency.agency_id,
        wanted,
        body["pin"],
        actor=f"{call.agency.actor}:{body['by']}",
        secret=secrets.token_hex(SECRET_BYTES),
    )
    view = await _view(call, started.session.id)
    return reply({**view, "secret": started.secret}, status=201)


async def show_session(call: Call) -> web.Response:
    return reply(await _view(call, _session_id(call)))


async def sign(call: Call) -> web.Response:
    """Every case by itself; the answer says what became of each."""
    session = await sessions.attended(
        call.node, call.agency.agency_id, _session_id(call), call.parameters["Signing-Session"]
    )
    asked = [parse(Noun.SIGNING_CASE, one) for one in call.body["cases"]]
    outcomes = await sign_batch(call.node, session, asked)
    return reply({"items": [outcome_view(outcome) for outcome in outcomes], "expires_at": moment(session.expires_at)})


async def close_session(call: Call) -> web.Response:
    """Whoever has the agency's key may close: letting go of a key endangers nothing."""
    desk, session_id = desk_of(call.node.desk), _session_id(call)
    session = desk.sessions.get(session_id)
    if session is not None and session.agency_id == call.agency.agency_id:
        await sessions.end_session(call.node, desk, session, "closed")
    return reply(await _view(call, session_id))


async def set_picture(call: Call) -> web.Response:
    try:
        content = base64.b64decode(call.body["png"], validate=True)
    except binascii.Error as error:
        raise GatewayError("SIGNING_PICTURE", "Hình phải là PNG ở dạng base64.") from error
    stored = await pictures.set_picture(
        call.node, call.agency.agency_id, call.body["certificate"], content, actor=call.agency.actor
    )
    return reply({"certificate": call.body["certificate"], "sha256": stored.sha256, "size": stored.size})


async def issue_ticket(call: Call) -> web.Response:
    channel = Channel(call.body["channel"])
    issued = await tickets.issue(
        call.node,
        call.agency.agency_id,
        call.identifier(Noun.SIGNING_CASE),
        channel=channel,
        certificate_sha256=call.body["certificate"],
        minutes=call.body.get("minutes"),
        actor=f"{call.agency.actor}:{call.body['by']}",
        secret=f"ve_{secrets.token_hex(SECRET_BYTES)}",
    )
    place = "vgca" if channel is Channel.VGCA else "tickets"
    return reply(issued_view(issued, f"{public_url(call)}/v1/signing/{place}/{issued.ticket}"), status=201)


def public_url(call: Call) -> str:
    """Where the holder's computer finds this node."""
    return (call.node.settings.signing.public_url or str(call.request.url.origin())).rstrip("/")


def _session_id(call: Call) -> UUID:
    return call.identifier(Noun.SIGNING_SESSION)


async def _view(call: Call, session_id: UUID) -> dict[str, Any]:
    row, cases = await sessions.show_session(call.node, call.agency.agency_id, session_id)
    return session_view(row, cases)
