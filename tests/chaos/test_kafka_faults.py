"""Kafka's answers lost at exact moments: what it has is said again, arrives in order, and acts once."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Message
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk, keep_effects
from lienthong.tests.chaos.kafka_faults import behind_doors
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
LONG = 120.0
STRICT = KafkaSettings(servers="", partitions=2, copies=1, in_sync=1, session_seconds=6.0, request_seconds=4.0)


@pytest.fixture(autouse=True)
def _left_by_the_library() -> Iterator[None]:
    """The client leaves sockets of killed brokers to the collector; they are collected here and not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def say(ids: Callable[[], UUID], clock: Callable) -> Callable[[int], Message]:
    def build(n: int) -> Message:
        return Message(
            id=ids(),
            topic=TOPIC,
            key=f"k{n % 3}",
            type="lienthong.document.accepted.v1",
            source="/vb",
            occurred_at=clock(),
            payload={"n": n},
        )

    return build


def desk_over(database: Database, kafka: KafkaSettings) -> Desk:
    def build(wakeups: Wakeups) -> KafkaBroker:
        return KafkaBroker(database, kafka, random=Random(7).random, wakeups=wakeups, settings=SETTINGS)

    return Desk(database, build)


def in_order(effects: list[tuple[str, int]], count: int) -> bool:
    """Everything once, and each key in its order."""
    return sorted(n for _, n in effects) == list(range(count)) and all(
        [n for other, n in effects if other == key] == sorted(n for other, n in effects if other == key)
        for key in {key for key, _ in effects}
    )


async def test_an_answer_that_is_lost_after_the_broker_has_it_doubles_nothing(
    tmp_path: Path, addresses, database: Database, say: Callable[[int], Message]
) -> None:
    """Exactly the answer to a Produce request is lost: the relay must say it again, the effect happens once."""
    await keep_effects(addresses.dsn)
    async with behind_doors(tmp_path / "kafka") as (cluster, (door,)):
        desk = desk_over(database, replace(STRICT, servers=cluster.door_bootstrap))
        lost = door.on(b"Produce answered", door.drop, towards="client", when="instead")
        unheard = door.on(b"OffsetCommit answered", door.drop, towards="client", when="instead")
        async with desk.running(desk.record):
            for n in range(20):
                await desk.write(say(n))
            await until(desk.settled, LONG)
            await until(unheard.struck.is_set, LONG)
        assert lost.struck.is_set()
    assert in_order(await desk.effects(), 20)
