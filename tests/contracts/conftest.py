"""What the contract of the brokers is asked of: each of them, and messages."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue.embedded import EmbeddedBroker
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.messages import Lane, Message
from lienthong.queue.port import Broker
from lienthong.queue.restless import RestlessBroker
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk, keep_effects
from lienthong.tests.kafka_cluster import one_broker

Say = Callable[..., Message]


@pytest.fixture(params=["embedded", "restless", "kafka"])
async def desk(request: pytest.FixtureRequest, addresses, database: Database) -> Desk:
    await keep_effects(addresses.dsn)

    kafka = None
    if request.param == "kafka":
        # Topics of its own for each test; the database is fresh as well.
        kafka = one_broker(request.getfixturevalue("kafka"), prefix=f"t{crc32(request.node.nodeid.encode()):08x}.")

    def build(wakeups: Wakeups) -> Broker:
        random = Random(7)
        if kafka is not None:
            return KafkaBroker(database, kafka, random=random.random, wakeups=wakeups, settings=SETTINGS)
        embedded = EmbeddedBroker(database, random=random.random, wakeups=wakeups, settings=SETTINGS)
        return embedded if request.param == "embedded" else RestlessBroker(embedded, database, random)

    return Desk(database, build)


@pytest.fixture
def say(ids: Callable[[], UUID], clock: Callable) -> Say:
    def build(n: int, key: str = "a", lane: Lane = Lane.NORMAL, topic: str = TOPIC, **more: Any) -> Message:
        return Message(
            id=ids(),
            topic=topic,
            key=key,
            type="lienthong.document.accepted.v1",
            source="/vb",
            payload={"n": n},
            lane=lane,
            **({"occurred_at": clock()} | more),
        )

    return build
