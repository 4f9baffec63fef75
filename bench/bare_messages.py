"""What the way of messages costs with bare libraries: aiokafka and asyncpg in batches of 100, nothing else.

No order of keys, no failures, no other process: the outbox row is not even read, it is sent from memory. ``marks``: the
writes that any outbox needs to lose nothing are made as well (sent; absorbed), on a table with the line's index.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic

from lienthong.bench.message_load import EFFECT, message
from lienthong.queue import kafka_clients
from lienthong.queue.kafka_settings import KafkaSettings

UNIT = 100
TABLES = """
create table if not exists bare (id uuid primary key, body text);
create table if not exists bare_marked (
    id uuid primary key, body text, state text not null default 'pending', sent_at timestamptz, settled_at timestamptz
);
create index if not exists bare_line on bare_marked (id) where state = 'pending';
"""
SENT = "update bare_marked set state = 'sent', sent_at = now() where id = any($1)"
ABSORBED = "update bare_marked set state = 'published', settled_at = now() where id = any($1)"
INBOX = "insert into inbox (consumer, message_id) values ('bare', $1) on conflict do nothing"
Bodies = Sequence[tuple[uuid.UUID, str]]


async def bare(settings: KafkaSettings, dsn: str, count: int, *, marks: bool) -> float:
    """Messages a second: outbox row, send, receive, inbox row and effect."""
    giving, taking = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await giving.execute(TABLES)
    topic = f"bare-{uuid.uuid4().hex[:8]}"
    client = kafka_clients.admin(settings)
    await client.start()
    await client.create_topics([NewTopic(name=topic, num_partitions=settings.partitions, replication_factor=1)])
    await client.close()
    producer, consumer = kafka_clients.producer(settings), kafka_clients.consumer(settings, topic, topic)
    await producer.start()
    await producer.send_and_wait(topic, b"warm")
    await consumer.start()
    bodies = [(uuid.uuid4(), json.dumps(dict(message(n).payload))) for n in range(count)]
    begun = time.perf_counter()
    await asyncio.gather(
        _give(giving, producer, topic, bodies, marks=marks), _take(taking, consumer, count, marks=marks)
    )
    speed = count / (time.perf_counter() - begun)
    await consumer.stop()
    await producer.stop()
    await giving.close()
    await taking.close()
    return speed


async def _give(
    own: asyncpg.Connection[asyncpg.Record], producer: AIOKafkaProducer, topic: str, bodies: Bodies, *, marks: bool
) -> None:
    table = "bare_marked" if marks else "bare"
    for start in range(0, len(bodies), UNIT):
        part = bodies[start : start + UNIT]
        await own.executemany(f"insert into {table} (id, body) values ($1, $2)", part)
        await asyncio.gather(
            *[await producer.send(topic, key=identity.bytes, value=body.encode()) for identity, body in part]
        )
        if marks:
            await own.execute(SENT, [identity for identity, _ in part])


async def _take(
    own: asyncpg.Connection[asyncpg.Record], consumer: AIOKafkaConsumer, count: int, *, marks: bool
) -> None:
    seen = 0
    while seen < count:
        found = await consumer.getmany(timeout_ms=500, max_records=UNIT)
        ids = [uuid.UUID(bytes=record.key) for records in found.values() for record in records if record.key]
        async with own.transaction():
            await own.executemany(INBOX, [(one,) for one in ids])
            if marks:
                await own.execute(ABSORBED, ids)
            await own.executemany(EFFECT, [(one, "k", 0) for one in ids])
        await consumer.commit()
        seen += len(ids)
