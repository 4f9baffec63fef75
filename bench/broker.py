"""How fast messages go from the outbox to their effect, and what the issue's figures are: one run, one table.

``python bench/broker.py [--few N] [--without-broadcast]``. PostgreSQL, Kafka, writers and consumers share the cores.
Rates: embedded, a pile written beforehand; Kafka and bare, written meanwhile; timed until the last effect is
committed; the ways take turns, medians are printed. Bare (bench/bare_messages.py): aiokafka and asyncpg in batches,
once with all writes of the way, once with its new rows only.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from lienthong.bench import broadcast
from lienthong.bench.bare_messages import bare
from lienthong.bench.broker_figures import STEADY, Figures, table
from lienthong.bench.kafka_away import absence
from lienthong.bench.measuring import conditions
from lienthong.bench.message_load import (
    KEYS,
    TABLE,
    alone,
    drained,
    steady,
    through,
    warm,
)
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.queue.embedded import EmbeddedBroker
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.settings import QueueSettings
from lienthong.queue.wakeups import Wakeups

ROUNDS = 3
COUNT, PROBES, AWAY = 20_000, 300, 100_000
STEADY_SECONDS = 10.0
SETTINGS = QueueSettings(poll=1.0, batch=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the measurements share."""

    db: Database
    owner: asyncpg.Connection[asyncpg.Record]
    cluster: Cluster
    settings: KafkaSettings
    dsn: str

    def embedded(self, wakeups: Wakeups) -> EmbeddedBroker:
        return EmbeddedBroker(self.db, wakeups=wakeups, random=random.random, settings=SETTINGS)

    def kafka(self, wakeups: Wakeups) -> KafkaBroker:
        return KafkaBroker(self.db, self.settings, wakeups=wakeups, random=random.random, settings=SETTINGS)


async def measured(stage: Stage, few: int) -> Figures:
    count = COUNT // few
    embedded, kafka, same, rows = [], [], [], []
    for build in (stage.embedded, stage.kafka):
        await warm(stage.db, build)
    for _ in range(ROUNDS):
        embedded.append(await drained(stage.db, stage.embedded, count))
        kafka.append(await through(stage.db, stage.kafka, count))
        same.append(await bare(stage.settings, stage.dsn, count, marks=True))
        rows.append(await bare(stage.settings, stage.dsn, count, marks=False))
    kept, embedded_steady = await steady(
        stage.db, stage.embedded, a_second=STEADY, seconds=max(2.0, STEADY_SECONDS / few)
    )
    embedded_alone = await alone(stage.db, stage.embedded, PROBES // few)
    kafka_alone = await alone(stage.db, stage.kafka, PROBES // few)
    away = await absence(stage.db, stage.owner, stage.cluster, stage.kafka, AWAY // few)
    return Figures(
        count=count,
        embedded=statistics.median(embedded),
        kafka=statistics.median(kafka),
        bare=statistics.median(same),
        bare_rows=statistics.median(rows),
        embedded_alone=embedded_alone,
        kafka_alone=kafka_alone,
        kept=kept,
        embedded_steady=embedded_steady,
        away=away,
        broadcasts=(),
    )


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that also the account of PostgreSQL can enter."""
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def main(few: int, *, with_broadcast: bool) -> None:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(open_folder())
        server = await stack.enter_async_context(EmbeddedServer(folder / "postgres", randbytes=os.urandom))
        await migrate(server.dsn)
        owner = await asyncpg.connect(server.dsn)
        stack.push_async_callback(owner.close)
        await owner.execute(f"{TABLE}; grant all on effect, effect_place_seq to lienthong_app")
        cluster = stack.enter_context(Cluster(folder=folder / "kafka"))
        db = await stack.enter_async_context(Database(server.app_dsn))
        settings = KafkaSettings(servers=cluster.bootstrap, partitions=6, copies=1, in_sync=1)
        stage = Stage(db=db, owner=owner, cluster=cluster, settings=settings, dsn=server.dsn)
        found = await measured(stage, few)
    if with_broadcast:
        with open_folder() as folder:
            done = await broadcast.broadcasts(folder, broker="embedded", rounds=ROUNDS, inside=False)
        found = replace(found, broadcasts=[one.dispatched for one in done])
    print(conditions())
    print(f"\n{found.count} tin mỗi phép đo, {KEYS} khóa, trung vị của {ROUNDS} vòng xen kẽ; Kafka một broker, nút một")
    print("tiến trình, PostgreSQL, Kafka, nguồn phát và nơi nhận cùng các lõi.\n")
    print(table(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1, help="chia số tin cho N")
    parser.add_argument("--without-broadcast", action="store_true", help="không đo phát tới 700 nơi nhận")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # Kafka is killed on purpose
    asyncio.run(main(options.few, with_broadcast=not options.without_broadcast))
