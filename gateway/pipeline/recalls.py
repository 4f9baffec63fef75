"""A sender takes a document back: by status 13, or by a recall document (type 1) that was delivered to the agency.

What nobody of the agency has seen yet (it is held, or comes after its recall) is recalled by the node at once and 15
goes back. Whatever the clerk's eOffice may have is asked for: it destroys its copies and answers 15, also after 06; 16
only where the agency's policy lets it (axis.md 7.4, D13; QĐ 28/2018 Điều 9.2; NĐ 30/2020 Điều 18.4.b).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from ...edxml.identifiers import OrganCode
from ...edxml.model import StatusPackage
from ...queue.port import Connection
from ..directory import own_agencies_named
from ..exchanges import Incoming, Inward
from ..node import Node
from .answers import due
from .holding import tell
from .moves import NODE, move_incoming, move_inward
from .recall_answers import agree

ASKED: Final = "13"  # Lấy lại
BEFORE_IT_CAME: Final = "Đã thu hồi trước khi đến"
_UNSEEN: Final = "Bên gửi thu hồi khi văn bản còn đang giữ; chưa ai của đơn vị nhận."
_AGAIN: Final = "Văn bản đã thu hồi theo yêu cầu trước."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A request to one of our agencies. ``document_id``: of the document that is asked back, when it was named."""

    agency_id: UUID
    sender: OrganCode
    document_id: str | None
    route: str  # status | document
    incoming_package_id: UUID
    reason: str | None
    code: str | None = None  # số/ký hiệu and date of the document, where its id is absent
    promulgation_date: date | None = None


# Asked ---------------------------------------------------------------------------------------------------------------


async def asked_by_status(node: Node, conn: Connection, incoming: Any, package: StatusPackage) -> bool:
    """Apply a 13; False when it names none of our agencies, or its document neither by its id nor as one that is here.

    ResponseFor names the agency that is asked, and the document is the sender's own (edxml.md 9.1, 06).
    """
    answered = package.response_for
    agencies = await own_agencies_named(node, conn, [answered.organ]) if answered.organ else []
    if not agencies:
        return False
    recall = Recall(
        agency_id=agencies[0].id,
        sender=package.sender.code,
        document_id=answered.document_id.value if answered.document_id else None,
        route="status",
        incoming_package_id=incoming["id"],
        reason=package.description,
        code=answered.code,
        promulgation_date=answered.promulgation_date,
    )
    found = await _ask(node, conn, recall)
    if not found and recall.document_id is None:
        return False
    note = "Đã chuyển yêu cầu thu hồi." if found else "Văn bản chưa đến; sẽ thu hồi ngay khi đến."
    await move_incoming(node, conn, incoming["id"], incoming["state"], Incoming.SETTLED, reason=note)
    if incoming["state"] == Incoming.PARKED:
        await node.db.queries.settle_orphan(conn, incoming_package_id=incoming["id"])
    return True


async def asked_by_document(node: Node, conn: Connection, exchange: Any) -> None:
    """A recall document was delivered: the document it names is asked for, now or when it comes."""
    named = exchange["metadata"]["business"]["document_id"] or next(
        (one["document_id"] for one in exchange["metadata"]["responses"] if one["document_id"]), None
    )
    if named is None or named == exchange["document_id"]:
        return  # the clerk reads what it means
    recall = Recall(
        agency_id=exchange["agency_id"],
        sender=OrganCode.parse(exchange["sender_code"]),
        document_id=named,
        route="document",
        incoming_package_id=exchange["incoming_package_id"],
        reason=exchange["metadata"]["business"]["reason"],
    )
    await _ask(node, conn, recall)


async def _ask(node: Node, conn: Connection, recall: Recall) -> bool:
    """Ask for every document that is meant; a request whose document has not come waits for it."""
    if recall.document_id is not None:  # arrivals lock the same: neither misses the other
        await node.db.queries.lock_document(conn, key=f"{recall.agency_id} {recall.document_id}")
    rows = node.db.queries.documents_to_recall(
        conn,
        agency_id=recall.agency_id,
        sender_keys=await names_of(node, conn, recall.sender),
        document_id=recall.document_id,
        code=recall.code,
        promulgation_date=recall.promulgation_date,
    )
    found = [row["id"] async for row in rows]
    for exchange_id in found:
        await _ask_for(node, conn, recall, exchange_id)
    if not found and recall.document_id is not None:
        await _keep(node, conn, recall, document_id=recall.document_id, exchange_id=None, from_state=None)
    return bool(found)


async def _ask_for(node: Node, conn: Connection, recall: Recall, exchange_id: UUID) -> None:
    await node.db.queries.close_holds_of_inward(conn, exchange_id=exchange_id, actor=NODE, reason=_UNSEEN)
    exchange = await node.db.queries.lock_exchange(conn, id=exchange_id)
    before = exchange["state"]
    if before == Inward.RECALL_ASKED:
        return
    await _keep(node, conn, recall, document_id=exchange["document_id"], exchange_id=exchange_id, from_state=before)
    if before == Inward.HELD:
        await agree(node, conn, exchange, actor=NODE, reason=_UNSEEN)
    elif before == Inward.RECALLED:
        await agree(node, conn, exchange, actor=NODE, reason=_AGAIN)
    elif before != Inward.REFUSED:
        await move_inward(node, conn, exchange_id, before, Inward.RECALL_ASKED, reason=recall.reason)
    await _tell(node, conn, exchange, "Bên gửi yêu cầu thu hồi", recall.sender.value, recall.reason)


async def _keep(
    node: Node, conn: Connection, recall: Recall, *, document_id: str, exchange_id: UUID | None, from_state: str | None
) -> None:
    await node.db.queries.insert_recall(
        conn,
        id=node.new_id(),
        agency_id=recall.agency_id,
        sender_code=recall.sender.value,
        document_id=document_id,
        route=recall.route,
        incoming_package_id=recall.incoming_package_id,
        reason=recall.reason,
        exchange_id=exchange_id,
        from_state=from_state,
    )


async def _tell(node: Node, conn: Connection, exchange: Any, label: str, sender: str, reason: str | None) -> None:
    detail: dict[str, object] = {"status_code": ASKED, "from_code": sender, "description": reason, "by": NODE}
    await tell(node, conn, exchange["agency_id"], exchange["id"], kind="status", label=label, detail=detail)


async def names_of(node: Node, conn: Connection, code: OrganCode) -> list[str]:
    """The keys of every code of an agency elsewhere, as the directory has it."""
    names = {code.key}
    async for row in node.db.queries.find_agencies(conn, keys=[code.key], on_date=node.clock().date()):
        names |= {one.upper() for one in (row["code"], row["code102"], row["old_code"]) if one}
    return sorted(names)


# The document comes after its recall ---------------------------------------------------------------------------------


async def came_before(node: Node, conn: Connection, agency_id: UUID, sender: OrganCode, document_id: str) -> Any | None:
    """The recall that waits for this document; the caller holds the document's lock."""
    rows = node.db.queries.recalls_ahead(conn, agency_id=agency_id, document_id=document_id)
    asked = [row async for row in rows]
    names = await names_of(node, conn, sender) if asked else []
    return next((row for row in asked if row["sender_code"].upper() in names), None)


async def recall_on_arrival(node: Node, conn: Connection, exchange: Any, ahead: Any) -> None:
    """It was made in the state RECALLED: nobody sees its content, 01 and 15 go back by themselves."""
    sender = OrganCode.parse(exchange["sender_code"])
    await node.db.queries.meet_recalls(
        conn,
        agency_id=exchange["agency_id"],
        document_id=exchange["document_id"],
        sender_keys=await names_of(node, conn, sender),
        exchange_id=exchange["id"],
    )
    await due(node, conn, exchange, status_code="01")
    await agree(node, conn, exchange, actor=NODE, reason=BEFORE_IT_CAME)
    await _tell(node, conn, exchange, BEFORE_IT_CAME, ahead["sender_code"], ahead["reason"])
