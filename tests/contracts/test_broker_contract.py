"""What every broker promises (``queue.port.Broker``), asked of each of them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import pytest

from lienthong.queue import outbox
from lienthong.queue.errors import QueueError
from lienthong.queue.messages import Lane, Message
from lienthong.queue.port import Connection
from lienthong.queue.wakeups import Wakeups
from lienthong.tests.broker_desk import SETTINGS, TOPIC, Desk
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(120)

Say = Callable[..., Message]
LONG = (
    40.0  # seconds that a test waits at most for one thing; a first join of a Kafka group on a busy machine takes some
)


async def test_every_message_has_its_effect_once_and_in_order_per_key(desk: Desk, say: Say) -> None:
    keys = [f"k{n % 7}" for n in range(140)]
    await desk.write(*(say(n, key) for n, key in enumerate(keys[:70])))
    async with desk.running(desk.record):
        for n in range(70, 140):
            await desk.write(say(n, keys[n]))
        await until(desk.settled, LONG)
    effects = await desk.effects()
    assert Counter(n for _, n in effects) == Counter(range(140))
    by_key = defaultdict(list)
    for key, n in effects:
        by_key[key].append(n)
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_the_handler_gets_what_was_written(desk: Desk, say: Say, clock: Callable) -> None:
    wanted = Message(
        id=say(0).id,
        topic=TOPIC,
        key="a",
        type="lienthong.document.accepted.v1",
        source="/nút",
        subject="vb_1",
        schema_version=3,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        occurred_at=clock(),
        payload={"n": 1, "trích yếu": "Về việc tổ chức hội nghị", "lồng": {"a": [1, None]}},
        lane=Lane.URGENT,
    )
    got: list[Message] = []

    async def take(connection: Connection, batch: Sequence[Message]) -> None:
        await desk.record(connection, batch)
        got.extend(batch)

    await desk.write(wanted)
    async with desk.running(take):
        await until(desk.settled, LONG)
    assert got
    assert all(message == wanted for message in got)


async def test_a_message_rolled_back_with_its_writer_is_never_delivered(desk: Desk, say: Say) -> None:
    with pytest.raises(QueueError):
        async with desk.database.unit(None) as connection:
            await outbox.append(connection, [say(1)])
            raise QueueError("test", "hủy")
    await desk.write(say(2))
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", 2)]


async def test_a_batch_whose_handler_fails_comes_again_and_leaves_no_half_effect(desk: Desk, say: Say) -> None:
    tries = 0

    async def stumble(connection: Connection, batch: Sequence[Message]) -> None:
        nonlocal tries
        await desk.record(connection, batch)
        tries += 1
        if tries == 1:
            raise QueueError("test", "mạng chập chờn", transient=True)

    await desk.write(*(say(n) for n in range(5)))
    async with desk.running(stumble):
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", n) for n in range(5)]
    assert tries > 1


async def test_a_poisoned_message_is_set_aside_and_blocks_only_its_own_key(desk: Desk, say: Say) -> None:
    async def refuse_three(connection: Connection, batch: Sequence[Message]) -> None:
        if any(message.payload["n"] == 3 for message in batch):
            raise QueueError("test", "không đọc được")
        await desk.record(connection, batch)

    await desk.write(*(say(n, "sick" if n in (2, 3, 4) else "well") for n in range(10)))
    async with desk.running(refuse_three) as broker:
        await until(lambda: desk.has(8), LONG)

        async def dead() -> list[outbox.DeadLetter]:
            async with desk.database.unit(None) as connection:
                return await outbox.dead_letters(connection)

        [letter] = await until(dead, LONG)
        assert await broker.lag() == {(TOPIC, Lane.NORMAL): 2}
    assert letter.key == "sick"
    assert "không đọc được" in letter.error
    assert letter.failures == SETTINGS.dead_after
    assert {n for _, n in await desk.effects()} == {0, 1, 2, 5, 6, 7, 8, 9}
    async with desk.database.unit(None) as connection:
        assert await outbox.requeue(connection, letter.id)
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
    assert [n for key, n in await desk.effects() if key == "sick"] == [2, 3, 4]


async def test_a_discarded_dead_letter_lets_its_key_go_on(desk: Desk, say: Say) -> None:
    first, second = say(1), say(2)
    await desk.write(first, second)
    async with desk.database.unit(None) as connection:
        await connection.execute("update outbox set state = 'dead', error = 'x' where id = $1", first.id)
        assert await outbox.discard(connection, first.id, actor="quản trị", reason="gửi lại bằng tay")
        assert not await outbox.discard(connection, first.id, actor="quản trị", reason="lần nữa")
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", 2)]


async def test_a_stop_in_the_middle_loses_nothing(desk: Desk, say: Say) -> None:
    await desk.write(*(say(n, f"k{n % 3}") for n in range(60)))
    for goal in (10, 30):
        async with desk.running(desk.record):
            await until(lambda goal=goal: desk.has(goal), LONG)
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
    assert Counter(n for _, n in await desk.effects()) == Counter(range(60))


async def test_a_broker_torn_off_in_the_middle_of_a_unit_leaves_nothing_of_it(desk: Desk, say: Say) -> None:
    reached = asyncio.Event()

    async def hang(connection: Connection, batch: Sequence[Message]) -> None:
        await desk.record(connection, batch)
        reached.set()
        await asyncio.Event().wait()

    async def run() -> None:
        async with desk.running(hang):
            await asyncio.Event().wait()

    await desk.write(*(say(n) for n in range(5)))
    task = asyncio.ensure_future(run())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await desk.effects() == []
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", n) for n in range(5)]


async def test_urgent_does_not_stand_behind_the_rest(desk: Desk, say: Say) -> None:
    """While a handler is busy with an ordinary message for ever, an urgent one goes through."""

    async def slow(connection: Connection, batch: Sequence[Message]) -> None:
        if batch[0].lane is Lane.NORMAL:
            await asyncio.Event().wait()
        await desk.record(connection, batch)

    async def run() -> None:
        async with desk.running(slow):
            await asyncio.Event().wait()

    await desk.write(*(say(n, f"k{n}") for n in range(30)), say(99, "khẩn", Lane.URGENT))
    task = asyncio.ensure_future(run())
    await until(lambda: desk.has(1), LONG)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await desk.effects() == [("khẩn", 99)]


async def test_duplicates_on_the_wire_are_absorbed(desk: Desk, say: Say) -> None:
    """The inbox, not the broker's mark, decides: a published message that is pending again has no second effect."""
    await desk.write(*(say(n) for n in range(5)))
    async with desk.running(desk.record):
        await until(desk.settled, LONG)
        async with desk.database.unit(None) as connection:
            await connection.execute("update outbox set state = 'pending', settled_at = null")
            await connection.execute("select pg_notify('outbox', '')")
        await until(desk.settled, LONG)
    assert await desk.effects() == [("a", n) for n in range(5)]


async def test_a_topic_has_one_consumer(desk: Desk) -> None:
    broker = desk._build(Wakeups(desk.database))
    broker.subscribe(consumer="a", topic=TOPIC, handler=desk.record)
    with pytest.raises(QueueError) as caught:
        broker.subscribe(consumer="b", topic=TOPIC, handler=desk.record)
    assert caught.value.code == "TOPIC_TAKEN"


async def test_a_long_row_behind_a_dead_letter_stands_aside_and_comes_in_order(desk: Desk, say: Say) -> None:
    """More than any step looks at: others pass it by, and it loses neither a message nor its order."""
    cured = asyncio.Event()

    async def refuse_the_first(connection: Connection, batch: Sequence[Message]) -> None:
        if not cured.is_set() and any(message.payload["n"] == 0 for message in batch):
            raise QueueError("test", "không đọc được")
        await desk.record(connection, batch)

    await desk.write(*(say(n, "sick") for n in range(60)))
    await desk.write(*(say(n, f"well{n % 4}") for n in range(60, 80)))
    async with desk.running(refuse_the_first):

        async def dead() -> list[outbox.DeadLetter]:
            async with desk.database.unit(None) as connection:
                return await outbox.dead_letters(connection)

        [letter] = await until(dead, LONG)
        await until(lambda: desk.has(20), LONG)
        await desk.write(*(say(n, "sick") for n in range(80, 90)))
        cured.set()
        async with desk.database.unit(None) as connection:
            assert await outbox.requeue(connection, letter.id)
        await until(desk.settled, LONG)
    effects = await desk.effects()
    assert {key for key, _ in effects[:20]} == {f"well{n}" for n in range(4)}
    assert [n for key, n in effects if key == "sick"] == [*range(60), *range(80, 90)]
