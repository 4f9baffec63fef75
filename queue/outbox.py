"""The outbox: messages written in the transaction that made them true, and what becomes of dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from .messages import Lane, Message
from .port import Connection, wake_later
from .statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message set aside: it blocks the later messages of its key until a person decides."""

    id: UUID
    topic: str
    lane: Lane
    key: str
    type: str
    subject: str | None
    occurred_at: datetime
    failures: int
    error: str


async def append(connection: Connection, messages: Sequence[Message]) -> None:
    """Write messages with the caller's transaction; the broker is woken when it is committed."""
    if not messages:
        return
    await statements().outbox_append(
        connection,
        ids=[message.id for message in messages],
        topics=[message.topic for message in messages],
        lanes=[int(message.lane) for message in messages],
        keys=[message.key for message in messages],
        types=[message.type for message in messages],
        sources=[message.source for message in messages],
        subjects=[message.subject for message in messages],
        schema_versions=[message.schema_version for message in messages],
        traceparents=[message.traceparent for message in messages],
        payloads=[dict(message.payload) for message in messages],
        occurred=[message.occurred_at for message in messages],
    )
    written(connection, messages)


def rows(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages as a statement takes them that writes them itself, with its own changes (``steps.sql``)."""
    return [
        {
            "id": str(message.id),
            "topic": message.topic,
            "lane": int(message.lane),
            "key": message.key,
            "type": message.type,
            "source": message.source,
            "subject": message.subject,
            "schema_version": message.schema_version,
            "traceparent": message.traceparent,
            "payload": dict(message.payload),
            "occurred_at": message.occurred_at.isoformat(),
        }
        for message in messages
    ]


def written(connection: Connection, messages: Sequence[Message]) -> None:
    """A statement has written the messages: have the broker woken when it is committed."""
    for message in messages:
        wake_later(connection, "outbox", waiting_for(message.topic, message.lane))


async def dead_letters(connection: Connection, *, limit: int = 100) -> list[DeadLetter]:
    """What was set aside, oldest first."""
    rows = statements().outbox_dead(connection, limit=limit)
    return [DeadLetter(**{**dict(row), "lane": Lane(row["lane"])}) async for row in rows]


async def requeue(connection: Connection, message_id: UUID) -> bool:
    """Send a dead letter round again; False when it is none (any more)."""
    return _woken(connection, await statements().outbox_requeue(connection, id=message_id))


async def discard(connection: Connection, message_id: UUID, *, actor: str, reason: str) -> bool:
    """Give a dead letter up; the reason is kept with it and the later messages of its key go on."""
    topic = await statements().outbox_discard(connection, id=message_id, actor=actor, reason=reason)
    return _woken(connection, topic)


async def stepped_aside(connection: Connection, topic: str, lane: Lane, *, most: int = 1000) -> int:
    """Take out of the line, for as long as need be, what stands there behind a message that cannot go on."""
    moved: int = await statements().outbox_step_aside(connection, topic=topic, lane=int(lane), window=most)
    return moved


async def purge(connection: Connection, *, older_seconds: float) -> None:
    """Delete messages settled longer ago than that; inbox rows must be kept longer than these."""
    await statements().outbox_purge(connection, older=older_seconds)


def _woken(connection: Connection, topic: str | None) -> bool:
    if topic is not None:
        wake_later(connection, "outbox", "")
    return topic is not None


def waiting_for(topic: str, lane: Lane) -> str:
    """The subject under which the consumer of a topic's lane is woken."""
    return f"{topic} {lane.name}"


def message_of(row: Any) -> Message:
    """The value of one outbox row."""
    return Message(
        id=row["id"],
        topic=row["topic"],
        lane=Lane(row["lane"]),
        key=row["key"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        schema_version=row["schema_version"],
        traceparent=row["traceparent"],
        payload=row["payload"],
        occurred_at=row["occurred_at"],
    )
