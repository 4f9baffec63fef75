"""Outgoing documents as their agency sees them: list, one, timeline, certificate. Handlers only translate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from ...queue.port import Connection
from ..errors import GatewayError
from ..identifiers import Noun, show
from ..node import Node
from .calls import Call, reply
from .views import document_view, summary_view, timeline_view


async def list_documents(call: Call) -> web.Response:
    limit: int = call.parameters["limit"]
    async with call.node.db.unit(call.agency.agency_id) as conn:
        found = call.node.db.queries.outgoing_page(
            conn,
            agency_id=call.agency.agency_id,
            after=call.cursor(Noun.EXCHANGE),
            state=call.parameters["state"],
            limit=limit + 1,
        )
        rows = [row async for row in found]
    more = rows[limit:]
    rows = rows[:limit]
    return reply(
        {
            "items": [summary_view(row) for row in rows],
            "next": show(Noun.EXCHANGE, rows[-1]["id"]) if more else None,
        }
    )


async def show_document(call: Call) -> web.Response:
    node, queries = call.node, call.node.db.queries
    async with node.db.unit(call.agency.agency_id) as conn:
        exchange = await find_exchange(node, conn, call.agency.agency_id, call.identifier(Noun.EXCHANGE), "outward")
        key = {"exchange_id": exchange["id"]}
        view = document_view(
            exchange,
            deliveries=[row async for row in queries.deliveries_of_exchange(conn, **key)],
            packages=[row async for row in queries.packages_of_exchange(conn, **key)],
            files=[row async for row in queries.files_of_exchange(conn, **key)],
            holds=[row async for row in queries.holds_of_exchange(conn, **key)],
            entry=await queries.entry_of_exchange(
                conn, agency_id=exchange["agency_id"], direction="outgoing", exchange_id=exchange["id"]
            ),
        )
    return reply(view)


async def show_timeline(call: Call) -> web.Response:
    """Of an outgoing or incoming document alike."""
    node, limit = call.node, call.parameters["limit"]
    async with node.db.unit(call.agency.agency_id) as conn:
        exchange_id = call.identifier(Noun.EXCHANGE)
        known = await node.db.queries.exchange_direction(conn, agency_id=call.agency.agency_id, id=exchange_id)
        if known is None:
            raise not_found()
        found = node.db.queries.timeline_page(
            conn, exchange_id=exchange_id, after=call.parameters["after"], limit=limit + 1
        )
        rows = [row async for row in found]
    items = [timeline_view(row) for row in rows[:limit]]
    return reply({"items": items, "next": items[-1]["cursor"] if len(rows) > limit else None})


async def find_exchange(node: Node, conn: Connection, agency_id: UUID, exchange_id: UUID, direction: str) -> Any:
    """The agency's own document. Raise DOCUMENT_NOT_FOUND, also for another agency's: that it exists is not said."""
    row = await node.db.queries.exchange_of_agency(conn, id=exchange_id, agency_id=agency_id, direction=direction)
    if row is None:
        raise not_found()
    return row


def not_found() -> GatewayError:
    return GatewayError("DOCUMENT_NOT_FOUND", "Đơn vị không có văn bản nào mang định danh này.")
