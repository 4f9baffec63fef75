"""What every broker promises when things go wrong around it (``queue.port.Broker``), asked of each of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.queue import outbox
from lienthong.queue.errors import QueueError
from lienthong.queue.messages import Lane, Message
from lienthong.queue.port import Connection
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(120)

Say = Callable[..., Message]
LONG = 40.0
HANDLERS = 5  # at most that may be at work on one lane of one broker: a restless one has two, and replays
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"


def in_order(effects: list[tuple[str, int]]) -> bool:
    by_key = defaultdict(list)
    for key, n in effects:
        by_key[key].append(n)
    return all(numbers == sorted(numbers) for numbers in by_key.values())


async def dead(desk: Desk) -> list[outbox.DeadLetter]:
    async with desk.database.unit(None) as connection:
        return await outbox.dead_letters(connection)


async def test_a_handler_that_loses_the_database_with_everybody_else_gets_its_messages_again(
    desk: Desk, say: Say
) -> None:
    """As when PostgreSQL restarts: the unit at work, the leader's lock and all that listens are gone in one moment."""
    tries = 0

    async def lose(connection: Connection, batch: Sequence[Message]) -> None:
        nonlocal tries
        await desk.record(connection, batch)
        tries += 1
        if tries == 1:
            await connection.execute(CUT_OFF, 0)

    async def settled() -> bool:
        with contextlib.suppress(DatabaseError):  # the test's own question may be cut off as well
            return await desk.settled()
        return False

    await desk.write(*(say(n, f"k{n % 4}") for n in range(20)))
    async with desk.running(lose):
        await until(settled, LONG)
        await desk.write(say(20, "k0"))
        await until(desk.settled, LONG)
    effects = await desk.effects()
    assert Counter(n for _, n in effects) == Counter(range(21))
    assert in_order(effects)
    assert tries > 1


async def test_a_slow_handler_has_a_bounded_number_in_hand_and_holds_nobody_urgent_up(desk: Desk, say: Say) -> None:
    in_hand = most = 0
    go_on = asyncio.Event()

    async def slow(connection: Connection, batch: Sequence[Message]) -> None:
        nonlocal in_hand, most
        if batch[0].lane is Lane.NORMAL:
            in_hand += len(batch)
            most = max(most, in_hand)
            await go_on.wait()
            in_hand -= len(batch)
        await desk.record(connection, batch)

    async with desk.running(slow) as broker:
        for start in range(0, 200, 20):  # writers never wait for who reads
            await desk.write(*(say(n, f"k{n % 11}") for n in range(start, start + 20)))
        await until(lambda: in_hand > 0, LONG)
        await desk.write(say(999, "khẩn", Lane.URGENT))
        await until(lambda: desk.has(1), LONG)
        assert await desk.effects() == [("khẩn", 999)]
        assert (await broker.lag())[TOPIC, Lane.NORMAL] == 200
        go_on.set()
        await until(desk.settled, LONG)
    effects = await desk.effects()
    assert Counter(n for _, n in effects) == Counter([*range(200), 999])
    assert in_order(effects)
    assert most <= HANDLERS * SETTINGS.batch


async def test_a_clock_that_jumps_moves_nothing(desk: Desk, say: Say, clock: Callable) -> None:
    """A writer two hours ahead, then two behind: order is that of writing, and due times are the database's."""
    ahead, behind = clock() + timedelta(hours=2), clock() - timedelta(hours=2)
    moved = [say(n, "a", occurred_at=ahead if n % 2 else behind) for n in range(6)]
    waiting = [say(n, "later", occurred_at=behind) for n in (6, 7)]
    await desk.write(*moved, *waiting)
    async with desk.database.unit(None) as connection:
        shift = "UPDATE outbox SET available_at = now() + $2 WHERE id = $1"
        await connection.execute(shift, moved[0].id, timedelta(hours=-2))
        await connection.execute(shift, waiting[0].id, timedelta(hours=2))
    async with desk.running(desk.record) as broker:
        await until(lambda: desk.has(6), LONG)
        assert await desk.effects() == [("a", n) for n in range(6)]
        assert await broker.lag() == {(TOPIC, Lane.NORMAL): 2}
        async with desk.database.unit(None) as connection:
            await connection.execute("UPDATE outbox SET available_at = now() WHERE state = 'pending'")
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", n) for n in range(6)] + [("later", 6), ("later", 7)]


async def test_a_stop_in_the_middle_of_a_batch_finishes_it_and_nothing_of_it_comes_again(desk: Desk, say: Say) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def pause(connection: Connection, batch: Sequence[Message]) -> None:
        await desk.record(connection, batch)
        inside.set()
        await go_on.wait()

    async def stopped() -> None:
        async with desk.running(pause):
            await inside.wait()
        # behind the block the stop was asked for, and the broker has returned

    await desk.write(*(say(n) for n in range(30)))
    task = asyncio.ensure_future(stopped())
    await inside.wait()
    await asyncio.sleep(0)  # the stop is asked for while the handler is at work
    go_on.set()
    await task
    done = {n for _, n in await desk.effects()}
    again: set[int] = set()

    async def watch(connection: Connection, batch: Sequence[Message]) -> None:
        again.update(message.payload["n"] for message in batch)
        await desk.record(connection, batch)

    async with desk.running(watch):
        await until(desk.settled, LONG)
    assert done.isdisjoint(again)
    assert await desk.effects() == [("a", n) for n in range(30)]


async def test_poison_among_many_keys_stops_one_key_however_many_processes_consume(desk: Desk, say: Say) -> None:
    async def refuse_poison(connection: Connection, batch: Sequence[Message]) -> None:
        if any(message.payload["n"] == 27 for message in batch):
            raise QueueError("test", "không đọc được")
        await desk.record(connection, batch)

    await desk.write(*(say(n, f"k{n % 20}") for n in range(100)))
    behind = [47, 67, 87]  # of its key
    async with AsyncExitStack() as stack:
        for _ in range(2):
            broker = await stack.enter_async_context(desk.running(refuse_poison))
        await until(lambda: desk.has(96), LONG)
        [letter] = await until(lambda: dead(desk), LONG)
        assert await broker.lag() == {(TOPIC, Lane.NORMAL): 1 + len(behind)}
    effects = await desk.effects()
    assert letter.key == "k7"
    assert Counter(n for _, n in effects) == Counter(set(range(100)) - {27, *behind})
    assert in_order(effects)


async def test_a_person_has_a_dead_letter_tried_again_while_the_broker_runs(desk: Desk, say: Say) -> None:
    healed = asyncio.Event()

    async def refuse(connection: Connection, batch: Sequence[Message]) -> None:
        if not healed.is_set() and any(message.payload["n"] == 1 for message in batch):
            raise QueueError("test", "chưa đọc được")
        await desk.record(connection, batch)

    await desk.write(*(say(n) for n in range(4)))
    async with desk.running(refuse):
        [letter] = await until(lambda: dead(desk), LONG)
        healed.set()
        async with desk.database.unit(None) as connection:
            assert await outbox.requeue(connection, letter.id)
            assert not await outbox.requeue(connection, letter.id)
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", n) for n in range(4)]
