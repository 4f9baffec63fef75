"""Incoming documents: mailbox, parsed view, bytes as received, and the clerk's answers. Handlers only translate."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web

from ..errors import GatewayError
from ..exchanges import Inward, Subject, label
from ..files.layout import NODE_FILES
from ..identifiers import Noun, show
from ..pipeline import clerk
from ..pipeline.recall_answers import AGREED, REFUSED, answer_recall
from ..registers.incoming import BOOK
from .calls import Call, reply
from .documents import find_exchange, not_found
from .stored import Stored, send_kept
from .views import incoming_view, mailbox_view


async def read_mailbox(call: Call) -> web.Response:
    after, limit = call.parameters["after"], call.parameters["limit"]
    async with call.node.db.unit(call.agency.agency_id) as conn:
        found = call.node.db.queries.mailbox_page(conn, agency_id=call.agency.agency_id, after=after, limit=limit + 1)
        rows = [row async for row in found]
    items = [mailbox_view(row) for row in rows[:limit]]
    return reply(
        {"items": items, "next": items[-1]["cursor"] if items else after, "more": len(rows) > limit},
    )


async def show_incoming(call: Call) -> web.Response:
    node, queries = call.node, call.node.db.queries
    async with node.db.unit(call.agency.agency_id) as conn:
        exchange = await find_exchange(node, conn, call.agency.agency_id, call.identifier(Noun.EXCHANGE), "inward")
        key = {"exchange_id": exchange["id"]}
        view = incoming_view(
            exchange,
            package=await queries.package_of_incoming(conn, agency_id=exchange["agency_id"], id=exchange["id"]),
            files=[row async for row in queries.files_of_exchange(conn, **key)],
            statuses=[row async for row in queries.statuses_sent(conn, **key)],
            holds=[row async for row in queries.holds_of_exchange(conn, **key)],
            entry=await queries.entry_of_exchange(
                conn, agency_id=exchange["agency_id"], direction="incoming", exchange_id=exchange["id"]
            ),
            recall=await queries.last_recall(conn, **key),
        )
    return reply(view)


async def fetch_package(call: Call) -> web.StreamResponse:
    """The bytes as the axis gave them."""
    async with call.node.db.unit(call.agency.agency_id) as conn:
        row = await call.node.db.queries.package_of_incoming(
            conn, agency_id=call.agency.agency_id, id=call.identifier(Noun.EXCHANGE)
        )
    if row is None:
        raise not_found()
    _still_here(row)
    stored = Stored(
        sha256=row["sha256"],
        size=row["size"],
        name=f"{row['receiver_doc_id']}.edxml",
        content_type="application/octet-stream",
    )
    return await send_kept(call.request, call.node.files, NODE_FILES, stored)


async def fetch_file(call: Call) -> web.StreamResponse:
    async with call.node.db.unit(call.agency.agency_id) as conn:
        row = await call.node.db.queries.file_of_incoming(
            conn,
            agency_id=call.agency.agency_id,
            id=call.identifier(Noun.EXCHANGE),
            position=call.parameters["n"],
        )
    if row is None:
        raise GatewayError("FILE_NOT_IN_DOCUMENT", "Văn bản đến này không có tệp mang số thứ tự đó.")
    _still_here(row)
    stored = Stored(
        sha256=row["sha256"],
        size=row["size"],
        name=row["name"],
        content_type=row["content_type"],
    )
    return await send_kept(call.request, call.node.files, call.agency.agency_id, stored)


def _still_here(row: Any) -> None:
    """A recalled document is destroyed for whoever asks (NĐ 30/2020 Phụ lục VI Phần I.III.8)."""
    if row["exchange_state"] == Inward.RECALLED:
        raise GatewayError("DOCUMENT_RECALLED", "Văn bản đã bị bên gửi thu hồi; nội dung không còn được cung cấp.")


async def register_incoming(call: Call) -> web.Response:
    exchange_id = call.identifier(Noun.EXCHANGE)
    arrival = call.body.get("arrival_date")
    entry = await clerk.register(
        call.node,
        call.agency.agency_id,
        exchange_id,
        number=call.body.get("number"),
        book=call.body.get("book", BOOK),
        arrival_date=date.fromisoformat(arrival) if arrival else None,
        holder=call.body.get("holder"),
        actor=call.agency.actor,
        staff=call.body.get("staff"),
    )
    return reply(
        {
            "id": show(Noun.EXCHANGE, exchange_id),
            "number": entry.number,
            "year": entry.year,
            "book": entry.book,
            "arrival_date": entry.arrival_date.isoformat(),
            "already": entry.already,
        }
    )


async def refuse_incoming(call: Call) -> web.Response:
    await clerk.refuse(
        call.node,
        call.agency.agency_id,
        call.identifier(Noun.EXCHANGE),
        reason=call.body["reason"],
        actor=call.agency.actor,
        staff=call.body.get("staff"),
    )
    return reply(await _state(call))


async def report_status(call: Call) -> web.Response:
    answers_a_recall = call.body["status"] in (AGREED, REFUSED)
    await (answer_recall if answers_a_recall else clerk.report)(
        call.node,
        call.agency.agency_id,
        call.identifier(Noun.EXCHANGE),
        status_code=call.body["status"],
        description=call.body.get("description"),
        actor=call.agency.actor,
        staff=call.body.get("staff"),
    )
    return reply(await _state(call))


async def _state(call: Call) -> dict[str, Any]:
    async with call.node.db.unit(call.agency.agency_id) as conn:
        row = await find_exchange(call.node, conn, call.agency.agency_id, call.identifier(Noun.EXCHANGE), "inward")
    return {
        "id": show(Noun.EXCHANGE, row["id"]),
        "state": row["state"],
        "state_label": label(Subject.INWARD, row["state"]),
    }
