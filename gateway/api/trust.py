"""The operators' part about trust: the register of certificates, what expires, what cannot be fetched."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from aiohttp import web

from ...edxml.identifiers import OrganCode
from ...signing.certificates import certificate_facts
from .. import expiry, registry
from ..errors import GatewayError
from ..registry import Ending, Entry, Role
from .calls import Call, moment, reply


async def list_certificates(call: Call) -> web.Response:
    limit: int = call.parameters["limit"]
    rows = await registry.page(
        call.node.db, agency=call.parameters["agency"], after=call.parameters["after"], limit=limit + 1
    )
    return reply(
        {"items": [_entry(row) for row in rows[:limit]], "next": rows[limit - 1]["id"] if rows[limit:] else None}
    )


async def add_certificate(call: Call) -> web.Response:
    facts = certificate_facts(_content(call.body["certificate"]))
    entry = Entry(
        facts=facts,
        agency=OrganCode.parse(call.body["agency"]),
        role=Role(call.body["role"]),
        title=call.body.get("title"),
    )
    number = await registry.add(call.node.db, entry, actor=call.operator.actor)
    return reply({"id": number, "sha256": facts.sha256, "holder": facts.holder})


def _content(text: str) -> bytes:
    """PEM as it is, DER out of base64. Raise SigningError SIG_CERTIFICATE_UNREADABLE for anything else."""
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise GatewayError(
            "SIG_CERTIFICATE_UNREADABLE", "Chứng thư phải ở dạng PEM, hoặc DER viết bằng base64."
        ) from error


async def end_certificate(call: Call) -> web.Response:
    at = call.body.get("at")
    ending = Ending(
        now=call.node.clock(),
        at=None if at is None else _at(at),
        actor=call.operator.actor,
        reason=call.body["reason"],
    )
    ended = await registry.end(call.node.db, call.parameters["sha256"], agency=None, ending=ending)
    return reply({"ended": ended})


def _at(text: str) -> datetime:
    """With its zone; of what the contract lets through, a 31 February is still none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise GatewayError("REQUEST_INVALID", f"Không có thời điểm “{text}”.") from error
    if at.tzinfo is None:
        raise GatewayError("REQUEST_INVALID", "Thời điểm phải có múi giờ.")
    return at


async def list_expiries(call: Call) -> web.Response:
    node, now = call.node, call.node.clock()
    found = await expiry.survey(node.db, node.settings, run=node.verifier.run, now=now)
    soon = [one for one in found if one.days_left(now) <= call.parameters["days"]]
    return reply({"items": [{**expiry.expiry_view(one, now), "expires_at": moment(one.expires_at)} for one in soon]})


async def show_revocation(call: Call) -> web.Response:
    desk = call.node.revocation
    troubles = [] if desk is None else desk.troubles()
    shown = [
        {
            "address": one.address,
            "subject": one.subject,
            "since": moment(one.since),
            "error": one.error,
            "expires": moment(one.expires),
            "lacking": one.lacking,
        }
        for one in troubles
    ]
    return reply({"fetching": desk is not None and desk.active, "troubles": shown})


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    shown = {
        name: row[name] for name in ("id", "sha256", "role", "holder", "title", "added_by", "ended_by", "end_reason")
    }
    times = {name: moment(row[name]) for name in ("valid_from", "valid_to", "added_at", "ended_at")}
    return {**shown, "agency": row["agency_code"], **times}
