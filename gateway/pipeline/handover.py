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
from ..errors import GatewayError
from ..node import Node

TOPIC: Final = "lienthong.documents"
_FIRST_LOOK: Final = 20.0  # seconds before the axis is asked what became of a package it took


def lane_of(priority: int | None) -> Lane:
    """Documents with a độ khẩn have a lane of their own (QĐ 28/2018 Điều 6.2)."""
    return Lane.URGENT if priority else Lane.NORMAL


def message(
    node: Node,
    kind: str,
    subject: UUID,
    payload: Mapping[str, Any],
    lane: Lane = Lane.NORMAL,
    *,
    trace: str | None,
) -> Message:
    """What is said of a document; its key is the document, so that order is kept. ``trace``: its traceparent."""
    return Message(
        id=node.new_id(),
        topic=TOPIC,
        key=str(subject),
        type=kind,
        source=f"lienthong/{node.settings.instance}",
        occurred_at=node.clock(),
        subject=str(subject),
        payload=dict(payload),
        lane=lane,
        traceparent=trace,
    )


async def announce(
    node: Node,
    conn: Connection,
    kind: str,
    subject: UUID,
    payload: Mapping[str, Any],
    lane: Lane = Lane.NORMAL,
    *,
    trace: str | None,
) -> None:
    """Put a message into the outbox of this transaction."""
    await outbox.append(conn, [message(node, kind, subject, payload, lane, trace=trace)])


def trace_of(work: Work) -> str | None:
    """The traceparent of the message that opened the work."""
    found: str | None = work.payload.get("traceparent")
    return found


def _work(node: Node, kind: str, key: str, about: Message, *, channel: str | None = None, delay: float = 0.0) -> Work:
    return Work(
        id=node.new_id(),
        kind=kind,
        key=key,
        lane=about.lane,
        channel=channel,
        payload=dict(about.payload) | ({"traceparent": about.traceparent} if about.traceparent else {}),
        delay=delay,
    )


def channel_of(axis: str) -> str:
    """The channel that pauses as one: an axis under the node's system id."""
    return f"axis:{axis}"


def _examine(node: Node, about: Message) -> list[Work]:
    return [_work(node, "examine", about.key, about)]


def _package(node: Node, about: Message) -> list[Work]:
    return [_work(node, "package", about.key, about)]


def _dispatch(node: Node, about: Message) -> list[Work]:
    # Ordered per document and axis: 03 never overtakes 01, and an axis that is away does not hold up another.
    axis = about.payload["axis"]
    return [_work(node, "dispatch", f"{about.key}@{axis}", about, channel=channel_of(axis))]


def _follow(node: Node, about: Message) -> list[Work]:
    key, channel = f"follow:{about.payload['package_id']}", channel_of(about.payload["axis"])
    return [_work(node, "follow", key, about, channel=channel, delay=_FIRST_LOOK)]


def _received(node: Node, about: Message) -> list[Work]:
    axis = about.payload["axis"]
    return [
        _work(node, "acknowledge", f"ack:{about.key}", about, channel=channel_of(axis)),
        _work(node, "examine_incoming", about.key, about),
    ]


def _answer(node: Node, about: Message) -> list[Work]:
    return [_work(node, "answer", f"answer:{about.key}", about)]


HANDOVERS: Final[dict[str, Callable[[Node, Message], list[Work]]]] = {
    "lienthong.document.accepted.v1": _examine,
    "lienthong.document.examined.v1": _package,
    "lienthong.package.queued.v1": _dispatch,
    "lienthong.package.accepted.v1": _follow,
    "lienthong.package.received.v1": _received,
    "lienthong.status.due.v1": _answer,
}


async def hand_over(node: Node, conn: Connection, batch: Sequence[Message]) -> None:
    """The consumer of the topic: open the work rows of each message. Raises MESSAGE_UNKNOWN: it is set aside."""
    works = [work for one in batch for work in _handover_of(one)(node, one)]
    await enqueue(conn, *works)


def _handover_of(about: Message) -> Callable[[Node, Message], list[Work]]:
    """By type; its last part and ``schema_version`` are the version, and a newer one is never read as an older one."""
    known = HANDOVERS.get(about.type)
    if known is None or about.schema_version != int(about.type.rpartition(".v")[2]):
        raise GatewayError(
            "MESSAGE_UNKNOWN",
            f"Tiến trình này không biết tin «{about.type}» bản {about.schema_version}; có thể do bản phần mềm mới hơn "
            "viết. Nâng cấp tiến trình rồi cho đi lại.",
        )
    return known


def consumer(node: Node) -> Callable[[Connection, Sequence[Message]], Awaitable[None]]:
    """What the broker is given."""

    async def handle(conn: Connection, batch: Sequence[Message]) -> None:
        await hand_over(node, conn, batch)

    return handle
