"""Whether what Kafka has for this process arrives: the watchdog of the consumers (platform.md 5.3).

A consumer may hang without a sign after a broker's restart, so what its client says of itself is not believed. A lane
whose fetches get no answers, or whose messages wait in the database, is doubtful, and a fresh client asks Kafka. When
that one gets no answer either, Kafka is away: a restart would help nobody. When it does, the consumer is stuck; it gets
the rest of its time and then the process goes. Times are the loop's, which no jump of a clock moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from .embedded import Subscription
from .errors import QueueError
from .guard import surviving
from .kafka_clients import behind
from .kafka_settings import KafkaSettings
from .messages import Lane
from .port import Store
from .statements import statements
from .wakeups import waited

_log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 5.0
ASK_SECONDS: Final = 5.0  # that a fresh client may take
DOUBT_SHARE: Final = 0.25  # of the stall time: what is silent for so long is asked about
AWAY, STALLED = "KAFKA_AWAY", "BROKER_STALLED"


@dataclass(slots=True, kw_only=True)
class Ear:
    """One consumer of one topic and lane, as the watch sees it."""

    topic: str
    lane: Lane
    name: str  # of the topic in Kafka
    group: str
    moved: float  # when something arrived last, or the consumer began
    client: AIOKafkaConsumer | None = None  # None: it joins
    busy: bool = False  # a handler has what arrived
    trouble: str | None = None
    stuck_since: float | None = None
    answered: dict[TopicPartition, tuple[object, float]] = field(default_factory=dict)

    @contextmanager
    def handling(self, clock: Callable[[], float]) -> Iterator[None]:
        """Something arrived, and a handler has it: that takes as long as it takes, and nothing is fetched meanwhile."""
        self.busy = True
        try:
            yield
        finally:
            self.moved, self.busy = clock(), False
            self.answered.clear()

    def joined(self, client: AIOKafkaConsumer, now: float) -> None:
        self.client, self.moved, self.trouble = client, now, None
        self.answered.clear()

    def left(self, now: float, trouble: str | None = None) -> None:
        self.client, self.moved, self.trouble = None, now, trouble

    def silence(self, now: float) -> float:
        """Seconds since the fetches of the most silent partition were answered, or since it began to join."""
        if self.client is None:
            return now - self.moved
        mine = self.client.assignment()
        stamps = {partition: self.client.last_poll_timestamp(partition) for partition in mine}
        for gone in self.answered.keys() - mine:
            del self.answered[gone]
        for partition, stamp in stamps.items():
            if partition not in self.answered or self.answered[partition][0] != stamp:
                self.answered[partition] = stamp, now
        return max((now - at for _, at in self.answered.values()), default=0.0)


class KafkaWatch:
    """The ears of one process and the watch over them."""

    def __init__(self, store: Store, kafka: KafkaSettings) -> None:
        self._store = store
        self._kafka = kafka
        self._ears: list[Ear] = []
        self._doubt = kafka.stall_seconds * DOUBT_SHARE

    @property
    def trouble(self) -> str | None:
        """The worst that an ear has to say."""
        troubles = {ear.trouble for ear in self._ears}
        return STALLED if STALLED in troubles else AWAY if AWAY in troubles else None

    def ear(self, subscription: Subscription, lane: Lane) -> Ear:
        """A place for one more consumer."""
        ear = Ear(
            topic=subscription.topic,
            lane=lane,
            name=self._kafka.topic(subscription.topic, lane),
            group=f"{subscription.consumer}.{subscription.topic}.{lane.name.lower()}",
            moved=asyncio.get_running_loop().time(),
        )
        self._ears.append(ear)
        return ear

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop``. Raises QueueError BROKER_STALLED: the process must go."""
        while not await waited(stop, min(LOOK_SECONDS, self._doubt / 2)):
            with surviving("watch-lost-the-database"):
                waiting = await self._waiting()
                for ear in self._ears:
                    await self._look(ear, waiting.get((ear.topic, ear.lane), 0.0))

    async def _waiting(self) -> dict[tuple[str, Lane], float]:
        async with self._store.unit(None) as connection:
            rows = statements().relay_waiting(connection)
            return {(row["topic"], Lane(row["lane"])): row["seconds"] async for row in rows}

    async def _look(self, ear: Ear, waiting: float) -> None:
        clock = asyncio.get_running_loop().time
        deaf = ear.silence(clock()) > self._doubt
        late = min(waiting, clock() - ear.moved) > self._doubt
        if ear.busy or not (deaf or late):
            ear.trouble = ear.stuck_since = None
            return
        mine = ear.client.assignment() if ear.client is not None else frozenset()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                left = await behind(self._kafka, ear.name, ear.group)
        except (KafkaError, OSError, TimeoutError) as error:
            self._away(ear, error)
            return
        if deaf or any(left[partition] for partition in left if partition in mine or not mine):
            self._stuck(ear, clock(), alone=bool(mine) or ear.client is None)
        else:  # Kafka has nothing for it: what waits was lost there or is another member's
            ear.trouble = ear.stuck_since = None

    def _away(self, ear: Ear, error: Exception) -> None:
        if ear.trouble != AWAY:
            _log.warning("kafka-away", topic=ear.name, error=repr(error))
        ear.trouble, ear.stuck_since = AWAY, None

    def _stuck(self, ear: Ear, now: float, *, alone: bool) -> None:
        """``alone``: it is certainly this one; a member without partitions waits longer, for the guilty one to go."""
        if ear.stuck_since is None:
            ear.stuck_since = now
            _log.warning("kafka-consumer-stalls", topic=ear.name, group=ear.group)
        ear.trouble = STALLED
        patience = (self._kafka.stall_seconds - self._doubt) * (1 if alone else 2)
        if now - ear.stuck_since > patience:
            _log.error("kafka-consumer-stuck", topic=ear.name, group=ear.group, seconds=now - ear.stuck_since)
            raise QueueError(STALLED, f"Kafka có tin ở {ear.name} mà bộ nhận không nhận được nữa; tiến trình dừng.")
