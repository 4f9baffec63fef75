"""Kafka away, standing still, cut off, without its leader: messages wait, arrive in order, and act once."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway.postgres.database import Database
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Message
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk, keep_effects
from lienthong.tests.chaos.kafka_faults import absent, behind_doors, leader, paused
from lienthong.tests.chaos.proxy import Proxy
from lienthong.tests.chaos.wires import Cut
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


Fault = Callable[[Cluster, Proxy], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(cluster: Cluster, _: Proxy) -> AsyncIterator[None]:
    async with absent(cluster, cluster.brokers[0]):
        yield


@asynccontextmanager
async def stopped(cluster: Cluster, _: Proxy) -> AsyncIterator[None]:
    async with absent(cluster, cluster.brokers[0], cleanly=True):
        yield


@asynccontextmanager
async def frozen(cluster: Cluster, _: Proxy) -> AsyncIterator[None]:
    async with paused(cluster.brokers[0]):
        yield


def cut(how: Cut) -> Fault:
    @asynccontextmanager
    async def during(_: Cluster, door: Proxy) -> AsyncIterator[None]:
        await door.cut(how)
        yield
        await door.mend()

    return during


FAULTS: list[tuple[str, Fault]] = [
    ("killed", killed),
    ("stopped", stopped),
    ("frozen", frozen),
    ("reset", cut(Cut.RESET)),
    ("silent", cut(Cut.SILENT)),
    ("no answers", cut(Cut.ANSWERS)),
]


async def test_each_fault_of_a_broker_delays_and_neither_loses_nor_doubles(
    tmp_path: Path, addresses, database: Database, say: Callable[[int], Message]
) -> None:
    """One broker through all that can happen to it, with messages written while it happens."""
    await keep_effects(addresses.dsn)
    count = 0
    async with behind_doors(tmp_path / "kafka") as (cluster, (door,)):
        desk = desk_over(database, replace(STRICT, servers=cluster.door_bootstrap))
        async with desk.running(desk.record):
            for name, fault in FAULTS:
                await desk.write(*(say(count + n) for n in range(5)))
                async with fault(cluster, door):
                    async with asyncio.timeout(5):  # nobody who writes waits for Kafka
                        await desk.write(*(say(count + 5 + n) for n in range(5)))
                    await until(lambda: bool(door.connections), LONG)
                count += 10
                await until(desk.settled, LONG)
                assert in_order(await desk.effects(), count), name


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


async def test_the_leading_broker_of_three_is_lost_and_comes_back(
    tmp_path: Path, addresses, database: Database, say: Callable[[int], Message]
) -> None:
    await keep_effects(addresses.dsn)
    with Cluster(folder=tmp_path / "kafka", size=3) as cluster:
        kafka = replace(STRICT, servers=cluster.bootstrap, partitions=3, copies=3, in_sync=2, request_seconds=20.0)
        desk = desk_over(database, kafka)
        async with desk.running(desk.record):
            await desk.write(*(say(n) for n in range(30)))
            await until(desk.settled, LONG)
            first = leader(cluster)
            async with absent(cluster, first):
                await desk.write(*(say(30 + n) for n in range(30)))
                await until(desk.settled, LONG)
                assert leader(cluster) is not first
            await desk.write(*(say(60 + n) for n in range(30)))
            await until(desk.settled, LONG)
    assert in_order(await desk.effects(), 90)
