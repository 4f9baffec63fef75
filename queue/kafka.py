"""The Kafka broker: a relay sends the outbox, consumers absorb in one transaction with the effect, then commit offsets.

Order per key is the partition's, and the database's in doubt: a message that arrives before an earlier one of its key
goes back to the outbox. Failures, delays and dead letters are rows of the outbox as with the embedded broker; no
partition ever waits for one message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from .backoff import delay
from .embedded import Subscription
from .errors import QueueError, is_transient
from .kafka_clients import consumer
from .kafka_offsets import offsets_of
from .kafka_public import publish
from .kafka_records import message_of
from .kafka_sending import CLOSE_SECONDS, KafkaSender
from .kafka_settings import KafkaSettings
from .kafka_topics import ensure_topics
from .kafka_watch import AWAY, Ear, KafkaWatch
from .messages import Lane, Message
from .port import Connection, Handler, Store
from .relay import Relay
from .settings import QueueSettings
from .statements import statements
from .stopping import ending
from .wakeups import Wakeups, waited

_log = structlog.get_logger(__name__)
POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """Records of one poll: readable messages in partition order, and the offsets behind them."""

    messages: Sequence[Message]
    unreadable: Sequence[tuple[ConsumerRecord, QueueError]]
    offsets: Mapping[TopicPartition, int]


class KafkaBroker:
    """The ``Broker`` port over Apache Kafka. ``random`` gives numbers in [0, 1) for the jitter of back-offs."""

    def __init__(
        self,
        store: Store,
        kafka: KafkaSettings,
        *,
        random: Callable[[], float],
        wakeups: Wakeups,
        settings: QueueSettings | None = None,
    ) -> None:
        self._store = store
        self._kafka = kafka
        self._random = random
        self._settings = settings or QueueSettings()
        self._patience = max(self._settings.drain - CLOSE_SECONDS, 0.0)  # with what hangs, at a stop
        self._subscriptions: dict[str, Subscription] = {}
        self._sender = KafkaSender(kafka)  # of the outbox
        self._aside = KafkaSender(kafka)  # of records that cannot be read
        self._watch = KafkaWatch(store, kafka)
        self._away = False  # the topics could not be looked at yet
        self._relay = Relay(
            store,
            self._sender.send,
            wakeups=wakeups,
            poll=self._settings.poll,
            resend=kafka.resend_seconds,
            random=random,
        )

    def subscribe(self, *, consumer: str, topic: str, handler: Handler) -> None:
        """See ``Broker``. Raises QueueError ``TOPIC_TAKEN`` for a second consumer of a topic."""
        if topic in self._subscriptions:
            raise QueueError("TOPIC_TAKEN", f"Chủ đề «{topic}» đã có nơi nhận.")
        self._subscriptions[topic] = Subscription(consumer=consumer, topic=topic, handler=handler)
        for lane in Lane:
            self._relay.watch(topic, lane)

    def trouble(self) -> str | None:
        """See ``Broker``."""
        return AWAY if self._away or self._relay.away else self._watch.trouble

    async def lag(self) -> Mapping[tuple[str, Lane], int]:
        """See ``Broker``; dead letters and what waits behind them count."""
        async with self._store.unit(None) as connection:
            rows = statements().outbox_lag(connection)
            return {(row["topic"], Lane(row["lane"])): row["waiting"] async for row in rows}

    async def run(self, stop: asyncio.Event) -> None:
        """See ``Broker``. Raises QueueError BROKER_STALLED when Kafka has messages and a consumer is stuck."""
        try:
            async with ending(stop, "kafka consumers", within=self._patience), asyncio.TaskGroup() as group:
                if not await self._topics(stop):
                    return
                group.create_task(self._watch.run(stop), name="kafka watch")
                for subscription in self._subscriptions.values():
                    for lane in Lane:
                        name = f"kafka {subscription.topic} {lane.name}"
                        group.create_task(self._consume(subscription, lane, stop), name=name)
        finally:
            await self._aside.close()

    async def relay(self, stop: asyncio.Event) -> None:
        """See ``Broker``."""
        try:
            async with ending(stop, "kafka relay", within=self._patience), asyncio.TaskGroup() as group:
                group.create_task(publish(self._store, self._kafka, self._settings, stop), name="public events")
                if await self._topics(stop):
                    await self._relay.run(stop)
        finally:
            await self._sender.close()

    async def _topics(self, stop: asyncio.Event) -> bool:
        """Create or check the topics; waits for a broker that is away. False at a stop."""
        names = [self._kafka.topic(topic, lane) for topic in self._subscriptions for lane in Lane]
        names += [self._kafka.dead(topic) for topic in self._subscriptions]
        while not stop.is_set():
            try:
                await ensure_topics(self._kafka, names)
            except (KafkaError, OSError) as error:
                self._away = True
                _log.warning("kafka-away", error=repr(error))
                await waited(stop, self._settings.poll)
            else:
                self._away = False
                return True
        return False

    async def _consume(self, subscription: Subscription, lane: Lane, stop: asyncio.Event) -> None:
        """One consumer of one topic and lane; a lost broker is joined again."""
        clock = asyncio.get_running_loop().time
        ear = self._watch.ear(subscription, lane)
        while not stop.is_set():
            client = consumer(self._kafka, ear.name, ear.group)
            try:
                await client.start()
                ear.joined(client, clock())
                await self._poll(client, subscription, ear, stop)
            except (KafkaError, OSError) as error:
                ear.left(clock(), AWAY)
                _log.warning("kafka-consumer-left", topic=subscription.topic, error=repr(error))
                await waited(stop, self._settings.poll)
            finally:
                ear.left(clock(), ear.trouble)
                await _close(client)

    async def _poll(self, client: AIOKafkaConsumer, subscription: Subscription, ear: Ear, stop: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        async with offsets_of(client) as offsets:
            while not stop.is_set():
                found = await client.getmany(timeout_ms=int(POLL_SECONDS * 1000), max_records=self._settings.batch)
                if not found:
                    continue
                arrived = _read(found, subscription.topic, ear.lane)
                with ear.handling(clock):
                    await self._set_aside(subscription, arrived)
                    await self._absorb(subscription, arrived.messages, stop)
                if stop.is_set() and not await self._settled_all(arrived.messages):
                    return
                await offsets.commit(arrived.offsets)

    async def _set_aside(self, subscription: Subscription, arrived: _Arrived) -> None:
        for record, error in arrived.unreadable:
            _log.error("record-unreadable", topic=record.topic, offset=record.offset, error=error.message)
            await self._aside.set_aside(self._kafka.dead(subscription.topic), record, error)

    async def _absorb(self, subscription: Subscription, messages: Sequence[Message], stop: asyncio.Event) -> None:
        """All in one transaction; when that fails one by one, so that only the guilty one's key waits."""
        if await self._try(subscription, messages) is None:
            return
        for message in messages:
            while (error := await self._try(subscription, [message])) is not None:
                if await self._returned(message, error):
                    break
                if await waited(stop, self._settings.poll):
                    return

    async def _try(self, subscription: Subscription, batch: Sequence[Message]) -> Exception | None:
        try:
            async with self._store.unit(None) as connection:
                await _deliver(connection, subscription, batch)
        except Exception as error:  # noqa: BLE001 - the guard of the broker: settles or repeats the messages
            _log.warning("batch-failed", topic=subscription.topic, messages=len(batch), error=repr(error))
            return error
        return None

    async def _returned(self, message: Message, error: Exception) -> bool:
        """Back to the outbox with its next time, or set aside; False when the database cannot say so now."""
        try:
            async with self._store.unit(None) as connection:
                failures = await statements().outbox_failures(connection, id=message.id)
                state = await statements().outbox_failed(
                    connection,
                    id=message.id,
                    counts=0 if is_transient(error) else 1,
                    error=f"{type(error).__name__}: {error}",
                    delay=delay(self._settings.broker_backoff, (failures or 0) + 1, self._random()),
                    max_failures=self._settings.dead_after,
                )
        except Exception as failure:  # noqa: BLE001 - the same guard: the record is read again
            _log.warning("failure-not-recorded", message=str(message.id), error=repr(failure))
            return False
        if state == "dead":
            _log.error("dead-letter", message=str(message.id), topic=message.topic, key=message.key)
        return True

    async def _settled_all(self, messages: Sequence[Message]) -> bool:
        """Whether the database knows what became of each; only then may the offset move at a stop."""
        try:
            async with self._store.unit(None) as connection:
                return not await statements().relay_unsettled(connection, ids=[one.id for one in messages])
        except Exception as error:  # noqa: BLE001 - the same guard: the records are read again
            _log.warning("offsets-stay", error=repr(error))
            return False


async def _close(client: AIOKafkaConsumer) -> None:
    """Leave the group; a broker that does not hear it learns it from the silence."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        _log.info("kafka-consumer-left-unheard", error=repr(error))


async def _deliver(connection: Connection, subscription: Subscription, batch: Sequence[Message]) -> None:
    rows = statements().outbox_absorb(
        connection, ids=[message.id for message in batch], consumer=subscription.consumer, window=len(batch)
    )
    new = {row["id"] async for row in rows}
    fresh = []
    for message in batch:
        if message.id in new:
            new.discard(message.id)
            fresh.append(message)
    if fresh:
        await subscription.handler(connection, fresh)


def _read(found: Mapping[TopicPartition, Sequence[ConsumerRecord]], topic: str, lane: Lane) -> _Arrived:
    messages, unreadable = [], []
    for records in found.values():
        for record in records:
            try:
                messages.append(message_of(topic, lane, record.key, record.value, record.headers))
            except QueueError as error:
                unreadable.append((record, error))
    offsets = {partition: records[-1].offset + 1 for partition, records in found.items() if records}
    return _Arrived(messages=messages, unreadable=unreadable, offsets=offsets)
