"""The table of events gets its next piece before the one in use is full, without anybody's rights to make tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from lienthong.gateway.postgres.database import Database
from lienthong.tests.conftest import Addresses

SIZE = 20_000_000
INSERT = """
insert into event (subject, subject_id, from_state, to_state, actor)
values ('exchange', gen_random_uuid(), 'pieces', 'pieces', 'test') returning tableoid::regclass::text
"""


@pytest_asyncio.fixture
async def owner(addresses: Addresses) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(addresses.dsn)
    await connection.execute("insert into transition values ('exchange', 'pieces', 'pieces')")
    yield connection
    await connection.close()


async def made(database: Database) -> str | None:
    async with database.unit(None) as connection:
        piece: str | None = await database.queries.event_room_ahead(connection)
    return piece


async def written_to(database: Database) -> str:
    async with database.unit(None) as connection:
        piece: str = await connection.fetchval(INSERT)
    return piece


async def test_nothing_is_made_while_there_is_room(database: Database) -> None:
    assert await made(database) is None


async def test_the_next_piece_is_there_before_it_is_needed(
    database: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await owner.execute("select setval('event_id', $1)", SIZE // 2)
    assert await written_to(database) == "event_00"
    assert (await made(database), await made(database)) == ("event_01", None)
    await owner.execute("select setval('event_id', $1)", SIZE - 2)
    assert [await written_to(database) for _ in range(2)] == ["event_00", "event_01"]
    await owner.execute("select setval('event_id', $1)", SIZE + SIZE // 2)
    assert await made(database) == "event_02"


async def test_events_that_came_before_their_piece_stay_and_the_piece_after_is_made(
    database: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await owner.execute("select setval('event_id', $1)", 5 * SIZE + SIZE // 2)
    assert await written_to(database) == "event_rest"
    assert await made(database) == "event_06"
    await owner.execute("select setval('event_id', $1)", 6 * SIZE)
    assert await written_to(database) == "event_06"
    assert await owner.fetchval("select count(*) from event") == 2


async def test_several_at_once_make_one_piece(database: Database, owner: asyncpg.Connection[asyncpg.Record]) -> None:
    await owner.execute("select setval('event_id', $1)", SIZE - 1)
    found = await asyncio.gather(*(made(database) for _ in range(6)))
    assert sorted(found, key=str) == [None] * 5 + ["event_01"]


async def test_a_reader_in_the_way_is_not_disturbed(
    database: Database, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await owner.execute("select setval('event_id', $1)", SIZE - 5)
    async with owner.transaction():
        await owner.fetch("select * from event_rest")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await made(database)
        assert await written_to(database) == "event_00"
    assert await made(database) == "event_01"


async def test_the_application_itself_may_not_make_tables(database: Database) -> None:
    async with database.single() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table public.of_the_application (n int)")
