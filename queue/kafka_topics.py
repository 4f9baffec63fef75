"""Topics: created when they are missing, checked when they are there."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from .errors import QueueError
from .kafka_clients import admin
from .kafka_settings import KafkaSettings


async def ensure_topics(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Raises KafkaError when the cluster does not answer, QueueError KAFKA_TOPIC_WRONG for one that cannot serve."""
    client = admin(kafka)
    try:
        await client.start()
        known = set(await client.list_topics())
        await _create(client, kafka, [name for name in names if name not in known])
        for topic in await client.describe_topics([name for name in names if name in known]):
            _check(topic, kafka)
    finally:
        await client.close()


async def _create(client: AIOKafkaAdminClient, kafka: KafkaSettings, names: Sequence[str]) -> None:
    if not names:
        return
    wanted = [
        NewTopic(
            name=name,
            num_partitions=kafka.partitions,
            replication_factor=kafka.copies,
            topic_configs=kafka.topic_configs(),
        )
        for name in names
    ]
    answer = await client.create_topics(wanted)
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            if issubclass(error, KafkaError) and error.retriable:
                raise error(message)
            raise QueueError("KAFKA_TOPIC_WRONG", f"Không tạo được chủ đề Kafka {name}: {message or error.__name__}.")


def _check(topic: dict[str, object], kafka: KafkaSettings) -> None:
    partitions = topic["partitions"]
    if not isinstance(partitions, list) or not partitions:
        return
    copies = min(len(partition["replicas"]) for partition in partitions)
    if copies < kafka.copies:
        message = f"Chủ đề Kafka {topic['topic']} chỉ có {copies} bản sao; cấu hình đòi {kafka.copies}."
        raise QueueError("KAFKA_TOPIC_WRONG", message)
