"""A broker that behaves as badly as the port allows, for proving that handlers rely on no more than it promises.

Around an embedded broker: two consumers race for every topic (keys move between them), units are rolled back after
the handler did its work, and what was published is delivered again, twice at the same time. Seeded, so that a failure
can be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

from .embedded import EmbeddedBroker, Subscription
from .errors import QueueError
from .guard import surviving
from .inbox import deliver
from .messages import Lane, Message
from .outbox import message_of
from .port import Connection, Handler, Store
from .statements import statements
from .wakeups import waited

ROLLBACK_SHARE = 0.2
REPLAY_BATCH = 20
REPLAY_SECONDS = 0.01
CONSUMERS = 2


class RestlessBroker:
    """The ``Broker`` port; delivers everything the embedded broker delivers, and much of it again."""

    def __init__(self, embedded: EmbeddedBroker, store: Store, random: Random) -> None:
        self._embedded = embedded
        self._store = store
        self._random = random

    def subscribe(self, *, consumer: str, topic: str, handler: Handler) -> None:
        """See ``Broker``."""
        self._embedded.subscribe(consumer=consumer, topic=topic, handler=self._shaken(handler))

    async def run(self, stop: asyncio.Event) -> None:
        """See ``Broker``."""
        async with asyncio.TaskGroup() as group:
            for subscription in self._embedded.subscriptions:
                for lane in Lane:
                    for _ in range(CONSUMERS):
                        group.create_task(self._embedded.consume(subscription, lane, stop))
                    group.create_task(self._replay(subscription, lane, stop))

    async def relay(self, stop: asyncio.Event) -> None:
        """See ``Broker``."""
        await self._embedded.relay(stop)

    def trouble(self) -> str | None:
        """See ``Broker``."""
        return self._embedded.trouble()

    async def lag(self) -> Mapping[tuple[str, Lane], int]:
        """See ``Broker``."""
        return await self._embedded.lag()

    def _shaken(self, handler: Handler) -> Handler:
        async def handle(connection: Connection, batch: Sequence[Message]) -> None:
            await handler(connection, batch)
            if self._random.random() < ROLLBACK_SHARE:
                raise QueueError("RESTLESS", "Giao dịch bị hủy có chủ ý.", transient=True)

        return handle

    async def _replay(self, subscription: Subscription, lane: Lane, stop: asyncio.Event) -> None:
        while not await waited(stop, REPLAY_SECONDS):
            with surviving("replay-lost-the-database"):
                again = await self._sample(subscription, lane)
                async with asyncio.TaskGroup() as group:
                    for _ in range(CONSUMERS):
                        group.create_task(self._once_more(subscription, again))

    async def _sample(self, subscription: Subscription, lane: Lane) -> list[Message]:
        async with self._store.unit(None) as connection:
            rows = statements().outbox_sample(
                connection,
                topic=subscription.topic,
                lane=int(lane),
                salt=str(self._random.random()),
                batch=REPLAY_BATCH,
            )
            return [message_of(row) async for row in rows]

    async def _once_more(self, subscription: Subscription, again: Sequence[Message]) -> None:
        with surviving("replay-rolled-back"):
            async with self._store.unit(None) as connection:
                await deliver(connection, subscription.consumer, again, subscription.handler)
