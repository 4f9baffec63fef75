"""Settle: statuses of the receivers move our deliveries; each change reaches the sender's eOffice.

Tolerant (axis.md 7.2): any order, late, twice, unknown codes. Everything is kept in the history; an exact duplicate is
ignored; the state only moves as the table allows. A status of an unknown document is parked and matched again. A 13
goes the other way, to the receiver of a document: recalls.py.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...edxml.codes import code_lists
from ...edxml.model import StatusPackage
from ...queue.port import Connection
from ..exchanges import DELIVERY_BY_STATUS, Delivery, Incoming, Subject, may
from ..node import Node
from .holding import tell
from .moves import NODE, move_incoming
from .recalls import ASKED, asked_by_status


async def settle(node: Node, conn: Connection, incoming: Any, package: StatusPackage) -> None:
    """Apply a received status, or park it. Runs in the transaction that completes the work."""
    if package.status_code == ASKED and await asked_by_status(node, conn, incoming, package):
        return
    exchange = await _match(node, conn, package)
    if exchange is None:
        await _park(node, conn, incoming, package)
        return
    delivery = await _delivery_of(node, conn, exchange["id"], package)
    entry = await node.db.queries.insert_status_entry(
        conn,
        id=node.new_id(),
        agency_id=exchange["agency_id"],
        exchange_id=exchange["id"],
        delivery_id=delivery["id"] if delivery else None,
        incoming_package_id=incoming["id"],
        from_code=package.sender.code.value,
        status_code=package.status_code,
        description=package.description,
        staff=package.staff.staff if package.staff else None,
        stamped_at=package.timestamp,
    )
    note = None if entry else "trạng thái lặp lại, đã có"
    await move_incoming(node, conn, incoming["id"], incoming["state"], Incoming.SETTLED, reason=note)
    if incoming["state"] == Incoming.PARKED:
        await node.db.queries.settle_orphan(conn, incoming_package_id=incoming["id"])
    if entry is not None:
        await _apply(node, conn, exchange, delivery, package)


async def _match(node: Node, conn: Connection, package: StatusPackage) -> Any | None:
    """By DocumentId, then by số/ký hiệu and date; the addressee must be the document's sender (edxml.md row 9)."""
    answered = package.response_for
    candidates: list[Any] = []
    if answered.document_id is not None:
        rows = node.db.queries.outward_by_document_id(conn, document_id=answered.document_id.value)
        candidates = [row async for row in rows]
    if not candidates and answered.code and answered.promulgation_date:
        rows = node.db.queries.outward_by_code(conn, code=answered.code, promulgation_date=answered.promulgation_date)
        candidates = [row async for row in rows]
    if answered.organ is None:
        return candidates[0] if len(candidates) == 1 else None
    return next((row for row in candidates if row["sender_code"].upper() == answered.organ.key), None)


async def _delivery_of(node: Node, conn: Connection, exchange_id: UUID, package: StatusPackage) -> Any | None:
    """The delivery of the agency that speaks, by the code it was sent to or any other code of the same agency."""
    rows = [row async for row in node.db.queries.deliveries_for_update(conn, exchange_id=exchange_id)]
    speaker = package.sender.code.key
    direct = next((row for row in rows if row["recipient_code"].upper() == speaker), None)
    if direct is not None:
        return direct
    today = node.clock().date()
    names = {row["code"].upper() async for row in node.db.queries.find_agencies(conn, keys=[speaker], on_date=today)}
    return next((row for row in rows if row["recipient_code"].upper() in names), None)


async def _park(node: Node, conn: Connection, incoming: Any, package: StatusPackage) -> None:
    if incoming["state"] == Incoming.PARKED:
        return
    answered = package.response_for
    await node.db.queries.park_status(
        conn,
        incoming_package_id=incoming["id"],
        from_code=package.sender.code.value,
        addressee=answered.organ.value if answered.organ else None,
        document_id=answered.document_id.value if answered.document_id else None,
        code=answered.code,
        promulgation_date=answered.promulgation_date,
        status_code=package.status_code,
    )
    reason = "Chưa có văn bản nào khớp với trạng thái này; sẽ đối chiếu lại."
    await move_incoming(node, conn, incoming["id"], incoming["state"], Incoming.PARKED, reason=reason)


def _moves(delivery: Any, after: Delivery, package: StatusPackage) -> bool:
    """Whether the state follows; a late 04 never takes back the 05 that was stamped after it."""
    if not may(Subject.DELIVERY, delivery["state"], after):
        return False
    if delivery["state"] == Delivery.PROCESSING and after is Delivery.ASSIGNED:
        return package.timestamp is not None and package.timestamp > delivery["state_time"]
    return True


async def _apply(node: Node, conn: Connection, exchange: Any, delivery: Any | None, package: StatusPackage) -> None:
    known = code_lists().statuses.get(package.status_code)
    after = DELIVERY_BY_STATUS.get(package.status_code)
    moved = False
    if delivery is not None and after is not None and _moves(delivery, after, package):
        await node.db.queries.move_delivery(
            conn,
            id=delivery["id"],
            from_state=delivery["state"],
            to_state=after,
            actor=f"{package.sender.code.value}",
            reason=package.description if after is Delivery.REFUSED else None,
            state_time=package.timestamp or node.clock(),
        )
        moved = True
    await tell(
        node,
        conn,
        exchange["agency_id"],
        exchange["id"],
        kind="status",
        label=known.name if known else f"Trạng thái {package.status_code}",
        detail={
            "status_code": package.status_code,
            "from_code": package.sender.code.value,
            "from_name": package.sender.name,
            "description": package.description,
            "moved": moved,
            "by": NODE,
        },
    )
