"""A server that stands still: its connections stay open and it answers nothing. Nobody here waits for it for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lienthong.gateway.postgres.database import SLACK_SECONDS, Database, DatabaseSettings
from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.queue.errors import is_transient
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.conftest import Addresses

PATIENCE = 0.3  # seconds of a statement
MOMENT = 1.5


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Proxy]:
    async with Proxy() as opened:
        yield opened


@pytest_asyncio.fixture
async def distant(wire: Proxy, addresses: Addresses) -> AsyncIterator[Database]:
    settings = DatabaseSettings(connections_max=4, statement_timeout=PATIENCE)
    async with Database(through(wire, addresses.app_dsn), settings) as opened:
        yield opened


async def question(database: Database) -> int:
    async with database.unit(None) as connection:
        answer: int = await connection.fetchval("select 1")
        return answer


async def test_a_statement_is_given_up_soon_after_the_server_should_have_and_the_next_finds_another_connection(
    distant: Database, wire: Proxy
) -> None:
    assert await question(distant) == 1
    await wire.cut(Cut.SILENT)
    with pytest.raises((DatabaseError, TimeoutError)) as caught:
        async with asyncio.timeout(PATIENCE + SLACK_SECONDS + MOMENT):
            await question(distant)
    assert is_transient(caught.value)
    await wire.mend()
    assert await question(distant) == 1


async def test_whoever_is_told_to_end_in_the_middle_of_a_unit_ends(distant: Database, wire: Proxy) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with distant.unit(None) as connection:
            await wire.cut(Cut.SILENT)
            begun.set()
            await connection.fetchval("select 1")

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(MOMENT):
        await asyncio.wait([task])
    assert task.cancelled()
    await wire.mend()
    assert await question(distant) == 1


async def test_closing_waits_for_nobody(wire: Proxy, addresses: Addresses) -> None:
    async with Database(through(wire, addresses.app_dsn), DatabaseSettings(connections_max=8)) as opened:
        await asyncio.gather(*(question(opened) for _ in range(8)))
        await wire.cut(Cut.SILENT)
        begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < MOMENT
