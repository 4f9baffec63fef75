"""Following an accepted package: what the axis says of each recipient's fetching (getSentEdocList).

Looks again with growing distance until every recipient fetched it; the business statuses (01, 03 …) are better proof
and end it too. It never sends anything.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from ...adapters.axis import Axis, MessageKind, SentRow
from ...adapters.errors import AxisError
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete, retry
from ..exchanges import Delivery, Outgoing, Subject, require
from ..node import Node
from ..postgres.database import Database
from .holding import tell
from .moves import NODE, move_package
from .passing import through

_LONGEST: Final = 3600.0  # seconds between two looks
_LONGEST_TEXT: Final = 200  # characters of the axis's own words
_GIVE_UP: Final = timedelta(days=30)
_WAITING: Final = frozenset({Delivery.WAITING, Delivery.SENT})


async def follow(node: Node, work: Work) -> None:
    """One look at one package."""
    package_id = UUID(work.payload["package_id"])
    package, deliveries = await _load(node.db, package_id)
    rows: list[SentRow] = []
    if package["state"] == Outgoing.ACCEPTED and any(row["state"] in _WAITING for row in deliveries):
        axis = node.axes[package["axis"]]
        try:
            found = await through(node, work, axis.name, partial(_rows, axis, package))
        except AxisError as error:
            async with node.db.unit(None) as conn:
                await retry(conn, work, delay=_wait(work), error=error.message)
            return
        if found is None:
            return
        rows = found
    await _record(node, work, package, deliveries, rows)


async def _rows(axis: Axis, package: Any) -> list[SentRow]:
    return list(await axis.list_sent(axis_doc_id=package["axis_doc_id"], kind=MessageKind(package["kind"])))


async def _load(db: Database, package_id: UUID) -> tuple[Any, list[Any]]:
    async with db.single() as conn:
        package = await db.queries.package_by_id(conn, id=package_id)
        rows = db.queries.deliveries_of_exchange(conn, exchange_id=package["exchange_id"])
        return package, [row async for row in rows if row["package_id"] == package_id]


async def _record(node: Node, work: Work, package: Any, deliveries: list[Any], rows: list[SentRow]) -> None:
    states = {(row.receiver_code or "").upper(): row for row in rows}
    done = 0
    failed: list[str] = []
    async with node.db.unit(package["agency_id"]) as conn:
        for delivery in deliveries:
            seen = states.get(delivery["recipient_code"].upper())
            if seen is not None:
                await _refused(node, conn, package, delivery, seen)
                await node.db.queries.save_transport_state(
                    conn,
                    package_id=package["id"],
                    recipient_code=delivery["recipient_code"],
                    receiver_doc_id=seen.receiver_doc_id,
                    transport_state=seen.receive_status,
                )
            state = seen.receive_status if seen else delivery["transport_state"]
            failed += [delivery["recipient_name"]] if state == "FAIL" else []
            done += state in ("DONE", "FAIL") or delivery["state"] not in _WAITING
        over = done == len(deliveries)
        if over and package["state"] == Outgoing.ACCEPTED:
            after = Outgoing.DELIVERY_FAILED if failed else Outgoing.DELIVERED
            reason = f"Nơi nhận báo lỗi khi lấy về: {', '.join(failed)}." if failed else None
            await move_package(node, conn, package["id"], Outgoing.ACCEPTED, after, reason=reason)
        expired = package["sent_at"] is not None and node.clock() - package["sent_at"] > _GIVE_UP
        if over or expired or package["state"] != Outgoing.ACCEPTED:
            await complete(conn, work)
        else:
            await retry(conn, work, delay=_wait(work), error="Nơi nhận chưa lấy về.")


async def _refused(node: Node, conn: Connection, package: Any, delivery: Any, row: SentRow) -> None:
    """A row without receiverDocId that says FAIL: the axis itself has this recipient's copy for nobody (F10)."""
    if row.receive_status != "FAIL" or row.receiver_doc_id is not None or delivery["state"] != Delivery.SENT:
        return
    require(Subject.DELIVERY, Delivery.SENT, Delivery.UNDELIVERABLE)
    said = row.receive_status_text[:_LONGEST_TEXT]
    reason = f"Trục không giao được cho nơi nhận này: {said}" if said else "Trục không giao được cho nơi nhận này."
    moved = await node.db.queries.move_delivery(
        conn,
        id=delivery["id"],
        from_state=Delivery.SENT,
        to_state=Delivery.UNDELIVERABLE,
        actor=NODE,
        reason=reason,
        state_time=node.clock(),
    )
    if moved is None:  # a status came meanwhile: it has the document after all
        return
    detail: dict[str, object] = {
        "package_id": str(package["id"]),
        "reason": reason,
        "refused": [delivery["recipient_code"]],
    }
    at = (package["agency_id"], package["exchange_id"])
    await tell(node, conn, *at, kind="status", label="Trục từ chối", detail=detail)


def _wait(work: Work) -> float:
    return min(_LONGEST, 20.0 * 2.0 ** min(work.attempts, 8))
