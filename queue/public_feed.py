"""Events for others: from ``public_outbox`` to the public topic. One publishes, the others stand by.

Apart from the relay on purpose: rows, producer and topic are its own, so that a public topic that is away, full or
closed to the node delays no message of the node. A row is settled when the broker has the record; a crash in between
sends it again under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from .backoff import Backoff, delay
from .errors import QueueError
from .guard import surviving
from .leader import lead
from .messages import Message
from .port import Connection, Store
from .relay import Send
from .statements import statements
from .wakeups import waited

_log = structlog.get_logger(__name__)
BATCH: Final = 500
_PAUSES: Final = Backoff(base=1.0, ceiling=30.0)  # seconds between tries while the topic takes nothing


class PublicFeed:
    """``prepare`` makes or checks the topic and raises when it cannot serve; ``send`` as the relay's."""

    def __init__(
        self, store: Store, topic: str, send: Send, *, prepare: Callable[[], Awaitable[None]], poll: float
    ) -> None:
        self._store = store
        self._topic = topic
        self._send = send
        self._prepare = prepare
        self._poll = poll
        self._prepared = False
        self.trouble: str | None = None  # why nothing goes out at present

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by until nobody else publishes, then publish until ``stop``."""
        await lead(self._store, "public events", stop, self._publish, poll=self._poll)

    async def _publish(self, over: asyncio.Event) -> None:
        failures = 0
        while not over.is_set():
            sent = False
            with surviving("public-events-lost-the-database"):
                sent = await self.step()
                await self._complain()
            failures = failures + 1 if self.trouble else 0
            if not sent:
                await waited(over, delay(_PAUSES, failures, 1.0) if failures else self._poll)

    async def step(self) -> bool:
        """Publish what waits; whether there may be more at once. The topic is made before anything is to be told."""
        if not await self._ready():
            return False
        async with self._store.single() as connection:
            messages = [self._message(row) async for row in statements().public_next(connection, batch=BATCH)]
        if not messages:
            return False
        sent = await self._send(messages)
        self.trouble = None if sent.ids or sent.refused else "Kafka không nhận sự kiện công khai."
        async with self._store.unit(None) as connection:
            await statements().public_published(connection, ids=list(sent.ids))
            for message, reason in sent.refused.items():
                _log.error("public-event-refused", message=str(message), error=reason)
                await statements().public_refused(connection, id=message, error=reason)
        return len(sent.ids) + len(sent.refused) == len(messages)

    async def _complain(self) -> None:
        """While nothing goes out: how much waits, and since when."""
        if self.trouble is None:
            return
        async with self._store.single() as connection:
            row = await statements().public_waiting(connection)
        if row["waiting"]:
            since = row["since"].isoformat()
            _log.warning("public-events-wait", waiting=row["waiting"], since=since, error=self.trouble)

    async def _ready(self) -> bool:
        if not self._prepared:
            try:
                await self._prepare()
            except QueueError as error:
                self.trouble = error.message
                return False
            self._prepared, self.trouble = True, None
        return True

    def _message(self, row: Any) -> Message:
        version = int(row["type"].rpartition(".v")[2])
        return Message(topic=self._topic, schema_version=version, **dict(row))


async def purge(connection: Connection, *, older_seconds: float) -> None:
    """Forget events published longer ago than that."""
    await statements().public_purge(connection, older=older_seconds)
