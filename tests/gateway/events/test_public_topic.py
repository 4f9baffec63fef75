"""The public topic over a real Kafka: what arrives, who reads it, and that its troubles are nobody else's."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest

from lienthong.deploy.events.read_events import Place, opened, read, take
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway.pipeline.handover import TOPIC, consumer
from lienthong.gateway.public_events import PUBLIC_TOPIC
from lienthong.queue import kafka_clients
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaSettings
from lienthong.queue.messages import Lane
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS
from lienthong.tests.gateway.conftest import Room, document
from lienthong.tests.gateway.events.schemas import faults
from lienthong.tests.gateway.test_cost import TakingAxis, outside, travel
from lienthong.tests.kafka_cluster import one_broker
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(200), pytest.mark.slow]


@pytest.fixture
def settings(kafka: Cluster, request: pytest.FixtureRequest) -> KafkaSettings:
    prefix = f"t{crc32(request.node.nodeid.encode()):08x}."
    return replace(one_broker(kafka, prefix=prefix), public_topic=PUBLIC_TOPIC)


@asynccontextmanager
async def running(room: Room, settings: KafkaSettings) -> AsyncIterator[None]:
    stop, wakeups = asyncio.Event(), Wakeups(room.node.db)
    broker = KafkaBroker(room.node.db, settings, random=lambda: 0.5, wakeups=wakeups, settings=SETTINGS)
    broker.subscribe(consumer="pipeline", topic=TOPIC, handler=consumer(room.node))
    async with asyncio.TaskGroup() as group:
        for root in (wakeups.run(stop), broker.run(stop), broker.relay(stop)):
            group.create_task(root)
        try:
            yield
        finally:
            stop.set()


async def published(room: Room) -> bool:
    return not await room.one("select count(*) from public_outbox where published_at is null")


@asynccontextmanager
async def reader(settings: KafkaSettings, path: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    place = Place(servers=settings.servers, topic=settings.topic(PUBLIC_TOPIC, Lane.NORMAL), group=settings.prefix)
    async with asyncio.TaskGroup() as group:
        group.create_task(read(place, path, until=stop))
        try:
            yield
        finally:
            stop.set()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


async def test_another_system_follows_a_document_and_a_second_telling_changes_nothing(
    room: Room, settings: KafkaSettings, tmp_path: Path
) -> None:
    path = tmp_path / "events.db"
    opened(path).close()
    await travel(room, outside(room.node, TakingAxis()), 15)
    async with running(room, settings):
        await until(lambda: published(room), 60)
        async with reader(settings, path):
            await until(lambda: _seen(path, 4), 60)
        async with room.node.db.unit(None) as conn:  # as after a crash between sending and marking
            await conn.execute("update public_outbox set published_at = null")
        await room.submit(document(number="16"), idempotency_key="k-16")
        await until(lambda: published(room), 60)
        async with reader(settings, path):
            await until(lambda: _seen(path, 5), 60)
    assert rows(path, "select recipient, state from state where state = 'sent' order by recipient") == [
        ("", "sent"),
        ("000.00.09.H40", "sent"),
    ]
    assert rows(path, "select count(*) from aside") == [(0,)]


async def _seen(path: Path, count: int) -> bool:
    return rows(path, "select count(*) from seen") == [(count,)]


async def test_records_are_cloudevents_that_fit_their_schemas_in_order(room: Room, settings: KafkaSettings) -> None:
    await travel(room, outside(room.node, TakingAxis()), 15)
    async with running(room, settings):
        await until(lambda: published(room), 60)
    client = kafka_clients.consumer(settings, settings.topic(PUBLIC_TOPIC, Lane.NORMAL), "check")
    await client.start()
    try:
        records = [await asyncio.wait_for(client.getone(), 20) for _ in range(4)]
    finally:
        await client.stop()
    kinds = [dict(record.headers)["ce_type"].decode() for record in records]
    assert [kind.split(".", 2)[2] for kind in kinds] == [
        "document.accepted.v1",
        "document.registered.v1",
        "delivery.sent.v1",
        "document.sent.v1",
    ]
    for kind, record in zip(kinds, records, strict=True):
        assert faults(kind, json.loads(record.value)) == []
        assert record.key.decode().startswith("vb_")
        assert dict(record.headers)["ce_traceparent"]


async def test_a_public_topic_that_cannot_be_had_delays_no_message_of_the_node(
    room: Room, settings: KafkaSettings
) -> None:
    refused = replace(settings, public_topic="no topic may be called so")
    async with running(room, refused):
        for number in range(1, 21):
            await room.submit(document(number=str(number)), idempotency_key=f"k-{number}")

        async def absorbed() -> bool:
            return await room.one("select count(*) from outbox where state = 'published'") == 20

        await until(absorbed, 60)
        assert await room.one("select count(*) from public_outbox where published_at is null") == 20
    async with running(room, settings):  # and nothing of it was lost
        await until(lambda: published(room), 60)


def test_the_sample_reader_puts_a_newer_version_aside(tmp_path: Path) -> None:
    class Record:
        headers = (("ce_id", b"1"), ("ce_type", b"lienthong.public.document.sent.v2"), ("ce_time", b"2026-03-02"))
        value = b"\xff not for this reader"

    path = tmp_path / "events.db"
    database = opened(path)
    assert (take(database, [Record()]), take(database, [Record()])) == (1, 0)
    database.close()
    assert rows(path, "select type from aside") == [("lienthong.public.document.sent.v2",)]
    assert rows(path, "select count(*) from state") == [(0,)]
