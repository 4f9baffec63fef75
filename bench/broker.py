"""How fast messages go from the outbox to their effect: embedded, over a real Kafka, and bare libraries doing the same.

``python bench/broker.py [--few N]``. PostgreSQL, Kafka, writer and consumer share the cores. Written beforehand, timed
until the last effect is committed; then one message every 20 ms for the latency; then a large backlog for the relay.
Bare: aiokafka and asyncpg writing the same rows in batches, without order, inbox or failures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import NewTopic

from lienthong.bench import broadcast
from lienthong.bench.measuring import conditions, percentile
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.queue import kafka_clients, outbox
from lienthong.queue.embedded import EmbeddedBroker
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Message
from lienthong.queue.port import Broker, Connection
from lienthong.queue.settings import QueueSettings
from lienthong.queue.wakeups import Wakeups

TOPIC = "document"
COUNT, PROBES, BACKLOG, KEYS = 20_000, 300, 100_000, 500
WRITE_BATCH = 500
SETTINGS = QueueSettings(poll=1.0, batch=100)
EFFECT = "insert into effect (message_id, key, number) values ($1, $2, $3)"


@dataclass(slots=True)
class Effects:
    """The handler: a row per message in the broker's transaction; counts and times."""

    wanted: int = 0
    times: dict[uuid.UUID, float] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, connection: Connection, batch: Sequence[Message]) -> None:
        await connection.executemany(EFFECT, [(one.id, one.key, one.payload["n"]) for one in batch])
        now = time.perf_counter()
        for one in batch:
            self.times[one.id] = now
        if len(self.times) >= self.wanted:
            self.done.set()

    def expect(self, count: int) -> None:
        self.wanted, self.times, self.done = count, {}, asyncio.Event()


def message(number: int) -> Message:
    return Message(
        id=uuid.uuid4(),
        topic=TOPIC,
        key=f"k{number % KEYS}",
        type="lienthong.document.accepted.v1",
        source="/bench",
        occurred_at=datetime.now(UTC),
        payload={"n": number, "sha256": "0" * 64, "size": 200_000},
    )


async def write(db: Database, count: int) -> None:
    for start in range(0, count, WRITE_BATCH):
        async with db.unit(None) as connection:
            await outbox.append(connection, [message(n) for n in range(start, min(count, start + WRITE_BATCH))])


@asynccontextmanager
async def running(db: Database, build: Callable[[Wakeups], Broker], effects: Effects) -> AsyncIterator[None]:
    stop, wakeups = asyncio.Event(), Wakeups(db)
    broker = build(wakeups)
    broker.subscribe(consumer="bench", topic=TOPIC, handler=effects.handle)
    async with asyncio.TaskGroup() as group:
        for root in (wakeups.run(stop), broker.run(stop), broker.relay(stop)):
            group.create_task(root)
        try:
            yield
        finally:
            stop.set()


async def rate(db: Database, build: Callable[[Wakeups], Broker], count: int) -> tuple[float, list[float]]:
    """Messages per second of a prepared pile, then latencies in ms at low load."""
    effects = Effects()
    effects.expect(1)
    async with running(db, build, effects):
        await write(db, 1)  # topics, groups, plans
        await effects.done.wait()
    effects.expect(count)
    await write(db, count)
    begun = time.perf_counter()
    async with running(db, build, effects):
        await effects.done.wait()
        speed = count / (time.perf_counter() - begun)
        taken = []
        for number in range(PROBES):
            one = message(number)
            effects.expect(1)
            async with db.unit(None) as connection:
                await outbox.append(connection, [one])
            sent = time.perf_counter()
            await effects.done.wait()
            taken.append((effects.times[one.id] - sent) * 1000)
            await asyncio.sleep(0.02)
    return speed, taken


async def bare(dsn: str, kafka: KafkaSettings, count: int) -> float:
    """The same rows by bare libraries: outbox row, send, receive, inbox row and effect, batches of 100."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table if not exists bare (id uuid primary key, body text)")
    producer, topic = kafka_clients.producer(kafka), "bare"
    consumer = kafka_clients.consumer(kafka, topic, "bare")
    await producer.start()
    await producer.send_and_wait(topic, b"warm")
    await consumer.start()
    bodies = [(uuid.uuid4(), json.dumps(dict(message(n).payload))) for n in range(count)]
    begun = time.perf_counter()

    async def give() -> None:
        own = await asyncpg.connect(dsn)
        for start in range(0, count, 100):
            part = bodies[start : start + 100]
            await own.executemany("insert into bare (id, body) values ($1, $2)", part)
            await asyncio.gather(
                *[await producer.send(topic, key=identity.bytes, value=body.encode()) for identity, body in part]
            )
        await own.close()

    async def take() -> None:
        seen = 0
        while seen < count:
            found = await consumer.getmany(timeout_ms=500, max_records=100)
            rows = [(uuid.UUID(bytes=r.key), "k", 0) for records in found.values() for r in records if r.key]
            async with connection.transaction():
                await connection.executemany(
                    "insert into inbox (consumer, message_id) values ('bare', $1) on conflict do nothing",
                    [(row[0],) for row in rows],
                )
                await connection.executemany(EFFECT, rows)
            await consumer.commit()
            seen += len(rows)

    await asyncio.gather(give(), take())
    speed = count / (time.perf_counter() - begun)
    await consumer.stop()
    await producer.stop()
    await connection.close()
    return speed


async def backlog(db: Database, build: Callable[[Wakeups], Broker], count: int) -> float:
    """Seconds until the relay has given a pile of so many messages to Kafka."""
    effects = Effects()
    effects.expect(count)
    await write(db, count)
    begun = time.perf_counter()
    async with running(db, build, effects):
        while True:
            async with db.unit(None) as connection:
                if not await connection.fetchval("select exists (select from outbox where state = 'pending')"):
                    return time.perf_counter() - begun
            await asyncio.sleep(0.5)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that also the account of PostgreSQL can enter."""
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def main(few: int) -> None:
    count, pile = COUNT // few, BACKLOG // few
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(open_folder())
        server = await stack.enter_async_context(EmbeddedServer(folder / "postgres", randbytes=os.urandom))
        await migrate(server.dsn)
        owner = await asyncpg.connect(server.dsn)
        await owner.execute(
            "create table effect (place bigserial, message_id uuid, key text, number int); grant all on effect,"
            " effect_place_seq to lienthong_app"
        )
        cluster = stack.enter_context(Cluster(folder=folder / "kafka"))
        kafka = KafkaSettings(servers=cluster.bootstrap, partitions=6, copies=1, in_sync=1)
        db = await stack.enter_async_context(Database(server.app_dsn))
        settings: dict[str, Any] = {"random": random.random, "settings": SETTINGS}
        embedded = await rate(db, lambda w: EmbeddedBroker(db, wakeups=w, **settings), count)
        outer = await rate(db, lambda w: KafkaBroker(db, kafka, wakeups=w, **settings), count)
        caught_up = await backlog(db, lambda w: KafkaBroker(db, kafka, wakeups=w, **settings), pile)
        client = kafka_clients.admin(kafka)
        await client.start()
        await client.create_topics([NewTopic(name="bare", num_partitions=6, replication_factor=1)])
        await client.close()
        plain = await bare(server.dsn, kafka, count)
        await owner.close()
    print(conditions())
    print(f"\n{count} tin mỗi phép đo, {KEYS} khóa, một broker Kafka, một tiến trình nút\n")
    print("| đường đi | tin/giây | trễ p50 (ms) | trễ p99 (ms) | tỉ lệ với thư viện trần |")
    print("| --- | --- | --- | --- | --- |")
    for name, (speed, taken) in (("nhúng (PostgreSQL)", embedded), ("Kafka", outer)):
        middle, high = statistics.median(taken), percentile(taken, 99)
        print(f"| {name} | {speed:.0f} | {middle:.1f} | {high:.1f} | {speed / plain:.2f} |")
    print(f"| aiokafka + asyncpg trần | {plain:.0f} | – | – | 1 |")
    print(f"\n{pile} tin dồn lại: bộ chuyển đưa hết vào Kafka trong {caught_up:.1f} giây.")
    print(await broadcast.report())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1, help="chia số tin cho N")
    asyncio.run(main(parser.parse_args().few))
