"""The clerk's answers to an incoming document: register it (03), refuse it (02), report on it (04, 05, 06).

Each is one transaction: state, register entry and the message that sends the status back. Asking twice for the same
thing answers with what was done the first time.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from ...queue.port import Connection
from ..errors import GatewayError
from ..exchanges import INWARD_BY_STATUS, Inward, Subject, require
from ..node import Node
from ..registers import incoming as register_book
from ..registers.incoming import BOOK, INCOMING, RegisteredEntry
from .answers import due
from .intake import VIETNAM
from .moves import move_inward


async def register(
    node: Node,
    agency_id: UUID,
    exchange_id: UUID,
    *,
    number: int | None,
    book: str = BOOK,
    arrival_date: date | None,
    holder: str | None,
    actor: str,
    staff: str | None,
) -> RegisteredEntry:
    """Enter it in sổ văn bản đến (số đến given or allotted) and send 03."""
    async with node.db.unit(agency_id) as conn:
        exchange = await _lock(node, conn, agency_id, exchange_id)
        already = await node.db.queries.entry_of_exchange(
            conn, agency_id=agency_id, direction=INCOMING, exchange_id=exchange_id
        )
        if already is not None:
            return _same(already, number)
        require(Subject.INWARD, exchange["state"], Inward.REGISTERED)
        entry = await register_book.enter(
            node,
            conn,
            exchange,
            number=number,
            book=book,
            arrival_date=arrival_date or node.clock().astimezone(VIETNAM).date(),
            holder=holder,
            signer=(exchange["metadata"].get("signer") or {}).get("full_name"),
            actor=actor,
        )
        await move_inward(node, conn, exchange_id, exchange["state"], Inward.REGISTERED, actor=actor)
        await due(node, conn, exchange, status_code="03", staff=staff)
    return entry


def _same(row: Any, number: int | None) -> RegisteredEntry:
    if number is not None and number != row["number"]:
        raise GatewayError("ALREADY_REGISTERED", f"Văn bản đã vào sổ với số đến {row['number']} năm {row['year']}.")
    return RegisteredEntry(
        number=row["number"], year=row["year"], book=row["book"], arrival_date=row["arrival_date"], already=True
    )


async def refuse(node: Node, agency_id: UUID, exchange_id: UUID, *, reason: str, actor: str, staff: str | None) -> None:
    """Return it to the sender with the reason (02; QĐ 28/2018 Điều 5.4, NĐ 30/2020 Điều 21.2.b)."""
    if not reason.strip():
        raise GatewayError("REASON_MISSING", "Từ chối tiếp nhận phải nêu lý do.")
    await _report(node, agency_id, exchange_id, status_code="02", description=reason.strip(), actor=actor, staff=staff)


async def report(
    node: Node,
    agency_id: UUID,
    exchange_id: UUID,
    *,
    status_code: str,
    description: str | None,
    actor: str,
    staff: str | None,
) -> None:
    """Tell the sender how far it is: 04 phân công, 05 đang xử lý, 06 hoàn thành."""
    if status_code not in ("04", "05", "06"):
        raise GatewayError("STATUS_CODE", f"Mã trạng thái “{status_code}” không dùng ở đây; chỉ 04, 05, 06.")
    await _report(
        node, agency_id, exchange_id, status_code=status_code, description=description, actor=actor, staff=staff
    )


async def _report(
    node: Node,
    agency_id: UUID,
    exchange_id: UUID,
    *,
    status_code: str,
    description: str | None,
    actor: str,
    staff: str | None,
) -> None:
    after = INWARD_BY_STATUS[status_code]
    async with node.db.unit(agency_id) as conn:
        exchange = await _lock(node, conn, agency_id, exchange_id)
        if exchange["state"] == after and status_code in ("02", "06"):
            return
        await move_inward(node, conn, exchange_id, exchange["state"], after, actor=actor, reason=description)
        await due(node, conn, exchange, status_code=status_code, description=description, staff=staff)


async def _lock(node: Node, conn: Connection, agency_id: UUID, exchange_id: UUID) -> Any:
    row = await node.db.queries.lock_exchange(conn, id=exchange_id)
    # Another agency's document is not there at all.
    if row is None or row["agency_id"] != agency_id or row["direction"] != "inward":
        raise GatewayError("DOCUMENT_NOT_FOUND", "Không có văn bản đến này trong hộp thư của đơn vị.")
    if row["state"] == Inward.RECALL_ASKED:  # the ways back out of it belong to the answer alone
        raise GatewayError("STATE_CONFLICT", "Bên gửi đã yêu cầu thu hồi văn bản; hãy trả lời 15 hoặc 16 trước.")
    return row
