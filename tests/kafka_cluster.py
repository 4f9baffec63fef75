"""A real Kafka for the tests: started once per run, stopped with it."""

from __future__ import annotations

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.queue.kafka_settings import KafkaSettings


def one_broker(cluster: Cluster, *, prefix: str) -> KafkaSettings:
    """Settings for a cluster of one broker, with topics and groups of their own."""
    return KafkaSettings(
        servers=cluster.bootstrap, prefix=prefix, partitions=2, copies=1, in_sync=1, session_seconds=6.0
    )
