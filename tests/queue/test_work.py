"""Work rows: order, leases, retries."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue import work
from lienthong.queue.errors import LeaseLost
from lienthong.queue.messages import Lane, Work

Ids = Callable[[], UUID]


@pytest.fixture
def make(ids: Ids) -> Callable[..., Work]:
    def build(key: str = "a", kind: str = "examine", **more: object) -> Work:
        return Work(id=ids(), kind=kind, key=key, **more)

    return build


async def enqueue(database: Database, *works: Work) -> frozenset[UUID]:
    async with database.unit(None) as connection:
        return await work.enqueue(connection, *works)


async def claim(
    database: Database, *kinds: str, limit: int = 10, lease: float = 60.0, owner: str = "one"
) -> list[Work]:
    places = dict.fromkeys(kinds or ("examine",), limit)
    async with database.single() as connection:
        await work.expire(connection)
        return await work.claim(connection, places, lease_seconds=lease, owner=owner)


async def test_what_is_claimed_is_what_was_enqueued(database: Database, make: Callable[..., Work]) -> None:
    wanted = make(payload={"exchange": "vb_1", "tên": "Sở Nội vụ"}, channel="axis", lane=Lane.URGENT)
    assert await enqueue(database, wanted) == {wanted.id}
    [found] = await claim(database)
    assert (found.id, found.key, found.payload, found.channel, found.lane) == (
        wanted.id,
        wanted.key,
        wanted.payload,
        "axis",
        Lane.URGENT,
    )
    assert (found.attempts, found.lease_owner) == (1, "one")
    assert await claim(database) == []


async def test_enqueueing_twice_is_once(database: Database, make: Callable[..., Work]) -> None:
    first = make(once="poll", key="p1")
    assert await enqueue(database, first, first) == {first.id}
    assert await enqueue(database, first) == frozenset()
    assert await enqueue(database, make(once="poll", key="p2")) == frozenset()
    other_kind = make(once="poll", key="p3", kind="fetch")
    assert await enqueue(database, other_kind) == {other_kind.id}
    [found] = await claim(database)
    async with database.unit(None) as connection:
        await work.complete(connection, found)
    again = make(once="poll", key="p4")
    assert await enqueue(database, again) == {again.id}


async def test_a_later_row_of_a_key_waits_for_the_earlier_one(database: Database, make: Callable[..., Work]) -> None:
    first, second, other = make("a"), make("a", kind="dispatch", lane=Lane.URGENT), make("b")
    await enqueue(database, first, second, other)
    claimed = await claim(database, "examine", "dispatch")
    assert [row.id for row in claimed] == [first.id, other.id]
    assert await claim(database, "examine", "dispatch") == []
    async with database.unit(None) as connection:
        await work.complete(connection, claimed[0])
    assert [row.id for row in await claim(database, "examine", "dispatch")] == [second.id]


async def test_waiting_for_a_retry_or_a_person_holds_the_key_back(
    database: Database, make: Callable[..., Work]
) -> None:
    first, second = make("a"), make("a")
    await enqueue(database, first, second)
    [held] = await claim(database)
    async with database.unit(None) as connection:
        await work.retry(connection, held, delay=3600, error="trục không trả lời")
    assert await claim(database) == []
    async with database.unit(None) as connection:
        assert await connection.fetchval("update work set due_at = now() where id = $1 returning true", first.id)
    [held] = await claim(database)
    assert (held.attempts, held.last_error) == (2, "trục không trả lời")
    async with database.unit(None) as connection:
        await work.park(connection, held, reason="chờ văn thư", error="lỗi")
    assert await claim(database) == []
    async with database.unit(None) as connection:
        [waiting] = await work.parked(connection)
        assert (waiting.id, waiting.reason, waiting.last_error) == (first.id, "chờ văn thư", "lỗi")
        assert await work.release(connection, first.id)
        assert not await work.release(connection, first.id)
    [held] = await claim(database)
    assert (held.id, held.attempts, held.failures) == (first.id, 3, 0)


async def test_cancelled_work_lets_the_next_go_on(database: Database, make: Callable[..., Work]) -> None:
    first, second = make("a"), make("a")
    await enqueue(database, first, second)
    [held] = await claim(database)
    async with database.unit(None) as connection:
        assert not await work.cancel(connection, first.id, actor="vt", reason="gửi nhầm")
        await work.park(connection, held, reason="chờ")
        assert await work.cancel(connection, first.id, actor="vt", reason="gửi nhầm")
    assert [row.id for row in await claim(database)] == [second.id]


async def test_urgent_first_then_by_due_time(database: Database, make: Callable[..., Work]) -> None:
    late, early, urgent = make("a"), make("b"), make("c", lane=Lane.URGENT)
    await enqueue(database, late, early, urgent)
    async with database.unit(None) as connection:
        await connection.execute("update work set due_at = now() - interval '1 hour' where id = $1", early.id)
    claimed = [row.id for row in await claim(database, limit=2)]
    assert claimed == [urgent.id, early.id]


async def test_delayed_work_is_not_due(database: Database, make: Callable[..., Work]) -> None:
    await enqueue(database, make(delay=60))
    assert await claim(database) == []


async def test_an_expired_lease_is_given_to_another_and_the_first_cannot_commit(
    database: Database, make: Callable[..., Work]
) -> None:
    await enqueue(database, make("a"), make("a"))
    [lost] = await claim(database, lease=-1, owner="slow")
    [taken] = await claim(database, owner="quick")
    assert (taken.id, taken.attempts, taken.interruptions) == (lost.id, 2, 1)
    for change in (
        lambda c: work.complete(c, lost),
        lambda c: work.retry(c, lost, delay=0, error="x"),
        lambda c: work.park(c, lost, reason="x"),
        lambda c: work.repeat(c, lost, delay=0),
    ):
        with pytest.raises(LeaseLost):
            async with database.unit(None) as connection:
                await connection.execute("insert into inbox values ('effect', $1)", lost.id)
                await change(connection)
    async with database.unit(None) as connection:
        assert await work.extend_lease(connection, [lost], lease_seconds=60) == frozenset()
        assert await work.extend_lease(connection, [taken], lease_seconds=60) == {taken.id}
        await work.complete(connection, taken)
        assert await connection.fetchval("select count(*) from inbox") == 0


async def test_the_same_owner_after_a_restart_does_not_pass_for_its_former_self(
    database: Database, make: Callable[..., Work]
) -> None:
    await enqueue(database, make())
    [before] = await claim(database)
    async with database.unit(None) as connection:
        assert await work.give_back(connection, "another") == 0
        assert await work.give_back(connection, "one") == 1
    [after] = await claim(database)
    with pytest.raises(LeaseLost):
        async with database.unit(None) as connection:
            await work.complete(connection, before)
    async with database.unit(None) as connection:
        await work.complete(connection, after)


async def test_a_repeated_row_counts_anew(database: Database, make: Callable[..., Work]) -> None:
    await enqueue(database, make(once="poll"))
    for claims in (1, 3, 5):
        [row] = await claim(database)
        assert (row.attempts, row.failures, row.last_error) == (claims, 0, None)
        async with database.unit(None) as connection:
            await work.retry(connection, row, delay=0, error="lỗi", failures=1)
        [row] = await claim(database)
        assert (row.failures, row.last_error) == (1, "lỗi")
        async with database.unit(None) as connection:
            await work.repeat(connection, row, delay=0)


async def test_two_claims_at_once_share_nothing(database: Database, make: Callable[..., Work]) -> None:
    await enqueue(database, *(make(f"k{n}") for n in range(20)))
    async with database.unit(None) as one, database.unit(None) as two:
        first = await work.claim(one, {"examine": 12}, lease_seconds=60, owner="one")
        second = await work.claim(two, {"examine": 12}, lease_seconds=60, owner="two")
    assert len(first) == 12
    assert len(second) == 8
    assert not {row.id for row in first} & {row.id for row in second}
