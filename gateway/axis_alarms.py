"""Alarms about an axis: what an operator should know although work goes on. One row for each axis and kind.

``clock``: the node's clock and the axis's differ (F08; QĐ 28/2018 Điều 14.4); ends when they agree. ``shared_system``:
somebody else uses our system id (F32): items vanish, or are in work, that nobody of this node has taken; what is not
seen again within a day is over. Neither stops anything: an item that another node took is fetched here all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog

from ..adapters.axis import Axis, MessageKind, ReceivedItem
from ..adapters.clocks import beyond, words
from ..queue.port import Connection
from .node import Node

_BY_OTHERS: Final = frozenset({"PROCESSING", "FAIL"})  # words that this node never says
_log = structlog.get_logger(__name__)


class AlarmKind(StrEnum):
    CLOCK = "clock"
    SHARED_SYSTEM = "shared_system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    axis: str
    kind: AlarmKind
    message: str  # Vietnamese
    since: datetime
    last_at: datetime
    times: int


async def open_alarms(node: Node, conn: Connection) -> list[Alarm]:
    """What is or was so within the last day."""
    return [
        Alarm(
            axis=row["axis"],
            kind=AlarmKind(row["kind"]),
            message=row["message"],
            since=row["since"],
            last_at=row["last_at"],
            times=row["times"],
        )
        async for row in node.db.queries.alarms(conn)
    ]


async def watch_clock(node: Node, axis: Axis) -> None:
    """After a call: do the clocks agree."""
    ahead = axis.clock_ahead()
    if ahead is None:
        return
    async with node.db.single() as conn:
        if beyond(ahead):
            await _raise(node, conn, axis, AlarmKind.CLOCK, words(ahead))
        elif await node.db.queries.end_alarm(conn, axis=axis.name, kind=AlarmKind.CLOCK) is not None:
            _log.info("axis-alarm-ended", axis=axis.name, kind=str(AlarmKind.CLOCK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What an axis listed when it was asked, and the ids that this node had never seen listed."""

    asked_at: datetime
    kind: MessageKind
    items: Sequence[ReceivedItem]
    first_seen: Collection[str]


async def watch_others(node: Node, conn: Connection, axis: Axis, listed: Listed) -> None:
    """After a list: is there a trace of somebody else."""
    rows = node.db.queries.taken_by_others(
        conn,
        axis=axis.name,
        message_kind=listed.kind.value,
        listed=[item.receiver_doc_id for item in listed.items],
        before=listed.asked_at,
    )
    vanished = [row["receiver_doc_id"] async for row in rows]
    fresh = [item for item in listed.items if item.receiver_doc_id in listed.first_seen]
    in_work = [item.receiver_doc_id for item in fresh if item.status in _BY_OTHERS]
    if vanished or in_work:
        await _raise(node, conn, axis, AlarmKind.SHARED_SYSTEM, _shared(vanished, in_work))


def _shared(vanished: list[str], in_work: list[str]) -> str:
    seen = []
    if vanished:
        seen.append(f"{len(vanished)} mục biến khỏi danh sách của trục trước khi nút này lấy về (như {vanished[0]})")
    if in_work:
        seen.append(f"{len(in_work)} mục mới đã có nơi khác xử lý (như {in_work[0]})")
    return (
        f"Có thể một nút hoặc phần mềm khác đang dùng chung mã hệ thống: {'; '.join(seen)}."
        " Hãy tắt nút cũ hoặc xin mã hệ thống riêng."
    )


async def _raise(node: Node, conn: Connection, axis: Axis, kind: AlarmKind, message: str) -> None:
    if await node.db.queries.raise_alarm(conn, axis=axis.name, kind=kind, message=message) == 1:
        _log.warning("axis-alarm", axis=axis.name, kind=str(kind), reason=message)
