"""What may happen to a Kafka broker, as functions: killed, stopped cleanly, standing still, and which one leads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from lienthong.deploy.kafka.cluster import BrokerProcess, Cluster
from lienthong.queue.kafka_clients import admin
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.tests.chaos.proxy import Proxy
from lienthong.tests.chaos.watching import KafkaWatch, Watch
from lienthong.tests.waiting import until

LEADER_SECONDS = 60.0  # in which the brokers agree on who leads what


def leader(cluster: Cluster) -> BrokerProcess:
    """The broker that leads the controllers' quorum: each keeps in a file whom it follows, since which epoch."""
    states = []
    for broker in cluster.brokers:
        state = json.loads((broker.folder / "data" / "__cluster_metadata-0" / "quorum-state").read_text())
        states.append((int(state["leaderEpoch"]), int(state["leaderId"])))
    _, number = max(states)
    return next(broker for broker in cluster.brokers if broker.number == number)


async def led(kafka: KafkaSettings, *topics: str) -> Counter[int]:
    """Of how many partitions of these topics each broker (by its number) is the leader now; empty: nobody says."""
    asking = admin(kafka)
    try:
        await asking.start()
        found = await asking.describe_topics(list(topics))
    except (KafkaError, OSError):
        return Counter()
    finally:
        await asking.close()
    return Counter(one["leader"] for topic in found for one in topic["partitions"])


async def leading(brokers: Sequence[BrokerProcess], kafka: KafkaSettings, *topics: str) -> BrokerProcess:
    """Of these brokers the one that leads most partitions of the topics."""
    leads = await until(lambda: led(kafka, *topics), LEADER_SECONDS)
    return max(brokers, key=lambda broker: leads[broker.number])


@asynccontextmanager
async def absent(cluster: Cluster, broker: BrokerProcess, *, cleanly: bool = False) -> AsyncIterator[None]:
    """Killed (or stopped) inside the block, started again and answering behind it."""
    await asyncio.to_thread(broker.stop if cleanly else broker.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(cluster.restart, broker)


@asynccontextmanager
async def paused(broker: BrokerProcess) -> AsyncIterator[None]:
    """The broker stands still: its connections stay open and it answers nobody."""
    assert broker.process is not None
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(broker.process.pid, signal.SIGCONT)


@asynccontextmanager
async def behind_doors(
    folder: Path, *, size: int = 1, watch: Callable[[], Watch] = KafkaWatch
) -> AsyncIterator[tuple[Cluster, list[Proxy]]]:
    """A cluster each of whose brokers clients reach through a proxy alone: ``cluster.door_bootstrap``."""
    async with AsyncExitStack() as stack:
        doors = [await stack.enter_async_context(Proxy(watch=watch)) for _ in range(size)]
        cluster = Cluster(folder=folder, size=size, doors=tuple(door.port for door in doors))
        await asyncio.to_thread(cluster.__enter__)
        stack.push_async_callback(asyncio.to_thread, cluster.end)
        for broker, door in zip(cluster.brokers, doors, strict=True):
            door.target = ("127.0.0.1", broker.inner_port)
        yield cluster, doors
