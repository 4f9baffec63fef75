"""Rounds over the file store: where each is, what the last one said. Several processes take turns, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..node import Node

Key = tuple[str, str]  # owner, sha256


class RoundKind(StrEnum):
    SWEEP = "sweep"
    SCRUB = "scrub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """``after``: the key looked at last in a round that runs. ``ended_at``: of the last whole one."""

    after: Key
    started_at: datetime
    ended_at: datetime | None
    files: int
    bytes: int

    @property
    def running(self) -> bool:
        return self.ended_at is None or self.started_at > self.ended_at


async def get_round(node: Node, kind: RoundKind) -> Round | None:
    async with node.db.unit(None) as conn:
        row = await node.db.queries.file_round(conn, kind=kind)
    if row is None:
        return None
    return Round(
        after=(row["owner"], row["sha256"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        files=row["files"],
        bytes=row["bytes"],
    )


async def begin(node: Node, kind: RoundKind) -> None:
    async with node.db.unit(None) as conn:
        await node.db.queries.begin_file_round(conn, kind=kind, now=node.clock())


async def go_on(node: Node, kind: RoundKind, after: Key, *, files: int, size: int) -> None:
    """Everything up to ``after`` has been looked at: a restart goes on from there."""
    async with node.db.unit(None) as conn:
        await node.db.queries.go_on_with_round(
            conn, kind=kind, owner=after[0], sha256=after[1], files=files, bytes=size
        )


async def end(node: Node, kind: RoundKind, report: dict[str, Any]) -> None:
    async with node.db.unit(None) as conn:
        await node.db.queries.end_file_round(conn, kind=kind, now=node.clock(), report=report)
