"""The answer to a sender who takes a document back: 15, destroyed as asked, or 16 where a policy lets an agency refuse.

Recalled content is handed out no more; the request, its reason and its answer stay (NĐ 30/2020 Phụ lục VI Phần I,
III.8).
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from ...queue.port import Connection
from ..directory import own_agency
from ..errors import GatewayError
from ..exchanges import Inward
from ..node import Node
from ..policies.resolver import resolve
from .answers import due
from .moves import move_inward

AGREED: Final = "15"
REFUSED: Final = "16"
REFUSABLE: Final = "recall_refusable"


async def answer_recall(
    node: Node,
    agency_id: UUID,
    exchange_id: UUID,
    *,
    status_code: str,
    description: str | None,
    actor: str,
    staff: str | None,
) -> None:
    """The clerk's 15 or 16. Raise DOCUMENT_NOT_FOUND, RECALL_NOT_ASKED, RECALL_BINDING, REASON_MISSING."""
    async with node.db.unit(agency_id) as conn:
        exchange = await node.db.queries.lock_exchange(conn, id=exchange_id)
        if exchange is None or exchange["agency_id"] != agency_id or exchange["direction"] != "inward":
            raise GatewayError("DOCUMENT_NOT_FOUND", "Không có văn bản đến này trong hộp thư của đơn vị.")
        if exchange["state"] == Inward.RECALLED and status_code == AGREED:
            return
        if exchange["state"] != Inward.RECALL_ASKED:
            raise GatewayError("RECALL_NOT_ASKED", "Bên gửi không có yêu cầu thu hồi nào đang chờ trả lời.")
        if status_code == AGREED:
            await agree(node, conn, exchange, reason=description, actor=actor, staff=staff)
        else:
            await _refuse(node, conn, exchange, reason=(description or "").strip(), actor=actor, staff=staff)


async def agree(
    node: Node, conn: Connection, exchange: Any, *, reason: str | None, actor: str, staff: str | None = None
) -> None:
    """Its content is handed out no more, and the sender is told (QĐ 28/2018 Điều 9.2)."""
    if exchange["state"] != Inward.RECALLED:
        await move_inward(node, conn, exchange["id"], exchange["state"], Inward.RECALLED, actor=actor, reason=reason)
    await node.db.queries.answer_recalls(conn, exchange_id=exchange["id"], answer=AGREED, actor=actor, reason=reason)
    await due(node, conn, exchange, status_code=AGREED, description=reason, staff=staff)


async def _refuse(node: Node, conn: Connection, exchange: Any, *, reason: str, actor: str, staff: str | None) -> None:
    """The document stays where it stood."""
    agency = await own_agency(node, conn, exchange["agency_id"])
    policies = await resolve(node, conn, REFUSABLE, agency_code=agency.code.value, on=node.clock().date())
    if policies[REFUSABLE].value is not True:
        # QĐ 28/2018 Điều 9.2, NĐ 30/2020 Điều 18.4.b: the receiver cancels the document and says so.
        raise GatewayError("RECALL_BINDING", "Văn bản bị bên gửi thu hồi thì phải hủy bỏ; đơn vị không được từ chối.")
    if not reason:
        raise GatewayError("REASON_MISSING", "Từ chối yêu cầu thu hồi phải nêu lý do.")
    asked = await node.db.queries.open_recall(conn, exchange_id=exchange["id"])
    before = Inward(asked["from_state"])
    await move_inward(node, conn, exchange["id"], Inward.RECALL_ASKED, before, actor=actor, reason=reason)
    await node.db.queries.answer_recalls(conn, exchange_id=exchange["id"], answer=REFUSED, actor=actor, reason=reason)
    await due(node, conn, exchange, status_code=REFUSED, description=reason, staff=staff)
