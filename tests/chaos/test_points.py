"""The exact moments: a transaction is known by what it did when its end passes, and who asked never hears of it."""

from __future__ import annotations

import asyncpg
import pytest

from lienthong.tests.chaos import points
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.transactions import TransactionWatch
from lienthong.tests.conftest import Addresses

pytestmark = pytest.mark.timeout(20)
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


async def test_the_commit_of_one_kind_of_transaction_is_done_and_never_answered(addresses: Addresses) -> None:
    around = await asyncpg.connect(addresses.dsn)
    await around.execute("create table register_entry_of_the_test (n int)")
    deaths = []

    async def die() -> None:
        deaths.append(await around.fetchval("select count(*) from register_entry_of_the_test"))

    async with Proxy(watch=TransactionWatch) as wire:
        connection = await asyncpg.connect(through(wire, addresses.dsn))
        trigger = wire.on(points.REGISTERED.pattern, die, towards=points.REGISTERED.towards, when="instead")
        async with connection.transaction():
            await connection.fetchval("select 1")  # another transaction's end is let by
        assert deaths == []
        with pytest.raises(LOST):
            await _register(connection)
        assert trigger.struck.is_set()
        connection.terminate()
    assert deaths == [1]  # committed when the answer was on its way
    await around.close()


async def _register(connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute("INSERT INTO register_entry_of_the_test VALUES ($1)", 1)


@pytest.mark.parametrize("role", ["api", "relay", "worker", "poller"])
def test_every_role_has_a_moment_at_which_it_dies(role: str) -> None:
    every = [one for one in vars(points).values() if isinstance(one, points.Point)]
    assert role in {one.role for one in every}
    assert len({one.name for one in every}) == len(every)
