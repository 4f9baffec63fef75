"""What may happen to a Kafka broker, as functions: killed, stopped cleanly, standing still, and which one leads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from lienthong.deploy.kafka.cluster import BrokerProcess, Cluster
from lienthong.tests.chaos.proxy import Proxy
from lienthong.tests.chaos.watching import KafkaWatch, Watch


def leader(cluster: Cluster) -> BrokerProcess:
    """The broker that leads the controllers' quorum: each keeps in a file whom it follows, since which epoch."""
    states = []
    for broker in cluster.brokers:
        state = json.loads((broker.folder / "data" / "__cluster_metadata-0" / "quorum-state").read_text())
        states.append((int(state["leaderEpoch"]), int(state["leaderId"])))
    _, number = max(states)
    return next(broker for broker in cluster.brokers if broker.number == number)


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
