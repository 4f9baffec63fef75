"""Sổ đăng ký văn bản đến (NĐ 30/2020/NĐ-CP Điều 22.2, Phụ lục IV): số đến, one per document, agency, book and year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from ...queue.port import Connection
from ..errors import GatewayError
from ..node import Node

INCOMING: Final = "incoming"
BOOK: Final = "van-ban-den"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredEntry:
    number: int
    year: int
    book: str
    arrival_date: date
    already: bool = False  # the same document was registered before: nothing happened now


async def enter(
    node: Node,
    conn: Connection,
    exchange: Any,
    *,
    number: int | None,
    book: str,
    arrival_date: date,
    holder: str | None,
    signer: str | None,
    actor: str,
) -> RegisteredEntry:
    """Write the entry; the number is the clerk's, or the next one. Raise ARRIVAL_NUMBER_TAKEN."""
    agency_id: UUID = exchange["agency_id"]
    year = arrival_date.year
    at = {"agency_id": agency_id, "direction": INCOMING, "book": book, "year": year}
    if number is None:
        number = await node.db.queries.next_number(conn, **at)
    else:
        await node.db.queries.raise_counter(conn, number=number, **at)
    entry = await node.db.queries.insert_register_entry(
        conn,
        **at,
        id=node.new_id(),
        exchange_id=exchange["id"],
        number=number,
        number_text=str(number),
        allotted=True,
        arrival_date=arrival_date,
        author=exchange["sender_name"] or exchange["sender_code"],
        document_number=_document_number(exchange),
        notation=exchange["code_notation"],
        document_date=exchange["promulgation_date"],
        type_name=exchange["type_name"],
        doc_subject=exchange["subject"],
        signer=signer,
        recipients=holder,
        keeper=None,
        copies=None,
        transferred_on=arrival_date if holder else None,
        priority=exchange["priority"],
        note=None,
        entered_by=actor,
    )
    if entry is None:
        raise GatewayError("ARRIVAL_NUMBER_TAKEN", f"Số đến {number} năm {year} đã cấp cho văn bản khác.")
    return RegisteredEntry(number=number, year=year, book=book, arrival_date=arrival_date)


def _document_number(exchange: Any) -> str | None:
    parts = [part for part in (exchange["code_number"], exchange["code_notation"]) if part]
    return "/".join(parts) or None
