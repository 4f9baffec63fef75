"""Clients of Apache Kafka: every unsafe default of the library overridden, here and nowhere else (platform.md 5.2)."""

from __future__ import annotations

import ssl
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from .kafka_settings import KafkaSettings

MAX_POLL_MS: Final = 300_000
# How soon a client asks again that got no answer; it has several loops, and at the library's 0.1 s those of one node
# asked an absent broker some hundred times a second.
SEND_AGAIN_MS: Final = 300
FETCH_AGAIN_MS: Final = 1000


def producer(kafka: KafkaSettings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **_connection(kafka), enable_idempotence=True, acks="all", linger_ms=2, retry_backoff_ms=SEND_AGAIN_MS
    )


def consumer(kafka: KafkaSettings, topic: str, group: str) -> AIOKafkaConsumer:
    """Offsets follow the database's commit; a new group begins at the beginning."""
    return AIOKafkaConsumer(
        topic,
        **_connection(kafka),
        group_id=f"{kafka.prefix}{group}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=(StickyPartitionAssignor,),
        session_timeout_ms=int(kafka.session_seconds * 1000),
        heartbeat_interval_ms=int(kafka.session_seconds * 1000 / 5),
        max_poll_interval_ms=MAX_POLL_MS,
        retry_backoff_ms=FETCH_AGAIN_MS,
    )


async def behind(kafka: KafkaSettings, topic: str, group: str) -> dict[TopicPartition, int]:
    """How many records each partition has that the group did not commit; by clients of its own, which join nothing.

    Raises KafkaError and OSError when Kafka does not answer them.
    """
    asking = admin(kafka)
    looking = AIOKafkaConsumer(**_connection(kafka), enable_auto_commit=False)
    try:
        await asking.start()
        [found] = await asking.describe_topics([topic])
        partitions = [TopicPartition(topic, one["partition"]) for one in found["partitions"]]
        done = await asking.list_consumer_group_offsets(f"{kafka.prefix}{group}")
        await looking.start()
        ends = await looking.end_offsets(partitions)
    finally:
        await looking.stop()
        await asking.close()
    return {one: end - (done[one].offset if one in done else 0) for one, end in ends.items()}


def admin(kafka: KafkaSettings) -> AIOKafkaAdminClient:
    return AIOKafkaAdminClient(**_connection(kafka))


def _connection(kafka: KafkaSettings) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "bootstrap_servers": kafka.servers,
        "client_id": kafka.client,
        "request_timeout_ms": int(kafka.request_seconds * 1000),
    }
    if kafka.account is None:
        return shared
    authority = str(kafka.account.authority) if kafka.account.authority else None
    return shared | {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=authority),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": kafka.account.user,
        "sasl_plain_password": kafka.account.password,
    }
