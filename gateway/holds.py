"""Ways out of a hold: a person releases or cancels, with a reason that is recorded and that the sender sees.

What release and cancel mean depends on what is held; the table OUTLETS at the end says it:
outgoing document: goes on to packaging / is cancelled; outgoing package: the same bytes go again / the recipients are
marked; incoming document: delivered to the mailbox / returned with 02; incoming package without document: closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from ..queue import work as work_rows
from ..queue.port import Connection
from .errors import GatewayError
from .exchanges import Delivery, Incoming, Inward, Outgoing, Outward
from .node import Node
from .pipeline.answers import due
from .pipeline.arrivals import REFERENCE, put_into_mailbox
from .pipeline.handover import announce, lane_of
from .pipeline.holding import tell
from .pipeline.moves import move_deliveries, move_incoming, move_inward, move_outward, move_package
from .pipeline.sending import requeue
from .pipeline.taken import settle_exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold as a person sees it."""

    id: UUID
    subject: str  # outward | inward | outgoing_package | incoming_package
    code: str
    reason: str
    proposal: str | None  # "02": từ chối và trả lại được đề nghị; nothing happens by itself
    since: datetime
    agency_id: UUID | None
    exchange_id: UUID | None
    package_id: UUID | None
    document_id: str | None
    title: str | None
    sender_code: str | None
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing: str | None = None
    closing_reason: str | None = None

    @property
    def may(self) -> dict[str, str]:
        """What a person may do: command -> what it does."""
        return MEANINGS[self.subject]


_LONGEST_REASON: Final = 500  # characters a status package can carry to the sender (edxml.md 2.1)

MEANINGS: Final = {
    "outward": {"release": "gửi văn bản đi như đã nộp", "cancel": "hủy, không gửi"},
    "inward": {"release": "chuyển vào hộp thư của đơn vị", "cancel": "từ chối, trả lại bên gửi (02)"},
    "outgoing_package": {"release": "gửi lại đúng các byte cũ", "cancel": "không gửi gói tin này nữa"},
    "work": {"release": "làm lại bước này", "cancel": "bỏ bước này"},
    "incoming_package": {"release": "đóng lại, đã xử lý ngoài hệ thống", "cancel": "đóng lại, bỏ qua"},
}


async def list_open(node: Node, *, after: UUID | None, limit: int) -> list[HoldView]:
    """What waits for a person, oldest first, one page."""
    async with node.db.unit(None) as conn:
        return [_view(row) async for row in node.db.queries.open_holds(conn, after=after, limit=limit)]


async def show(node: Node, hold_id: UUID) -> HoldView:
    async with node.db.unit(None) as conn:
        row = await node.db.queries.hold_by_id(conn, id=hold_id)
    if row is None:
        raise _unknown()
    return _view(row)


async def release(node: Node, hold_id: UUID, *, actor: str, reason: str) -> HoldView:
    """Let it go on. Raise HOLD_NOT_FOUND, HOLD_CLOSED, REASON_MISSING, STATE_CONFLICT."""
    return await _decide(node, hold_id, "release", actor=actor, reason=reason)


async def cancel(node: Node, hold_id: UUID, *, actor: str, reason: str) -> HoldView:
    """Put an end to it. Raises as ``release``."""
    return await _decide(node, hold_id, "cancel", actor=actor, reason=reason)


async def _decide(node: Node, hold_id: UUID, word: str, *, actor: str, reason: str) -> HoldView:
    if not reason.strip() or not actor.strip():
        raise GatewayError("REASON_MISSING", "Phải nêu lý do và người xử lý; lý do được ghi lại và bên gửi đọc được.")
    if len(reason) > _LONGEST_REASON:
        raise GatewayError("REASON_TOO_LONG", f"Lý do dài quá {_LONGEST_REASON} ký tự.")
    async with node.db.unit(None) as conn:
        hold = await node.db.queries.lock_hold(conn, id=hold_id)
        if hold is None:
            raise _unknown()
        if hold["closed_at"] is not None:
            raise GatewayError("HOLD_CLOSED", f"Việc giữ này đã được {hold['closed_by']} xử lý trước đó.")
        exchange = None
        if hold["exchange_id"] is not None:
            exchange = await node.db.queries.lock_exchange(conn, id=hold["exchange_id"])
        await node.db.queries.close_hold(conn, id=hold_id, actor=actor.strip(), closing=word, reason=reason.strip())
        await OUTLETS[_subject(hold, exchange), word](node, conn, hold, exchange, actor.strip(), reason.strip())
    return await show(node, hold_id)


def _unknown() -> GatewayError:
    return GatewayError("HOLD_NOT_FOUND", "Không có việc giữ nào mang mã này.")


def _subject(hold: Any, exchange: Any | None) -> str:
    if hold["work_id"] is not None:
        return "work"
    if hold["outgoing_package_id"] is not None:
        return "outgoing_package"
    if exchange is None:
        return "incoming_package"
    return str(exchange["direction"])


def _view(row: Any) -> HoldView:
    direction = row["direction"]
    subject = "incoming_package" if row["exchange_id"] is None else direction
    if row["outgoing_package_id"] is not None:
        subject = "outgoing_package"
    if row["work_id"] is not None:
        subject = "work"
    return HoldView(
        id=row["id"],
        subject=subject,
        code=row["code"],
        reason=row["reason"],
        proposal=row["proposal"],
        since=row["since"],
        agency_id=row["agency_id"],
        exchange_id=row["exchange_id"],
        package_id=row["outgoing_package_id"] or row["incoming_package_id"],
        document_id=row["document_id"],
        title=row["doc_subject"],
        sender_code=row["sender_code"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        closing=row["closing"],
        closing_reason=row["closing_reason"],
    )


# Outlets -------------------------------------------------------------------------------------------------------------


async def _tell_sender(node: Node, conn: Connection, exchange: Any, label: str, actor: str, reason: str) -> None:
    await tell(
        node,
        conn,
        exchange["agency_id"],
        exchange["id"],
        kind="hold",
        label=label,
        detail={"actor": actor, "reason": reason},
    )


async def _release_outward(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    await move_outward(node, conn, exchange["id"], Outward.HELD, Outward.EXAMINED, actor=actor, reason=reason)
    await _tell_sender(node, conn, exchange, "Đã cho gửi", actor, reason)
    payload = {"exchange_id": str(exchange["id"])}
    lane = lane_of(exchange["priority"])
    trace = exchange["traceparent"]
    await announce(node, conn, "lienthong.document.examined.v1", exchange["id"], payload, lane, trace=trace)


async def _cancel_outward(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    await move_outward(node, conn, exchange["id"], Outward.HELD, Outward.CANCELLED, actor=actor, reason=reason)
    await node.db.queries.cancel_deliveries(conn, exchange_id=exchange["id"], actor=actor, reason=reason)
    await node.db.queries.free_reservation(conn, exchange_id=exchange["id"])
    await _tell_sender(node, conn, exchange, "Đã hủy", actor, reason)


async def _release_inward(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    await move_inward(node, conn, exchange["id"], Inward.HELD, Inward.DELIVERED, actor=actor, reason=reason)
    # What was held for its content never becomes "hợp lệ" by a person's word: it is for reference.
    await put_into_mailbox(node, conn, exchange, label=f"{REFERENCE} – {actor} cho nhận: {reason}"[:300])


async def _cancel_inward(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    await move_inward(node, conn, exchange["id"], Inward.HELD, Inward.REFUSED, actor=actor, reason=reason)
    await due(node, conn, exchange, status_code="02", description=reason, staff=actor)


async def _release_package(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    package = await node.db.queries.package_by_id(conn, id=hold["outgoing_package_id"])
    await requeue(node, conn, package, trace=exchange["traceparent"], actor=actor, reason=reason)
    await _tell_sender(node, conn, exchange, "Gửi lại", actor, reason)


async def _cancel_package(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    package_id = hold["outgoing_package_id"]
    await move_package(node, conn, package_id, Outgoing.HELD, Outgoing.CANCELLED, actor=actor, reason=reason)
    await move_deliveries(node, conn, package_id, Delivery.WAITING, Delivery.CANCELLED, actor=actor, reason=reason)
    await settle_exchange(node, conn, exchange["id"])
    await _tell_sender(node, conn, exchange, "Không gửi gói tin", actor, reason)


async def _close_incoming(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    await move_incoming(
        node, conn, hold["incoming_package_id"], Incoming.HELD, Incoming.CLOSED, actor=actor, reason=reason
    )


async def _release_work(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    if not await work_rows.release(conn, hold["work_id"]):
        raise GatewayError("STATE_CONFLICT", "Bước này không còn chờ người xử lý.")


async def _cancel_work(node: Node, conn: Connection, hold: Any, exchange: Any, actor: str, reason: str) -> None:
    if not await work_rows.cancel(conn, hold["work_id"], actor=actor, reason=reason):
        raise GatewayError("STATE_CONFLICT", "Bước này không còn chờ người xử lý.")


_Outlet = Callable[[Node, Connection, Any, Any, str, str], Awaitable[None]]
OUTLETS: Final[dict[tuple[str, str], _Outlet]] = {
    ("outward", "release"): _release_outward,
    ("outward", "cancel"): _cancel_outward,
    ("inward", "release"): _release_inward,
    ("inward", "cancel"): _cancel_inward,
    ("outgoing_package", "release"): _release_package,
    ("outgoing_package", "cancel"): _cancel_package,
    ("incoming_package", "release"): _close_incoming,
    ("incoming_package", "cancel"): _close_incoming,
    ("work", "release"): _release_work,
    ("work", "cancel"): _cancel_work,
}
