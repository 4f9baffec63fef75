"""The directory as senders search it: by any code of an agency, or by a part of its name."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from ..directory import AgencySearch, search
from ..errors import GatewayError
from .calls import VIETNAM, Call, reply


async def find_agencies(call: Call) -> web.Response:
    limit: int = call.parameters["limit"]
    axis, axis_id = _read_cursor(call.parameters["after"])
    asked = AgencySearch(
        code=call.parameters["code"],
        name_part=call.parameters["q"],
        on=call.node.clock().astimezone(VIETNAM).date(),
        after=(axis, axis_id),
        limit=limit + 1,
    )
    async with call.node.db.unit(call.agency.agency_id) as conn:
        rows = await search(call.node, conn, asked)
    more = len(rows) > limit
    rows = rows[:limit]
    return reply({"items": [_agency(row) for row in rows], "next": _cursor(rows[-1]) if more else None})


def _agency(row: Any) -> dict[str, Any]:
    names = ("axis", "axis_id", "code", "code102", "old_code", "name", "parent_id", "email")
    days = ("valid_from", "valid_to")
    return {name: row[name] for name in names} | {
        name: row[name].isoformat() if row[name] is not None else None for name in days
    }


def _cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["axis"], row["axis_id"]]).encode()).decode()


def _read_cursor(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    try:
        axis, axis_id = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, TypeError) as error:
        raise _bad_cursor() from error
    if not isinstance(axis, str) or not isinstance(axis_id, str):
        raise _bad_cursor()
    return axis, axis_id


def _bad_cursor() -> GatewayError:
    return GatewayError("REQUEST_INVALID", "Con trỏ “after” không phải của danh sách này.")
