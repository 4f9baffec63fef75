"""The inbox: what a consumer absorbed, in the same transaction as its effect."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from .messages import Message
from .port import Connection, Handler
from .statements import statements


async def absorb(connection: Connection, consumer: str, message_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the messages that are new to the consumer."""
    rows = statements().inbox_absorb(connection, consumer=consumer, ids=list(message_ids))
    return frozenset([row["message_id"] async for row in rows])


async def deliver(connection: Connection, consumer: str, batch: Sequence[Message], handler: Handler) -> int:
    """Hand the new messages of a batch to the handler, inside the given transaction; how many were new."""
    new = await absorb(connection, consumer, [message.id for message in batch])
    fresh = [message for message in batch if message.id in new]
    if fresh:
        await handler(connection, fresh)
    return len(fresh)


async def purge(connection: Connection, *, older_seconds: float) -> None:
    """Forget messages absorbed longer ago than that: longer than any broker may still repeat one."""
    await statements().inbox_purge(connection, older=older_seconds)
