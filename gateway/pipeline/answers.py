"""Statuses that our agencies send: 01 by itself, 02 to 06 by the clerk, as packages through the outbox.

A status package names the sender of the document in ``ResponseFor/OrganId`` and repeats all four fields of the original
(edxml.md 4, 9.2 rule 14). It goes where the document came from, as its own outgoing package.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from ...edxml.codes import code_lists
from ...edxml.identifiers import DocumentId, OrganCode
from ...edxml.model import ResponseFor, StaffInfo, StatusPackage
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete
from ..directory import Agency, own_agency
from ..node import Node
from .handover import announce, lane_of
from .intake import VIETNAM
from .moves import NODE
from .packaging import freeze, sender_of

_DEPARTMENT: Final = "Văn thư"
# 05 may repeat and 04 may return (axis.md 7.2); the others go once.
_ONCE: Final = frozenset({"01", "02", "03", "06", "15", "16"})


async def due(
    node: Node,
    conn: Connection,
    exchange: Any,
    *,
    status_code: str,
    description: str | None = None,
    staff: str | None = None,
) -> None:
    """Ask for a status to be sent, in the transaction that made it true."""
    payload = {
        "exchange_id": str(exchange["id"]),
        "status_code": status_code,
        "description": description,
        "staff": staff,
        "at": node.clock().isoformat(),
    }
    lane, trace = lane_of(exchange["priority"]), exchange["traceparent"]
    await announce(node, conn, "lienthong.status.due.v1", exchange["id"], payload, lane, trace=trace)


async def answer(node: Node, work: Work) -> None:
    """Write the status package, freeze it, queue it."""
    exchange_id = UUID(work.payload["exchange_id"])
    status_code = work.payload["status_code"]
    async with node.db.single() as conn:
        exchange = await node.db.queries.exchange_by_id(conn, id=exchange_id)
        incoming = await node.db.queries.incoming_by_id(conn, id=exchange["incoming_package_id"])
        agency = await own_agency(node, conn, exchange["agency_id"])
        sent = await node.db.queries.status_already_sent(conn, exchange_id=exchange_id, status_code=status_code)
    if sent is not None and status_code in _ONCE:
        async with node.db.unit(agency.id) as conn:
            await complete(conn, work)
        return
    values = _package(exchange, agency, work)
    stored = await freeze(node, agency.id, values, axis=incoming["axis"], scratch=f"status-{work.id}")
    async with node.db.unit(agency.id) as conn:
        await complete(conn, work)
        await _queue(node, conn, exchange, incoming["axis"], status_code, stored)


def _package(exchange: Any, agency: Agency, work: Work) -> StatusPackage:
    status_code = work.payload["status_code"]
    number = [part for part in (exchange["code_number"], exchange["code_notation"]) if part]
    at = datetime.fromisoformat(work.payload["at"]).astimezone(VIETNAM).replace(microsecond=0)
    name = code_lists().statuses[status_code].name
    return StatusPackage(
        sender=sender_of(agency),
        response_for=ResponseFor(
            organ=OrganCode.parse(exchange["sender_code"]),
            code="/".join(number) or exchange["document_id"][:100],
            document_id=DocumentId(exchange["document_id"]),
            promulgation_date=exchange["promulgation_date"] or at.date(),
        ),
        status_code=status_code,
        timestamp=at,
        description=work.payload["description"] or name,
        staff=StaffInfo(department=_DEPARTMENT, staff=work.payload["staff"] or "Hệ thống", email=agency.email),
    )


async def _queue(node: Node, conn: Connection, exchange: Any, axis: str, status_code: str, stored: Any) -> None:
    package_id = node.new_id()
    lane = lane_of(exchange["priority"])
    await node.db.queries.insert_outgoing_package(
        conn,
        id=package_id,
        agency_id=exchange["agency_id"],
        exchange_id=exchange["id"],
        kind="status",
        axis=axis,
        sender_code=(await own_agency(node, conn, exchange["agency_id"])).code.value,
        receiver_codes=[exchange["sender_code"]],
        document_id=exchange["document_id"],
        notation=None,
        doc_subject=None,
        status_code=status_code,
        lane=lane,
        sha256=stored.sha256,
        size=stored.size,
        actor=NODE,
    )
    payload = {"package_id": str(package_id), "axis": axis}
    trace = exchange["traceparent"]
    await announce(node, conn, "lienthong.package.queued.v1", exchange["id"], payload, lane, trace=trace)
