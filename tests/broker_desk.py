"""One broker over one database, and what its handlers did: for the contract and for the tests of one broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from lienthong.gateway.postgres.database import Database
from lienthong.queue import outbox
from lienthong.queue.backoff import Backoff
from lienthong.queue.messages import Message
from lienthong.queue.port import Broker, Connection, Handler
from lienthong.queue.settings import QueueSettings
from lienthong.queue.wakeups import Wakeups

SETTINGS = QueueSettings(poll=0.05, batch=10, dead_after=3, broker_backoff=Backoff(base=0.001, ceiling=0.01))
TOPIC = "document"


async def keep_effects(owner_dsn: str) -> None:
    """The table that the tests' handler writes into."""
    async with Database(owner_dsn) as owner, owner.unit(None) as connection:
        await connection.execute(
            "create table effect (place bigserial, message_id uuid, key text, number int);"
            "grant all on effect, effect_place_seq to lienthong_app"
        )


class Desk:
    """One broker over one database, and what its handlers did, recorded in the same transaction."""

    def __init__(self, database: Database, build: Callable[[Wakeups], Broker]) -> None:
        self.database = database
        self._build = build

    @asynccontextmanager
    async def running(self, handler: Handler, *, topic: str = TOPIC) -> AsyncIterator[Broker]:
        stop, wakeups = asyncio.Event(), Wakeups(self.database)
        broker = self._build(wakeups)
        broker.subscribe(consumer="register", topic=topic, handler=handler)
        async with asyncio.TaskGroup() as group:
            group.create_task(wakeups.run(stop))
            group.create_task(broker.run(stop))
            group.create_task(broker.relay(stop))
            try:
                yield broker
            finally:
                stop.set()

    async def write(self, *messages: Message) -> None:
        async with self.database.unit(None) as connection:
            await outbox.append(connection, messages)

    async def record(self, connection: Connection, batch: Sequence[Message]) -> None:
        """The effect of the tests: a row per message, in order."""
        await connection.executemany(
            "insert into effect (message_id, key, number) values ($1, $2, $3)",
            [(message.id, message.key, message.payload["n"]) for message in batch],
        )

    async def effects(self) -> list[tuple[str, int]]:
        async with self.database.unit(None) as connection:
            rows = await connection.fetch("select key, number from effect order by place")
        return [(row["key"], row["number"]) for row in rows]

    async def has(self, count: int) -> bool:
        return len(await self.effects()) >= count

    async def settled(self) -> bool:
        async with self.database.unit(None) as connection:
            return not await connection.fetchval("select count(*) from outbox where state in ('pending', 'sent')")
