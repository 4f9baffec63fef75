"""The relay while its broker is away for long: it holds nothing, asks seldom, and catches up in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest

from lienthong.gateway.postgres.database import Database, DatabaseSettings
from lienthong.queue import outbox
from lienthong.queue.messages import Lane, Message
from lienthong.queue.relay import AWAY, BATCH, Relay, Sent
from lienthong.queue.statements import statements
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import TOPIC
from lienthong.tests.conftest import Addresses
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(120)
Say = Callable[..., Message]
WRITING = 200
OPEN = (
    "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'relay'"
    " and state like 'idle in transaction%'"
)


@dataclass(slots=True)
class Absent:
    """A broker that takes nothing until it is there; and what the relay held each time it was asked."""

    database: Database
    there: bool = False
    given: list[int] = field(default_factory=list)  # how many messages at each try
    transactions: list[int] = field(default_factory=list)  # of the relay, open at each try
    taken: list[Message] = field(default_factory=list)

    async def send(self, messages: Sequence[Message]) -> Sent:
        self.given.append(len(messages))
        async with self.database.single() as connection:
            self.transactions.append(await connection.fetchval(OPEN))
        if not self.there:
            return Sent()
        self.taken.extend(messages)
        return Sent(ids=[message.id for message in messages])


@pytest.fixture
def say(ids: Callable[[], UUID], clock: Callable) -> Say:
    def build(n: int, key: str, lane: Lane = Lane.NORMAL) -> Message:
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


@asynccontextmanager
async def relaying(addresses: Addresses, broker: Absent) -> AsyncIterator[None]:
    """A relay with connections of its own, woken by what the test writes."""
    stop, wakeups = asyncio.Event(), Wakeups(broker.database)
    settings = DatabaseSettings(application_name="relay")
    async with Database(addresses.app_dsn, settings) as own, asyncio.TaskGroup() as group:
        relay = Relay(own, broker.send, wakeups=wakeups, poll=0.05, resend=300, random=Random(7).random)
        for lane in Lane:
            relay.watch(TOPIC, lane)
        group.create_task(wakeups.run(stop))
        group.create_task(relay.run(stop))
        try:
            yield
        finally:
            stop.set()


async def write(database: Database, *messages: Message) -> None:
    async with database.unit(None) as connection:
        await outbox.append(connection, messages)


async def test_writers_do_not_make_it_ask_an_absent_broker_again_and_again(
    addresses: Addresses, database: Database, say: Say
) -> None:
    broker, loop = Absent(database), asyncio.get_running_loop()
    async with relaying(addresses, broker):
        await write(database, say(0, "k0"))
        await until(lambda: broker.given, 20)
        begun = loop.time()
        for n in range(1, WRITING):
            await write(database, say(n, f"k{n % 7}"))
        tries = len(broker.given)
        # The waits double from ``base`` on, and none is shorter than a wait without its jitter.
        most = 2 + (loop.time() - begun) / (AWAY.base * (1 - AWAY.jitter))
        assert tries <= most
        broker.there = True
        await until(lambda: len(broker.taken) == WRITING, 40)
    assert set(broker.transactions) == {0}
    numbers = defaultdict(list)
    for message in broker.taken:
        numbers[message.key].append(message.payload["n"])
    assert all(one == sorted(one) for one in numbers.values())


async def test_a_pile_is_read_a_batch_at_a_time_and_the_urgent_first(
    addresses: Addresses, database: Database, say: Say
) -> None:
    pile = 3 * BATCH
    await write(database, *(say(n, f"k{n % 11}") for n in range(pile)))
    await write(database, say(-1, "khẩn", Lane.URGENT))
    broker = Absent(database, there=True)
    async with relaying(addresses, broker):
        await until(lambda: len(broker.taken) == pile + 1, 40)
    assert max(broker.given) <= BATCH + 1
    assert broker.taken[0].payload["n"] == -1


async def test_what_waits_behind_others_stands_aside_and_comes_in_order(
    addresses: Addresses, database: Database, say: Say
) -> None:
    """More than a batch behind one dead letter and one delayed message: others pass, then each in its order."""
    sick = [say(n, "dead" if n % 2 else "late") for n in range(2 * BATCH)]
    await write(database, *sick, *(say(n, "well") for n in range(20)))
    async with database.unit(None) as connection:
        await statements().outbox_failed(connection, id=sick[0].id, counts=1, error="sau", delay=3600.0, max_failures=9)
        await statements().outbox_failed(connection, id=sick[1].id, counts=1, error="hỏng", delay=0.0, max_failures=1)
    broker = Absent(database, there=True)
    async with relaying(addresses, broker):
        await until(lambda: len(broker.taken) == 20, 40)
        async with database.unit(None) as connection:
            assert await outbox.discard(connection, sick[1].id, actor="quản trị", reason="bỏ")
        await _absorbed(database, broker, {"dead"}, BATCH - 1)
        assert {message.key for message in broker.taken} == {"well", "dead"}
        async with database.unit(None) as connection:
            await connection.execute("update outbox set available_at = now() where id = $1", sick[0].id)
        await _absorbed(database, broker, {"late"}, BATCH)
    for key in ("dead", "late"):
        numbers = [message.payload["n"] for message in broker.taken if message.key == key]
        assert numbers == sorted(numbers)


async def _absorbed(database: Database, broker: Absent, keys: set[str], count: int) -> None:
    """Play the consumer, until so many messages of the keys came: what is sent is absorbed."""
    done: set[UUID] = set()

    async def all_came() -> bool:
        new = [message.id for message in broker.taken if message.id not in done]
        async with database.unit(None) as connection:
            rows = statements().outbox_absorb(connection, ids=new, consumer="register", window=BATCH)
            done.update([row["id"] async for row in rows])
        return sum(message.key in keys for message in broker.taken) >= count

    await until(all_came, 40)
