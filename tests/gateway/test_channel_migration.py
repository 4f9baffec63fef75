"""Channels of a node from before the breaker: what ran is closed, what a person or a key stopped stays so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from alembic import command
from sqlalchemy import Connection

from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.migrations import runner
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.queue.breaker import ChannelState
from lienthong.queue.channels import admit, list_channels

BEFORE = "0007"
NAME = "before_the_breaker"


def _to_step_before(connection: Connection) -> None:
    config = runner._config()
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE)


@pytest_asyncio.fixture
async def old(server: EmbeddedServer) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A database at the step before, as its owner."""
    root = await asyncpg.connect(server.address("postgres", owner=True))
    await root.execute(f"create database {NAME}")
    engine = runner._engine(server.address(NAME, owner=True))
    async with engine.connect() as connection:
        await connection.run_sync(_to_step_before)
        await connection.commit()
    await engine.dispose()
    owner = await asyncpg.connect(server.address(NAME, owner=True))
    yield owner
    await owner.close()
    await root.execute(f"drop database {NAME} with (force)")
    await root.close()


async def test_what_ran_is_closed_and_what_was_paused_stays_paused(
    old: asyncpg.Connection[asyncpg.Record], server: EmbeddedServer
) -> None:
    await old.execute(
        "insert into channel (name, state, reason, failures, changed_by) values"
        " ('axis:chạy', 'active', 'lỗi cũ', 3, 'node'), ('axis:dừng', 'paused', 'sai khóa', 0, 'node')"
    )
    await old.execute(
        "insert into work (id, kind, key, payload) values (gen_random_uuid(), 'follow', 'f', '{\"axis\": \"dừng\"}')"
    )
    await runner.migrate(server.address(NAME, owner=True))
    async with Database(server.address(NAME, owner=False)) as database, database.unit(None) as connection:
        running, paused = await list_channels(connection)
        assert (running.state, running.reason, running.failures) == (ChannelState.CLOSED, None, 3)
        assert (paused.state, paused.reason, paused.waiting) == (ChannelState.PAUSED, "sai khóa", 1)
        assert await admit(connection, "axis:chạy") is not None
        assert await admit(connection, "axis:dừng") is None
