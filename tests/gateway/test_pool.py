"""The pool lends each connection to one at a time, never more than it may open, and loses none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from lienthong.gateway.postgres.pool import Pool


@dataclass(eq=False)
class Line:
    """A connection as the pool sees one."""

    closed: bool = False
    in_transaction: bool = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = True

    async def close(self) -> None:
        self.closed = True


@dataclass
class Server:
    """Opens lines, or refuses."""

    refuses: bool = False
    made: list[Line] = field(default_factory=list)

    async def connect(self) -> Line:
        await asyncio.sleep(0)
        if self.refuses:
            raise ConnectionRefusedError
        self.made.append(Line())
        return self.made[-1]

    @property
    def open(self) -> int:
        return sum(not line.closed for line in self.made)


def pool_of(server: Server, most: int = 2, patience: float = 5.0) -> Pool[Line]:
    return Pool(server.connect, most=most, patience=patience)


async def test_what_came_back_last_goes_out_first() -> None:
    server = Server()
    pool = pool_of(server)
    one, two = await pool.take(), await pool.take()
    pool.give(one)
    pool.give(two)
    assert await pool.take() is two
    assert await pool.take() is one
    assert len(server.made) == 2


async def test_no_more_are_open_than_allowed_and_all_get_their_turn() -> None:
    server, served = Server(), []
    pool = pool_of(server)

    async def use(number: int) -> None:
        line = await pool.take()
        assert not line.in_transaction
        line.in_transaction = True  # whoever else had it now would see it
        await asyncio.sleep(0)
        served.append(number)
        line.in_transaction = False
        pool.give(line)

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(use(number))
    assert sorted(served) == list(range(50))
    assert server.open == len(server.made) == 2


@pytest.mark.parametrize("way", ["spoilt", "closed", "in_transaction"])
async def test_what_cannot_be_used_again_is_ended_and_its_place_is_free(way: str) -> None:
    server = Server()
    pool = pool_of(server, most=1)
    line = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    line.closed, line.in_transaction = way == "closed", way == "in_transaction"
    pool.give(line, spoilt=way == "spoilt")
    assert line.closed
    assert await waiting is server.made[1]


async def test_one_that_died_while_idle_is_not_lent() -> None:
    server = Server()
    pool = pool_of(server, most=1)
    line = await pool.take()
    pool.give(line)
    line.closed = True
    assert await pool.take() is server.made[1]


async def test_who_waits_too_long_is_told_and_nothing_is_lost() -> None:
    server = Server()
    pool = pool_of(server, most=1, patience=0.0)
    line = await pool.take()
    with pytest.raises(TimeoutError):
        await pool.take()
    pool.give(line)
    assert await pool.take() is line


async def test_who_goes_away_in_the_moment_of_his_turn_passes_it_on() -> None:
    server = Server()
    pool = pool_of(server, most=1)
    line = await pool.take()
    first, second = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give(line)
    first.cancel()
    assert await second is line
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_refused_connection_leaves_its_place_to_the_next() -> None:
    server = Server(refuses=True)
    pool = pool_of(server, most=1)
    with pytest.raises(ConnectionRefusedError):
        await pool.take()
    server.refuses = False
    assert await pool.take() is server.made[0]


async def test_closing_ends_what_is_idle_now_and_what_is_lent_when_it_comes_back() -> None:
    server = Server()
    pool = pool_of(server)
    lent, idle = await pool.take(), await pool.take()
    pool.give(idle)
    await pool.close()
    assert (idle.closed, lent.closed) == (True, False)
    pool.give(lent)
    assert server.open == 0
