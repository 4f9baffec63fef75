"""Messages for the benchmarks of brokers: piles written beforehand, single ones, a steady stream; and their effects."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lienthong.gateway.postgres.database import Database
from lienthong.queue import outbox
from lienthong.queue.messages import Message
from lienthong.queue.port import Broker, Connection
from lienthong.queue.wakeups import Wakeups

TOPIC = "document"
KEYS = 500
PILE_UNIT = 500  # messages of one transaction of a pile
UNIT = 100  # of what is written meanwhile
STEADY_UNIT = 4  # of the steady stream
PROBE_SECONDS = 0.02
TABLE = "create table effect (place bigserial, message_id uuid, key text, number int)"
EFFECT = "insert into effect (message_id, key, number) values ($1, $2, $3)"

Build = Callable[[Wakeups], Broker]


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


async def write(db: Database, numbers: Sequence[int], *, unit: int = PILE_UNIT) -> None:
    """The messages in this order, so many in each transaction."""
    for start in range(0, len(numbers), unit):
        async with db.unit(None) as connection:
            await outbox.append(connection, [message(number) for number in numbers[start : start + unit]])


@asynccontextmanager
async def running(db: Database, build: Build, effects: Effects) -> AsyncIterator[Broker]:
    """A broker with its relay and wake-ups."""
    stop, wakeups = asyncio.Event(), Wakeups(db)
    broker = build(wakeups)
    broker.subscribe(consumer="bench", topic=TOPIC, handler=effects.handle)
    async with asyncio.TaskGroup() as group:
        for root in (wakeups.run(stop), broker.run(stop), broker.relay(stop)):
            group.create_task(root)
        try:
            yield broker
        finally:
            stop.set()


async def warm(db: Database, build: Build) -> None:
    """Topics, groups, plans."""
    effects = Effects()
    async with running(db, build, effects):
        await _joined(db, effects)


async def _joined(db: Database, effects: Effects) -> None:
    """Wait until whoever consumes has joined: a first message has its effect."""
    effects.expect(1)
    await write(db, range(1))
    await effects.done.wait()


async def drained(db: Database, build: Build, count: int) -> float:
    """Messages per second of a pile that was written beforehand, until its last effect is committed."""
    effects = Effects()
    effects.expect(count)
    await write(db, range(count))
    begun = time.perf_counter()
    async with running(db, build, effects):
        await effects.done.wait()
        return count / (time.perf_counter() - begun)


async def through(db: Database, build: Build, count: int) -> float:
    """Messages per second that are written meanwhile, until the last effect is committed."""
    effects = Effects()
    async with running(db, build, effects):
        await _joined(db, effects)
        effects.expect(count)
        begun = time.perf_counter()
        await write(db, range(count), unit=UNIT)
        await effects.done.wait()
        return count / (time.perf_counter() - begun)


async def alone(db: Database, build: Build, count: int) -> list[float]:
    """Milliseconds from commit to effect of single messages, one every 20 ms."""
    effects, taken = Effects(), []
    async with running(db, build, effects):
        for number in range(count):
            one = message(number)
            effects.expect(1)
            async with db.unit(None) as connection:
                await outbox.append(connection, [one])
            written = time.perf_counter()
            await effects.done.wait()
            taken.append(max(0.0, effects.times[one.id] - written) * 1000)
            await asyncio.sleep(PROBE_SECONDS)
    return taken[count // 10 :]  # the first ones open connections


async def steady(db: Database, build: Build, *, a_second: int, seconds: float) -> tuple[float, list[float]]:
    """A stream of so many messages a second, whatever becomes of them: those absorbed a second, and the milliseconds
    from commit to effect."""
    effects, count = Effects(), int(a_second * seconds)
    written: dict[uuid.UUID, float] = {}

    async def unit(numbers: Sequence[int]) -> None:
        batch = [message(number) for number in numbers]
        async with db.unit(None) as connection:
            await outbox.append(connection, batch)
        written.update((one.id, time.perf_counter()) for one in batch)

    async with running(db, build, effects):
        await _joined(db, effects)
        effects.expect(count)
        gc.collect()  # what the measurements before have left is not the stream's
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for start in range(0, count, STEADY_UNIT):
                await asyncio.sleep(max(0.0, begun + start / a_second - time.perf_counter()))
                group.create_task(unit(range(start, min(start + STEADY_UNIT, count))))
        await effects.done.wait()
        spent = time.perf_counter() - begun
    taken = [max(0.0, at - written[one]) * 1000 for one, at in effects.times.items()]
    return count / spent, taken
