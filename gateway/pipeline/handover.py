"""How one step hands over to the next: every step ends in a message, every message opens work rows. One table below.

A message is absorbed once (inbox), and the work rows are written in the same transaction. Handlers here do nothing
else (DESIGN.md, decision 2): long work is always a work row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from ...queue import outbox
from ...queue.messages import Lane, Message, Work
from ...queue.port import Connection
from ...queue.work import enqueue
from ..node import Node

TOPIC: Final = "lienthong.documents"
_FIRST_LOOK: Final = 20.0  # seconds before the axis is asked what became of a package it took


def lane_of(priority: int | None) -> Lane:
    """Documents with a độ khẩn have a lane of their own (QĐ 28/2018 Điều 6.2)."""
    return Lane.URGENT if priority else Lane.NORMAL


async def announce(
    node: Node, conn: Connection, kind: str, subject: UUID, payload: Mapping[str, Any], lane: Lane = Lane.NORMAL
) -> None:
    """Put a message into the outbox of this transaction; its key is the document, so that order is kept."""
    await outbox.append(
        conn,
        [
            Message(
                id=node.new_id(),
                topic=TOPIC,
                key=str(subject),
                type=kind,
                source=f"lienthong/{node.settings.instance}",
                occurred_at=node.clock(),
                subject=str(subject),
                payload=dict(payload),
                lane=lane,
            )
        ],
    )


def _work(node: Node, kind: str, key: str, message: Message, *, channel: str | None = None, delay: float = 0.0) -> Work:
    return Work(
        id=node.new_id(),
        kind=kind,
        key=key,
        lane=message.lane,
        channel=channel,
        payload=dict(message.payload),
        delay=delay,
    )


def channel_of(axis: str) -> str:
    """The channel that pauses as one: an axis under the node's system id."""
    return f"axis:{axis}"


def _examine(node: Node, message: Message) -> list[Work]:
    return [_work(node, "examine", message.key, message)]


def _package(node: Node, message: Message) -> list[Work]:
    return [_work(node, "package", message.key, message)]


def _dispatch(node: Node, message: Message) -> list[Work]:
    # Ordered per document and axis: 03 never overtakes 01, and an axis that is away does not hold up another.
    axis = message.payload["axis"]
    return [_work(node, "dispatch", f"{message.key}@{axis}", message, channel=channel_of(axis))]


def _follow(node: Node, message: Message) -> list[Work]:
    return [_work(node, "follow", f"follow:{message.payload['package_id']}", message, delay=_FIRST_LOOK)]


def _received(node: Node, message: Message) -> list[Work]:
    axis = message.payload["axis"]
    return [
        _work(node, "acknowledge", f"ack:{message.key}", message, channel=channel_of(axis)),
        _work(node, "examine_incoming", message.key, message),
    ]


def _answer(node: Node, message: Message) -> list[Work]:
    return [_work(node, "answer", f"answer:{message.key}", message)]


HANDOVERS: Final[dict[str, Callable[[Node, Message], list[Work]]]] = {
    "lienthong.document.accepted.v1": _examine,
    "lienthong.document.examined.v1": _package,
    "lienthong.package.queued.v1": _dispatch,
    "lienthong.package.accepted.v1": _follow,
    "lienthong.package.received.v1": _received,
    "lienthong.status.due.v1": _answer,
}


async def hand_over(node: Node, conn: Connection, batch: Sequence[Message]) -> None:
    """The consumer of the topic: open the work rows of each message."""
    works = [work for message in batch if message.type in HANDOVERS for work in HANDOVERS[message.type](node, message)]
    await enqueue(conn, *works)


def consumer(node: Node) -> Callable[[Connection, Sequence[Message]], Awaitable[None]]:
    """What the broker is given."""

    async def handle(conn: Connection, batch: Sequence[Message]) -> None:
        await hand_over(node, conn, batch)

    return handle
