"""Putting something on hold: why it waits, what is proposed; the sender sees it in his mailbox. See ../holds.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...queue.messages import Work
from ...queue.port import Connection
from ..exchanges import Incoming, Inward, Outgoing, Outward
from ..node import Node
from .moves import move_incoming, move_outward, move_package


async def hold_outward(node: Node, conn: Connection, exchange: Any, *, code: str, reason: str) -> None:
    """Nothing is sent until a person releases or cancels it; eOffice reads the reason."""
    await move_outward(node, conn, exchange["id"], exchange["state"], Outward.HELD, reason=reason)
    await _open(node, conn, agency_id=exchange["agency_id"], exchange_id=exchange["id"], code=code, reason=reason)
    await tell(
        node,
        conn,
        exchange["agency_id"],
        exchange["id"],
        kind="hold",
        label="Đang giữ",
        detail={"code": code, "reason": reason},
    )


async def hold_package(node: Node, conn: Connection, package: Any, before: Outgoing, *, code: str, reason: str) -> None:
    await move_package(node, conn, package["id"], before, Outgoing.HELD, reason=reason)
    await _open(
        node,
        conn,
        agency_id=package["agency_id"],
        exchange_id=package["exchange_id"],
        outgoing_package_id=package["id"],
        code=code,
        reason=reason,
    )
    await tell(
        node,
        conn,
        package["agency_id"],
        package["exchange_id"],
        kind="hold",
        label="Gói tin đang giữ",
        detail={"code": code, "reason": reason, "package_id": str(package["id"])},
    )


async def hold_incoming(
    node: Node,
    conn: Connection,
    incoming_id: UUID,
    before: Incoming,
    *,
    code: str,
    reason: str,
    proposal: str | None = None,
    findings: list[dict[str, object]] | None = None,
) -> None:
    """A received package that became no document: unreadable, misaddressed, in conflict."""
    await move_incoming(node, conn, incoming_id, before, Incoming.HELD, reason=reason, findings=findings)
    await _open(node, conn, incoming_package_id=incoming_id, code=code, reason=reason, proposal=proposal)


async def hold_inward(
    node: Node, conn: Connection, exchange: Any, *, code: str, reason: str, proposal: str | None
) -> None:
    """An incoming document in the state HELD (it was made in it): a person of the node decides."""
    if exchange["state"] != Inward.HELD:
        raise AssertionError(exchange["state"])
    await _open(
        node,
        conn,
        agency_id=exchange["agency_id"],
        exchange_id=exchange["id"],
        code=code,
        reason=reason,
        proposal=proposal,
    )


async def hold_work(node: Node, conn: Connection, work: Work, reason: str) -> None:
    """A step that failed again and again: what it was about waits, everything else goes on."""
    exchange_id = work.payload.get("exchange_id")
    exchange = None
    if exchange_id is not None:
        exchange = await node.db.queries.exchange_by_id(conn, id=UUID(exchange_id))
    await _open(
        node,
        conn,
        agency_id=exchange["agency_id"] if exchange else None,
        exchange_id=exchange["id"] if exchange else None,
        work_id=work.id,
        code="WORK_PARKED",
        reason=f"Bước “{work.kind}” không làm được: {reason} {work.last_error or ''}".strip(),
    )


async def _open(
    node: Node,
    conn: Connection,
    *,
    code: str,
    reason: str,
    agency_id: UUID | None = None,
    exchange_id: UUID | None = None,
    outgoing_package_id: UUID | None = None,
    incoming_package_id: UUID | None = None,
    work_id: UUID | None = None,
    proposal: str | None = None,
) -> None:
    await node.db.queries.open_hold(
        conn,
        id=node.new_id(),
        agency_id=agency_id,
        exchange_id=exchange_id,
        outgoing_package_id=outgoing_package_id,
        incoming_package_id=incoming_package_id,
        work_id=work_id,
        code=code,
        reason=reason,
        proposal=proposal,
    )


async def tell(
    node: Node,
    conn: Connection,
    agency_id: UUID,
    exchange_id: UUID,
    *,
    kind: str,
    label: str,
    detail: dict[str, object],
) -> None:
    """Put an item into the agency's mailbox, at the end of its cursor."""
    await node.db.queries.insert_mailbox_item(
        conn, agency_id=agency_id, kind=kind, exchange_id=exchange_id, label=label, detail=detail
    )
