"""A package on its way over the wire, and what happens once its axis has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from ...adapters.axis import MessageKind, OutgoingPackage
from ...queue import outbox
from ...queue.messages import Message, Work
from ...queue.port import Connection
from ..exchanges import Delivery, Outgoing, Outward
from ..node import Node
from .handover import message, trace_of
from .moves import move_deliveries, move_outward, move_package


def on_the_wire(package: Any, path: Path) -> OutgoingPackage:
    """The frozen package as an axis takes it."""
    return OutgoingPackage(
        kind=MessageKind(package["kind"]),
        path=path,
        size=package["size"],
        sha256=package["sha256"],
        sender_code=package["sender_code"],
        receiver_codes=tuple(package["receiver_codes"]),
        document_id=package["document_id"],
        notation=package["notation"],
        subject=package["subject"],
    )


async def take_over(node: Node, conn: Connection, work: Work, package: Any, before: Outgoing, axis_doc_id: str) -> None:
    """The axis has the package."""
    await node.db.queries.package_accepted(conn, id=package["id"], axis_doc_id=axis_doc_id)
    await move_package(node, conn, package["id"], before, Outgoing.ACCEPTED)
    if package["kind"] == MessageKind.DOCUMENT:
        await move_deliveries(node, conn, package["id"], Delivery.WAITING, Delivery.SENT)
        await settle_exchange(node, conn, package["exchange_id"])
        await outbox.append(conn, [taken(node, work, package)])


def taken(node: Node, work: Work, package: Any) -> Message:
    """What is said of a document that an axis took."""
    payload = {"package_id": str(package["id"]), "axis": package["axis"]}
    return message(node, "lienthong.package.accepted.v1", package["exchange_id"], payload, trace=trace_of(work))


async def settle_exchange(node: Node, conn: Connection, exchange_id: UUID) -> None:
    """The document is SENT when no package waits any more and one was taken; UNDELIVERABLE when none was."""
    exchange = await node.db.queries.lock_exchange(conn, id=exchange_id)
    if exchange["state"] != Outward.PACKAGED:
        return
    if await node.db.queries.packages_still_open(conn, exchange_id=exchange_id):
        return
    taken = await node.db.queries.packages_taken(conn, exchange_id=exchange_id)
    await move_outward(node, conn, exchange_id, Outward.PACKAGED, Outward.SENT if taken else Outward.UNDELIVERABLE)
