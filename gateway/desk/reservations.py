"""Numbers that were reserved before, and the one living case that may have each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...queue.port import Connection
from ..errors import GatewayError
from ..node import Node
from .values import CaseRequest


async def find_reservation(
    node: Node, conn: Connection, agency_id: UUID, request: CaseRequest, reservation: UUID
) -> Any:
    """Raise RESERVATION_UNKNOWN or RESERVATION_USED."""
    row = await node.db.queries.reservation_by_id(conn, id=reservation, agency_id=agency_id)
    if row is None or (row["book"], row["notation"]) != (request.book, request.notation):
        raise GatewayError("RESERVATION_UNKNOWN", "Mã giữ số không có, hoặc khác sổ hay ký hiệu với văn bản này.")
    if row["used_by"] is not None:
        raise GatewayError("RESERVATION_USED", "Số giữ trước này đã dùng cho văn bản khác.")
    return row


def number_of_another(error: UniqueViolationError) -> Exception:
    """A reserved number that another living case took up at the same time; every other violation is a defect."""
    if error.constraint_name != "signing_case_number":
        return error
    return GatewayError("RESERVATION_USED", "Số giữ trước này đã dùng cho hồ sơ ký khác.")
