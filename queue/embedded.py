"""The embedded broker: the outbox table itself, claimed, handled and marked in one transaction.

Strategy: a step looks at the beginning of the line, locks the first message of each key there, takes what follows it,
absorbs the batch in the consumer's inbox and marks it, all in one statement, and calls the handler in the same unit: a
crash anywhere leaves everything as it was. What stands behind a message that cannot go on steps aside, once, so that
no step looks at more than a window's length of the line, whatever has piled up.
When a batch fails, its messages are tried one by one, so that the guilty one is found and only its key waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from .backoff import delay
from .errors import QueueError, is_transient
from .guard import surviving
from .messages import Lane, Message
from .outbox import message_of, stepped_aside, waiting_for
from .port import Connection, Handler, Store
from .settings import QueueSettings
from .statements import statements
from .wakeups import Wakeups, waited

_log = structlog.get_logger(__name__)
WIDEST: Final = 64  # batches looked at, when all before is in other hands


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who absorbs a topic."""

    consumer: str
    topic: str
    handler: Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one transaction of the broker had in hand, and the error that rolled it back.

    ``looked_at``: how many messages of the line it saw; those it did not take are behind others or in other hands.
    """

    batch: Sequence[Message]
    error: Exception | None = None
    looked_at: int = 0


class EmbeddedBroker:
    """The ``Broker`` port over PostgreSQL alone. ``random`` gives numbers in [0, 1) for the jitter of back-offs."""

    def __init__(
        self, store: Store, *, random: Callable[[], float], wakeups: Wakeups, settings: QueueSettings | None = None
    ) -> None:
        self._store = store
        self._random = random
        self._wakeups = wakeups
        self._settings = settings or QueueSettings()
        self._subscriptions: dict[str, Subscription] = {}

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(self._subscriptions.values())

    def subscribe(self, *, consumer: str, topic: str, handler: Handler) -> None:
        """See ``Broker``. Raises QueueError ``TOPIC_TAKEN`` for a second consumer of a topic."""
        if topic in self._subscriptions:
            raise QueueError("TOPIC_TAKEN", f"Chủ đề «{topic}» đã có nơi nhận.")
        self._subscriptions[topic] = Subscription(consumer=consumer, topic=topic, handler=handler)

    async def run(self, stop: asyncio.Event) -> None:
        """See ``Broker``. The wake-ups run beside it, as a root task of the node."""
        with surviving("outbox-not-taken-back"):
            async with self._store.unit(None) as connection:
                await statements().outbox_take_back(connection)
                await statements().outbox_line_up(connection)
        async with asyncio.TaskGroup() as group:
            for subscription in self.subscriptions:
                for lane in Lane:
                    name = f"broker {subscription.topic} {lane.name}"
                    group.create_task(self.consume(subscription, lane, stop), name=name)

    async def relay(self, stop: asyncio.Event) -> None:
        """See ``Broker``: the outbox is the broker here."""
        await stop.wait()

    def trouble(self) -> str | None:
        """See ``Broker``: what the database says of itself is all there is to say."""
        return None

    async def lag(self) -> Mapping[tuple[str, Lane], int]:
        """See ``Broker``; dead letters and what waits behind them count."""
        async with self._store.unit(None) as connection:
            rows = statements().outbox_lag(connection)
            return {(row["topic"], Lane(row["lane"])): row["waiting"] async for row in rows}

    async def consume(self, subscription: Subscription, lane: Lane, stop: asyncio.Event) -> None:
        """Deliver one topic and lane until ``stop``."""
        wake = self._wakeups.subscribe("outbox", waiting_for(subscription.topic, lane))
        most = self._settings.batch
        singles = 0  # how many steps still take one message each, after a batch that failed
        window = most
        while not stop.is_set():
            wake.clear()
            size = 1 if singles else most
            step = await self.step(subscription, lane, size, window)
            singles = max(singles - 1, 0)
            if len(step.batch) > 1 and step.error is not None:
                singles = len(step.batch)
            elif step.error is not None:
                if not await self._settled(step):
                    await waited(stop, self._settings.poll)
            elif len(step.batch) < min(size, step.looked_at):
                moved = await self._stepped_aside(subscription, lane)
                window = most if step.batch or moved else min(window * 4, most * WIDEST)
                if not step.batch and not moved:
                    await waited(wake, self._settings.poll)
            elif len(step.batch) == step.looked_at < window:  # nothing more was there; what comes now wakes us
                await waited(wake, self._settings.poll)

    async def step(self, subscription: Subscription, lane: Lane, size: int, window: int) -> Step:
        """Claim, absorb, handle and mark up to ``size`` of the line's first ``window`` messages in one transaction."""
        batch: list[Message] = []
        try:
            async with self._store.unit(None) as connection:
                rows = statements().outbox_take(
                    connection,
                    topic=subscription.topic,
                    lane=int(lane),
                    batch=size,
                    window=window,
                    consumer=subscription.consumer,
                )
                taken = [row async for row in rows]
                looked_at = taken[0]["looked_at"]
                batch = [message_of(row) for row in taken if row["id"] is not None]
                fresh = [message for message, row in zip(batch, taken, strict=False) if row["new"]]
                if fresh:
                    await subscription.handler(connection, fresh)
        except Exception as error:  # noqa: BLE001 - the guard of the broker: settles or repeats the messages
            _log.warning("batch-failed", topic=subscription.topic, messages=len(batch), error=repr(error))
            return Step(batch=batch, error=error)
        return Step(batch=batch, looked_at=looked_at)

    async def _stepped_aside(self, subscription: Subscription, lane: Lane) -> int:
        """Clear the line of what cannot go on; how many stepped aside."""
        with surviving("line-not-cleared"):
            async with self._store.single() as connection:
                return await stepped_aside(connection, subscription.topic, lane)
        return 0

    async def _settled(self, step: Step) -> bool:
        """Give the one message that failed its next time, or set it aside; False when that is impossible now."""
        if step.error is None or not step.batch:
            return False
        [message] = step.batch
        try:
            async with self._store.unit(None) as connection:
                await self._record(connection, message, step.error)
        except Exception as error:  # noqa: BLE001 - the same guard: the message is pending still
            _log.warning("failure-not-recorded", message=str(message.id), error=repr(error))
            return False
        return True

    async def _record(self, connection: Connection, message: Message, error: Exception) -> None:
        counts = 0 if is_transient(error) else 1
        failures = await statements().outbox_failures(connection, id=message.id)
        state = await statements().outbox_failed(
            connection,
            id=message.id,
            counts=counts,
            error=f"{type(error).__name__}: {error}",
            delay=delay(self._settings.broker_backoff, (failures or 0) + 1, self._random()),
            max_failures=self._settings.dead_after,
        )
        if state == "dead":
            _log.error("dead-letter", message=str(message.id), topic=message.topic, key=message.key)
