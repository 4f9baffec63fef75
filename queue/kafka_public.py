"""The public topic in Kafka: made or checked with its own retention, fed by a producer of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiokafka.errors import KafkaError

from .errors import QueueError
from .kafka_sending import KafkaSender
from .kafka_settings import KafkaSettings
from .kafka_topics import ensure_topics
from .messages import Lane
from .port import Store
from .public_feed import PublicFeed
from .settings import QueueSettings


async def publish(store: Store, kafka: KafkaSettings, settings: QueueSettings, stop: asyncio.Event) -> None:
    """Publish events for others until ``stop``; return at once where none are wanted."""
    topic = kafka.public_topic
    if topic is None:
        return
    own = replace(kafka, keep_days=kafka.public_keep_days)

    async def prepare() -> None:
        try:
            await ensure_topics(own, [own.topic(topic, Lane.NORMAL)])
        except (KafkaError, OSError) as error:
            raise QueueError("KAFKA_TOPIC_WRONG", f"Chưa dùng được chủ đề công khai: {error!r}") from error

    sender = KafkaSender(own)
    try:
        await PublicFeed(store, topic, sender.send, prepare=prepare, poll=settings.poll).run(stop)
    finally:
        await sender.close()
