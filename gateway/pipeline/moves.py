"""State changes as one statement each: the row moves only from the state it is in, and its event is written with it."""

from __future__ import annotations

from uuid import UUID

from ...queue.port import Connection
from ..errors import GatewayError
from ..exchanges import Delivery, Incoming, Inward, Outgoing, Outward, Subject, require
from ..node import Node

NODE = "node"  # the actor when no person acted


def _raced(subject: Subject, row_id: UUID, from_state: str) -> GatewayError:
    return GatewayError(
        "STATE_CONFLICT", f"{subject} {row_id} không còn ở trạng thái {from_state}; thao tác bị bỏ qua."
    )


async def move_outward(
    node: Node,
    conn: Connection,
    row_id: UUID,
    before: str,
    after: Outward,
    *,
    actor: str = NODE,
    reason: str | None = None,
) -> None:
    await _move_exchange(node, conn, Subject.OUTWARD, row_id, before, after, actor, reason)


async def move_inward(
    node: Node,
    conn: Connection,
    row_id: UUID,
    before: str,
    after: Inward,
    *,
    actor: str = NODE,
    reason: str | None = None,
) -> None:
    await _move_exchange(node, conn, Subject.INWARD, row_id, before, after, actor, reason)


async def _move_exchange(
    node: Node,
    conn: Connection,
    subject: Subject,
    row_id: UUID,
    before: str,
    after: str,
    actor: str,
    reason: str | None,
) -> None:
    require(subject, before, after)
    moved = await node.db.queries.move_exchange(
        conn, id=row_id, subject=subject, from_state=before, to_state=after, actor=actor, reason=reason
    )
    if moved is None:
        raise _raced(subject, row_id, before)


async def move_package(
    node: Node,
    conn: Connection,
    row_id: UUID,
    before: str,
    after: Outgoing,
    *,
    actor: str = NODE,
    reason: str | None = None,
) -> None:
    require(Subject.OUTGOING_PACKAGE, before, after)
    moved = await node.db.queries.move_package(
        conn, id=row_id, from_state=before, to_state=after, actor=actor, reason=reason
    )
    if moved is None:
        raise _raced(Subject.OUTGOING_PACKAGE, row_id, before)


async def move_incoming(
    node: Node,
    conn: Connection,
    row_id: UUID,
    before: str,
    after: Incoming,
    *,
    actor: str = NODE,
    reason: str | None = None,
    findings: list[dict[str, object]] | None = None,
) -> None:
    require(Subject.INCOMING_PACKAGE, before, after)
    moved = await node.db.queries.move_incoming(
        conn, id=row_id, from_state=before, to_state=after, actor=actor, reason=reason, findings=findings
    )
    if moved is None:
        raise _raced(Subject.INCOMING_PACKAGE, row_id, before)


async def move_deliveries(
    node: Node,
    conn: Connection,
    package_id: UUID,
    before: Delivery,
    after: Delivery,
    *,
    actor: str = NODE,
    reason: str | None = None,
) -> None:
    """All deliveries of the package that stand in ``before``; those that a status already moved on stay."""
    require(Subject.DELIVERY, before, after)
    await node.db.queries.move_deliveries(
        conn, package_id=package_id, from_state=before, to_state=after, actor=actor, reason=reason
    )
