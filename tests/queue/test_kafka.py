"""Apache Kafka behind the outbox, where it differs from the embedded broker: absences, kills, accounts, strangers."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import UUID
from zlib import crc32

import pytest

from lienthong.deploy.kafka.cluster import Cluster, Secured
from lienthong.deploy.kafka.tls import write_tls
from lienthong.gateway.postgres.database import Database
from lienthong.queue import kafka_clients
from lienthong.queue.embedded import EmbeddedBroker
from lienthong.queue.kafka import KafkaBroker
from lienthong.queue.kafka_settings import KafkaAccount, KafkaSettings
from lienthong.queue.messages import Lane, Message
from lienthong.queue.relay import Relay, Sent
from lienthong.queue.statements import statements
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk, keep_effects
from lienthong.tests.chaos.kafka_faults import leading, led
from lienthong.tests.kafka_cluster import one_broker
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
SECRET = "TEST-kafka-password"


@pytest.fixture(autouse=True)
def _left_by_the_library() -> Iterator[None]:
    """The client leaves sockets of killed brokers to the collector; they are collected here and not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def say(ids: Callable[[], UUID], clock: Callable) -> Callable[..., Message]:
    def build(n: int, key: str = "a", lane: Lane = Lane.NORMAL) -> Message:
        return Message(
            id=ids(),
            topic=TOPIC,
            key=key,
            type="lienthong.document.accepted.v1",
            source="/vb",
            occurred_at=clock(),
            payload={"n": n},
            lane=lane,
        )

    return build


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return f"t{crc32(request.node.nodeid.encode()):08x}."


def desk_over(database: Database, kafka: KafkaSettings) -> Desk:
    def build(wakeups: Wakeups) -> KafkaBroker:
        return KafkaBroker(database, kafka, random=Random(7).random, wakeups=wakeups, settings=SETTINGS)

    return Desk(database, build)


async def numbers(desk: Desk) -> Counter[int]:
    return Counter(number for _, number in await desk.effects())


async def test_messages_written_while_kafka_is_away_wait_and_arrive_in_order(
    tmp_path: Path, addresses, database: Database, say: Callable[..., Message]
) -> None:
    await keep_effects(addresses.dsn)
    with Cluster(folder=tmp_path / "kafka") as cluster:
        desk = desk_over(database, one_broker(cluster, prefix=""))
        async with desk.running(desk.record):
            await desk.write(*(say(n) for n in range(20)))
            await until(desk.settled, 30)
            cluster.brokers[0].kill()
            async with asyncio.timeout(5):  # nobody who writes waits for Kafka
                for n in range(20, 60):
                    await desk.write(say(n))
            assert not await desk.settled()
            await asyncio.to_thread(cluster.restart, cluster.brokers[0])
            await until(desk.settled, 150)
    assert await desk.effects() == [("a", n) for n in range(60)]


async def test_of_three_brokers_the_leader_is_killed_and_nothing_is_lost_or_doubled(
    tmp_path: Path, addresses, database: Database, say: Callable[..., Message]
) -> None:
    await keep_effects(addresses.dsn)
    with Cluster(folder=tmp_path / "kafka", size=3) as cluster:
        kafka = KafkaSettings(servers=cluster.bootstrap, partitions=1, copies=3, in_sync=2, session_seconds=6.0)
        in_use = kafka.topic(TOPIC, Lane.NORMAL)  # one partition: whoever leads it has all that is on its way
        desk = desk_over(database, kafka)
        async with desk.running(desk.record):
            await desk.write(*(say(n, f"k{n % 9}") for n in range(100)))
            await until(lambda: desk.has(30), 60)
            leader = await leading(cluster.brokers, kafka, in_use)
            leader.kill()
            for n in range(100, 300):
                await desk.write(say(n, f"k{n % 9}"))
            await until(desk.settled, 150)
            now = await until(lambda: led(kafka, in_use), 60)
            assert now, "somebody leads"
            assert leader.number not in now
    effects = await desk.effects()
    assert Counter(number for _, number in effects) == Counter(range(300))
    for key in {key for key, _ in effects}:
        mine = [number for other, number in effects if other == key]
        assert mine == sorted(mine)


@asynccontextmanager
async def relaying(database: Database, sent: list[int]) -> AsyncIterator[Relay]:
    """A relay alone, whose broker is a list."""

    async def take(messages):
        sent.extend(message.payload["n"] for message in messages)
        return Sent(ids=[message.id for message in messages])

    stop, wakeups = asyncio.Event(), Wakeups(database)
    relay = Relay(database, take, wakeups=wakeups, poll=0.05, resend=300, random=Random(7).random)
    for lane in Lane:
        relay.watch(TOPIC, lane)
    async with asyncio.TaskGroup() as group:
        group.create_task(wakeups.run(stop))
        group.create_task(relay.run(stop))
        try:
            yield relay
        finally:
            stop.set()


async def test_one_relay_leads_and_the_other_takes_over_when_its_connection_is_gone(
    addresses, database: Database, say: Callable[..., Message]
) -> None:
    desk = Desk(database, lambda _: None)
    first_sent: list[int] = []
    second_sent: list[int] = []
    async with relaying(database, first_sent) as first:
        await until(lambda: first.leads, 10)
        async with relaying(database, second_sent) as second:
            await desk.write(*(say(n) for n in range(5)))
            await until(lambda: len(first_sent) == 5, 10)
            assert (first.leads, second.leads) == (True, False)
            async with Database(addresses.dsn) as owner, owner.unit(None) as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
                )
            await until(lambda: second.leads or first.leads, 10)
            await desk.write(*(say(n) for n in range(5, 10)))
            await until(lambda: set(first_sent + second_sent) == set(range(10)), 10)
            await until(lambda: [first.leads, second.leads].count(True) == 1, 10)
    times = Counter(first_sent + second_sent)
    assert [times[n] for n in range(5)] == [1] * 5, "what was marked before is not sent again"
    assert max(times.values()) <= 2, "who has lost the lead may send what it holds; the inbox absorbs it"


async def test_what_comes_back_before_it_is_marked_goes_again(database: Database, say: Callable[..., Message]) -> None:
    """A consumer can be faster than the relay's mark."""
    message, sent = say(1), []
    desk, stop, wakeups = Desk(database, lambda _: None), asyncio.Event(), Wakeups(database)

    async def take(messages: Sequence[Message]) -> Sent:
        if not sent:
            async with database.unit(None) as connection:
                await statements().outbox_failed(
                    connection, id=message.id, counts=1, error="x", delay=0.0, max_failures=3
                )
        sent.extend(messages)
        return Sent(ids=[one.id for one in messages])

    await desk.write(message)
    relay = Relay(database, take, wakeups=wakeups, poll=0.05, resend=300, random=Random(7).random)
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(stop))
        await until(lambda: len(sent) == 2, 10)
        stop.set()
    assert [one.id for one in sent] == [message.id] * 2


async def test_what_was_sent_and_never_arrived_is_sent_again(
    kafka: Cluster, addresses, database: Database, say: Callable[..., Message], prefix: str
) -> None:
    """Kafka lost it, say: the database still knows that nobody absorbed it."""
    await keep_effects(addresses.dsn)
    settings = replace(one_broker(kafka, prefix=prefix), resend_seconds=0.5)
    desk = desk_over(database, settings)
    await desk.write(say(1))
    async with database.unit(None) as connection:
        await connection.execute("update outbox set state = 'sent', sent_at = now() - interval '1 minute'")
    async with desk.running(desk.record):
        await until(desk.settled, 30)
    assert await desk.effects() == [("a", 1)]


async def test_a_record_that_nobody_can_read_is_set_aside_and_the_rest_goes_on(
    kafka: Cluster, addresses, database: Database, say: Callable[..., Message], prefix: str
) -> None:
    await keep_effects(addresses.dsn)
    settings = one_broker(kafka, prefix=prefix)
    desk = desk_over(database, settings)
    async with desk.running(desk.record):
        await desk.write(say(1))
        await until(desk.settled, 30)
        stranger = kafka_clients.producer(settings)
        await stranger.start()
        try:
            await stranger.send_and_wait(settings.topic(TOPIC, Lane.NORMAL), b"khong phai cua nut", headers=[])
        finally:
            await stranger.stop()
        await desk.write(say(2))
        await until(desk.settled, 30)
        dead = kafka_clients.consumer(settings, settings.dead(TOPIC), "test")
        await dead.start()
        try:
            record = await asyncio.wait_for(dead.getone(), 20)
        finally:
            await dead.stop()
    assert record.value == b"khong phai cua nut"
    assert "không đọc được" in dict(record.headers)["lienthong_error"].decode()
    assert await numbers(desk) == Counter([1, 2])


async def test_the_embedded_broker_takes_over_what_kafka_did_not_deliver(
    addresses, database: Database, say: Callable[..., Message]
) -> None:
    await keep_effects(addresses.dsn)

    def build(wakeups: Wakeups) -> EmbeddedBroker:
        return EmbeddedBroker(database, random=Random(7).random, wakeups=wakeups, settings=SETTINGS)

    desk = Desk(database, build)
    await desk.write(say(1), say(2))
    async with database.unit(None) as connection:
        await connection.execute("update outbox set state = 'sent', sent_at = now()")
    async with desk.running(desk.record):
        await until(desk.settled, 10)
    assert await desk.effects() == [("a", 1), ("a", 2)]


async def test_tls_and_an_account_are_asked_for_where_they_are_configured(
    tmp_path: Path, addresses, database: Database, say: Callable[..., Message]
) -> None:
    await keep_effects(addresses.dsn)
    tls = write_tls(tmp_path)
    secured = Secured(server_pem=tls.server, user="lienthong", password=SECRET)
    with Cluster(folder=tmp_path / "kafka", secured=secured) as cluster:
        account = KafkaAccount(user="lienthong", password=SECRET, authority=tls.authority)
        settings = replace(one_broker(cluster, prefix=""), servers=cluster.secure_bootstrap, account=account)
        desk = desk_over(database, settings)
        await desk.write(say(1))
        async with desk.running(desk.record):
            await until(desk.settled, 30)
        assert await desk.effects() == [("a", 1)]
        assert SECRET not in repr(settings)

        wrong = replace(settings, account=replace(account, password="TEST-other"))
        desk = desk_over(database, wrong)
        await desk.write(say(2))
        async with desk.running(desk.record) as broker:
            await until(lambda: broker.trouble() == "KAFKA_AWAY", 30)
        assert await desk.effects() == [("a", 1)]
