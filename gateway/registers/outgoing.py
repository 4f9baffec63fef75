"""Sổ đăng ký văn bản đi (NĐ 30/2020/NĐ-CP Phụ lục IV): entries, reserved numbers, gaps.

A document posted already signed brings its number: it is recorded, never changed. A number that the node allots comes
from one locked counter row per agency, book and year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from ...queue.port import Connection
from ..errors import GatewayError
from ..node import Node
from ..submissions import Metadata

OUTGOING: Final = "outgoing"
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    id: UUID
    number: int
    year: int
    book: str
    notation: str


async def reserve_number(
    node: Node, agency_id: UUID, *, book: str, year: int, notation: str, subject: str | None
) -> Reservation:
    """Allot the next number before signing (NĐ 30/2020 Điều 15); it stays reserved until a document uses it."""
    async with node.db.unit(agency_id) as conn:
        number = await node.db.queries.next_number(conn, agency_id=agency_id, direction=OUTGOING, book=book, year=year)
        reservation = Reservation(id=node.new_id(), number=number, year=year, book=book, notation=notation)
        await node.db.queries.insert_reservation(
            conn,
            id=reservation.id,
            agency_id=agency_id,
            book=book,
            year=year,
            number=number,
            notation=notation,
            doc_subject=subject,
        )
    return reservation


def entry(node: Node, exchange: Any, metadata: Metadata, recipients: Sequence[str]) -> dict[str, Any]:
    """The line of a document that is about to leave, but for what the document's row itself says."""
    number_text = exchange["code_number"]
    return {
        "entry_id": node.new_id(),
        "direction": OUTGOING,
        "book": exchange["book"],
        "year": exchange["promulgation_date"].year,
        "number": int(number_text) if _DIGITS.fullmatch(number_text) else None,
        "number_text": number_text,
        "allotted": metadata.reservation is not None,
        "document_number": f"{number_text}/{exchange['code_notation']}",
        "notation": exchange["code_notation"],
        "document_date": exchange["promulgation_date"],
        "type_name": exchange["type_name"],
        "signer": metadata.signer.full_name,
        "recipients": "; ".join(recipients),
        "keeper": metadata.keeper,
        "copies": metadata.other.copies,
        "transferred_on": node.clock().date(),
        "priority": exchange["priority"],
        "note": metadata.note,
        "entered_by": "node",
    }


async def enter(node: Node, conn: Connection, exchange: Any, line: dict[str, Any]) -> None:
    """Write the entry of a document that is about to leave. Raise NUMBER_TAKEN when its line is another document's."""
    owned = {"agency_id": exchange["agency_id"], "direction": OUTGOING, "book": line["book"], "year": line["year"]}
    written = await node.db.queries.insert_register_entry(
        conn,
        **{**line, **owned},
        id=line["entry_id"],
        exchange_id=exchange["id"],
        arrival_date=None,
        author=None,
        doc_subject=exchange["subject"],
    )
    if written is None:
        await _explain(node, conn, exchange)
    if line["number"] is not None:
        await node.db.queries.raise_counter(conn, **owned, number=line["number"])


async def _explain(node: Node, conn: Connection, exchange: Any) -> None:
    """An entry was not written: fine when it is this document's own (a step done again), else the number is taken."""
    own = await node.db.queries.entry_of_exchange(
        conn, agency_id=exchange["agency_id"], direction=OUTGOING, exchange_id=exchange["id"]
    )
    if own is None:
        raise GatewayError(
            "NUMBER_TAKEN",
            f"Số {exchange['code_number']}/{exchange['code_notation']} đã có trong sổ văn bản đi "
            f"năm {exchange['promulgation_date'].year}.",
        )


async def gaps(
    node: Node, agency_id: UUID, *, book: str, year: int, direction: str = OUTGOING
) -> list[tuple[int, int]]:
    """Ranges of numbers that are neither entered nor reserved, from 1 to the highest one."""
    async with node.db.unit(agency_id) as conn:
        rows = node.db.queries.numbers_in_book(conn, agency_id=agency_id, direction=direction, book=book, year=year)
        return missing_ranges([row["number"] async for row in rows])


def missing_ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Inclusive ranges missing from an ascending sequence that should start at 1."""
    result: list[tuple[int, int]] = []
    expected = 1
    for number in numbers:
        if number > expected:
            result.append((expected, number - 1))
        expected = max(expected, number + 1)
    return result
