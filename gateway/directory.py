"""The directory: which agency a code means, on which axis it is reached, synchronised from the axes.

Codes are data with validity dates (QĐ 20/2020, QĐ 09/2025): an agency is found by its current, its QCVN 102 and its old
code, and is written with its current one. Nothing is converted by arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from ..adapters.axis import Axis, AxisAgency
from ..edxml.identifiers import OrganCode
from ..queue.port import Connection
from .errors import GatewayError
from .node import Node

LOCAL: Final = "local"
# A synchronisation that would drop more than this share of an axis's agencies is not believed (axis.md F12).
MAX_SHRINK: Final = 0.2
_BATCH: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """One of the node's own agencies."""

    id: UUID
    code: OrganCode
    name: str
    in_charge: str | None
    address: str | None
    email: str | None

    @classmethod
    def from_row(cls, row: Any) -> Agency:
        return cls(
            id=row["id"],
            code=OrganCode.parse(row["code"]),
            name=row["name"],
            in_charge=row["in_charge"],
            address=row["address"],
            email=row["email"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A recipient as it will stand on the wire."""

    code: OrganCode
    name: str
    axis: str


async def own_agency(node: Node, conn: Connection, agency_id: UUID) -> Agency:
    row = await node.db.queries.agency_by_id(conn, agency_id=agency_id)
    if row is None:
        raise _unknown_agency()
    return Agency.from_row(row)


def sender_in(exchange: Any) -> Agency:
    """The agency of a row of ``exchange_in_hand``."""
    if not exchange["active"]:
        raise _unknown_agency()
    return Agency(
        id=exchange["agency_id"],
        code=OrganCode.parse(exchange["agency_code"]),
        name=exchange["agency_name"],
        in_charge=exchange["in_charge"],
        address=exchange["address"],
        email=exchange["email"],
    )


async def own_agencies_named(node: Node, conn: Connection, codes: Iterable[OrganCode]) -> list[Agency]:
    """Those of the node's agencies that one of the codes means."""
    rows = node.db.queries.find_own_agencies(conn, keys=[code.key for code in codes])
    return [Agency.from_row(row) async for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondents:
    """Who sends and whom the codes mean: recipients by the key of the code that was asked; nobody's code is absent."""

    sender: Agency
    found: dict[str, Recipient]


async def look_up(
    node: Node, conn: Connection, agency_id: UUID, codes: Iterable[OrganCode], *, on: date
) -> Correspondents:
    """Raise AGENCY_UNKNOWN for a sender that is no active agency of the node."""
    keys = [code.key for code in codes]
    rows = node.db.queries.sender_and_recipients(conn, agency_id=agency_id, keys=keys, on_date=on)
    by_kind: dict[str, list[Any]] = {"sender": [], "own": [], "axis": []}
    async for row in rows:
        by_kind[row["found"]].append(row)
    if not by_kind["sender"]:
        raise _unknown_agency()
    found: dict[str, Recipient] = {}
    for row in by_kind["axis"]:
        if row["axis"] in node.axes:
            recipient = Recipient(code=OrganCode.parse(row["code"]), name=row["name"], axis=row["axis"])
            found.setdefault(row["asked"], recipient)
    for agency in map(Agency.from_row, by_kind["own"]):
        local = Recipient(code=agency.code, name=agency.name, axis=LOCAL)
        for key in keys:
            named = found.get(key)
            if key == agency.code.key or (named is not None and named.code.key == agency.code.key):
                found[key] = local
    return Correspondents(sender=Agency.from_row(by_kind["sender"][0]), found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencySearch:
    """What is looked for: a code of any kind, a part of a name, both or neither; after which (axis, id)."""

    code: str | None
    name_part: str | None
    on: date
    after: tuple[str | None, str | None] = (None, None)
    limit: int


async def search(node: Node, conn: Connection, asked: AgencySearch) -> list[Any]:
    """Rows of the directory and of the node's own agencies, in the order of axis and id."""
    page = {
        "name_part": asked.name_part,
        "on_date": asked.on,
        "after_axis": asked.after[0],
        "after_id": asked.after[1],
        "limit": asked.limit,
    }
    queries = node.db.queries
    if asked.code is None:
        return [row async for row in queries.agency_page(conn, **page)]
    return [row async for row in queries.agency_page_of_code(conn, code=asked.code, **page)]


def _unknown_agency() -> GatewayError:
    return GatewayError("AGENCY_UNKNOWN", "Đơn vị không có trên nút liên thông hoặc đã ngừng hoạt động.")


async def synchronise(node: Node, axis: Axis) -> int:
    """Take over the axis's directory in one transaction; the number of agencies. Raises AxisError, GatewayError."""
    now = node.clock()
    generation = int(now.timestamp())
    seen = 0
    async with node.db.unit(None) as conn:
        before = await node.db.queries.directory_size(conn, axis=axis.name)
        batch: list[AxisAgency] = []
        async for agency in axis.directory():
            batch.append(agency)
            seen += 1
            if len(batch) >= _BATCH:
                await _store(node, conn, axis.name, batch, generation)
                batch = []
        await _store(node, conn, axis.name, batch, generation)
        if seen < before * (1 - MAX_SHRINK):
            raise GatewayError(
                "DIRECTORY_SHRANK",
                f"Danh bạ trục {axis.name} chỉ còn {seen} đơn vị (trước đây {before}); giữ danh bạ cũ.",
            )
        await node.db.queries.close_missing(conn, axis=axis.name, generation=generation, on_date=now.date())
    return seen


async def _store(node: Node, conn: Connection, axis: str, batch: list[AxisAgency], generation: int) -> None:
    unique = {agency.id: agency for agency in batch}.values()  # an axis lists some agencies twice (F12)
    if not unique:
        return
    await node.db.queries.upsert_directory(
        conn,
        axis=axis,
        generation=generation,
        axis_ids=[a.id for a in unique],
        codes=[a.code for a in unique],
        codes102=[a.code102 for a in unique],
        old_codes=[a.old_code for a in unique],
        names=[a.name for a in unique],
        parent_ids=[a.parent_id for a in unique],
        emails=[a.email for a in unique],
    )
