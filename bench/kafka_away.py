"""Kafka is away while messages gather: what writers notice of it, what the node holds, and how it catches up.

Compared within one run: the same writers without any broker, and beside a relay whose Kafka was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from lienthong.bench.measuring import pss_bytes
from lienthong.bench.message_load import KEYS, Build, Effects, running, write
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway.postgres.database import Database

WRITERS = 4
UNIT = 10  # messages of one transaction
SAMPLE_SECONDS = 0.25
LONG_SECONDS = 1.0
HELD = (
    "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
    f" and now() - xact_start > interval '{LONG_SECONDS} seconds'"
)
DISORDERED = (
    "select count(*) from (select number, lag(number) over (partition by key order by place) as before from effect)"
    " as pairs where number <= before"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """What an absence of Kafka cost."""

    gathered: int
    alone: float  # messages a second that the writers wrote without a broker
    beside: float  # the same beside a relay without Kafka
    held: int  # transactions seen open without work for longer than a second
    grown: int  # bytes that the process grew by while they gathered
    caught_up: float  # seconds from Kafka's return to the last effect
    disordered: int  # effects before an earlier one of their key
    missing: int


@dataclass(slots=True)
class _Watch:
    held: int = 0
    least: int = field(default_factory=lambda: pss_bytes(os.getpid()))
    most: int = 0


async def absence(
    db: Database, owner: asyncpg.Connection[asyncpg.Record], cluster: Cluster, build: Build, count: int
) -> Absence:
    """The broker is killed, ``count`` messages are written, the broker comes back."""
    await owner.execute("truncate outbox, inbox, effect")
    alone = await _written(db, count // 4)
    await owner.execute("truncate outbox, inbox, effect")
    effects = Effects()
    async with running(db, build, effects):
        effects.expect(KEYS)
        await write(db, range(-KEYS, 0))
        await effects.done.wait()
        cluster.brokers[0].kill()
        effects.expect(count)
        async with _watched(owner) as watch:
            beside = await _written(db, count)
        await asyncio.to_thread(cluster.restart, cluster.brokers[0])
        returned = time.perf_counter()
        await effects.done.wait()
        caught_up = time.perf_counter() - returned
    return Absence(
        gathered=count,
        alone=alone,
        beside=beside,
        held=watch.held,
        grown=watch.most - watch.least,
        caught_up=caught_up,
        disordered=await owner.fetchval(DISORDERED),
        missing=count + KEYS - await owner.fetchval("select count(distinct message_id) from effect"),
    )


async def _written(db: Database, count: int) -> float:
    """Messages a second of some writers, each with keys of its own."""
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(write(db, range(writer, count, WRITERS), unit=UNIT))
    return count / (time.perf_counter() - begun)


@asynccontextmanager
async def _watched(owner: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[_Watch]:
    watch = _Watch()

    async def look() -> None:
        while True:
            watch.held = max(watch.held, await owner.fetchval(HELD))
            watch.most = max(watch.most, pss_bytes(os.getpid()))
            await asyncio.sleep(SAMPLE_SECONDS)

    task = asyncio.create_task(look(), name="watch")
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
