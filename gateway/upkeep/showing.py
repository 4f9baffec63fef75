"""The state of the file store as operators see it: rounds, what is out of sight, what is missing or damaged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..files.layout import NODE_FILES
from ..node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    owner: UUID  # an agency, or zeros: the node's own
    agency_code: str | None
    sha256: str
    kind: str  # missing | damaged
    found_at: datetime
    seen_at: datetime
    rows: int  # that name it
    exchanges: tuple[UUID, ...]  # of them at most twenty


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRound:
    kind: str  # sweep | scrub
    started_at: datetime
    ended_at: datetime | None  # of the last whole one
    files: int  # looked at in the round that began last
    bytes: int
    report: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    aside_files: int
    aside_bytes: int
    rounds: tuple[LastRound, ...]
    faults: tuple[Fault, ...]
    faults_in_all: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How many rows of one table name a file of one owner."""

    owner: UUID
    agency_code: str | None
    named_by: str
    rows: int


async def store_state(node: Node, *, limit: int) -> StoreState:
    """With the first ``limit`` faults."""
    queries = node.db.queries
    async with node.db.unit(None) as conn:
        aside = await queries.aside_count(conn)
        in_all = await queries.fault_count(conn)
        rounds = tuple([_round(row) async for row in queries.file_rounds(conn)])
        found = queries.file_faults(conn, owner=NODE_FILES, sha256="", limit=limit)
        faults = tuple([_fault(row) async for row in found])
    return StoreState(
        aside_files=aside["files"], aside_bytes=aside["bytes"], rounds=rounds, faults=faults, faults_in_all=in_all
    )


async def who_names(node: Node, sha256: str) -> tuple[Naming, ...]:
    """Which rows name this file, over all owners."""
    async with node.db.unit(None) as conn:
        return tuple(
            [
                Naming(owner=row["owner"], agency_code=row["agency_code"], named_by=row["named_by"], rows=row["rows"])
                async for row in node.db.queries.file_named_by(conn, sha256=sha256)
            ]
        )


def _round(row: Any) -> LastRound:
    names = ("kind", "started_at", "ended_at", "files", "bytes", "report")
    return LastRound(**{name: row[name] for name in names})


def _fault(row: Any) -> Fault:
    names = ("owner", "agency_code", "sha256", "kind", "found_at", "seen_at", "rows")
    return Fault(**{name: row[name] for name in names}, exchanges=tuple(row["exchanges"]))
