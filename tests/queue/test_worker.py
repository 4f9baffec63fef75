"""The worker: what it does with handlers that succeed, fail, hang, and with its own end."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue import work as rows
from lienthong.queue.backoff import Backoff, delay
from lienthong.queue.errors import QueueError, is_transient
from lienthong.queue.messages import Lane, Work
from lienthong.queue.port import Connection
from lienthong.queue.settings import QueueSettings
from lienthong.queue.wakeups import Wakeups
from lienthong.queue.worker import INTERRUPTIONS_MAX, Kind, WorkerLoop, WorkHandler
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(20)

QUICK = Backoff(base=0.0, max_attempts=3)
SETTINGS = QueueSettings(poll=0.05, lease=30, drain=0.2)


class Shop:
    """A worker over one database."""

    def __init__(self, database: Database, ids: Callable[[], UUID]) -> None:
        self.database = database
        self.ids = ids
        self.parked: list[tuple[UUID, str]] = []

    async def enqueue(self, *keys: str, kind: str = "examine", **more: Any) -> list[Work]:
        works = [Work(id=self.ids(), kind=kind, key=key, **more) for key in keys]
        async with self.database.unit(None) as connection:
            await rows.enqueue(connection, *works)
        return works

    async def complete(self, work: Work) -> None:
        async with self.database.unit(None) as connection:
            await connection.execute("insert into inbox values ($1, $2)", work.key, work.id)
            await rows.complete(connection, work)

    async def states(self) -> Counter[str]:
        async with self.database.unit(None) as connection:
            return Counter(row["state"] for row in await connection.fetch("select state from work"))

    async def all_done(self) -> bool:
        return set(await self.states()) == {"done"}

    async def on_parked(self, connection: Connection, work: Work, reason: str) -> None:
        assert connection.is_in_transaction()
        self.parked.append((work.id, reason))

    @asynccontextmanager
    async def open(
        self,
        handler: WorkHandler,
        *,
        settings: QueueSettings = SETTINGS,
        concurrency: int = 4,
        owner: str = "worker-1",
        **more: WorkHandler,
    ) -> AsyncIterator[None]:
        stop, wakeups = asyncio.Event(), Wakeups(self.database)
        kinds = {
            name: Kind(handler=doing, concurrency=concurrency, backoff=QUICK)
            for name, doing in {"examine": handler, **more}.items()
        }
        worker = WorkerLoop(
            self.database,
            kinds,
            owner=owner,
            random=lambda: 0.5,
            wakeups=wakeups,
            settings=settings,
            on_parked=self.on_parked,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(wakeups.run(stop))
            group.create_task(worker.run(stop))
            try:
                yield
            finally:
                stop.set()


@pytest.fixture
def shop(database: Database, ids: Callable[[], UUID]) -> Shop:
    return Shop(database, ids)


async def test_everything_enqueued_is_done_once(shop: Shop) -> None:
    before = await shop.enqueue(*(f"k{n % 11}" for n in range(60)))
    async with shop.open(shop.complete):
        after = await shop.enqueue(*(f"k{n % 11}" for n in range(60)))
        await until(shop.all_done, 10)
    async with shop.database.unit(None) as connection:
        done = await connection.fetch("select message_id from inbox")
    assert Counter(row["message_id"] for row in done) == Counter(work.id for work in before + after)


async def test_work_is_taken_up_at_once_not_at_the_next_poll(shop: Shop) -> None:
    """One key over two kinds: each row is woken by what came before it, with polling out of reach."""
    slow_poll = QueueSettings(poll=60, lease=30)
    async with shop.open(shop.complete, settings=slow_poll, dispatch=shop.complete):
        for kind in ("examine", "dispatch", "examine", "dispatch"):
            await shop.enqueue("a", kind=kind)
        await until(shop.all_done, 2)


async def test_an_error_is_tried_again_then_parked_with_its_reason(shop: Shop) -> None:
    tries: list[int] = []

    async def fail(work: Work) -> None:
        tries.append(work.failures)
        raise QueueError("TEST", "tệp hỏng")

    [sick] = await shop.enqueue("a")
    async with shop.open(fail):
        await until(lambda: shop.parked, 5)
    assert tries == [0, 1, 2]
    [(parked_id, reason)] = shop.parked
    assert parked_id == sick.id
    assert "3 lần" in reason
    assert "tệp hỏng" in reason
    async with shop.database.unit(None) as connection:
        [waiting] = await rows.parked(connection)
    assert (waiting.id, waiting.last_error) == (sick.id, "QueueError: tệp hỏng")


async def test_a_passing_error_is_tried_again_without_end(shop: Shop) -> None:
    async def fail_often(work: Work) -> None:
        if work.attempts <= 6:
            raise ConnectionError("mạng")
        await shop.complete(work)

    await shop.enqueue("a")
    async with shop.open(fail_often):
        await until(shop.all_done, 5)
    assert shop.parked == []


async def test_an_error_of_one_key_does_not_hold_up_another(shop: Shop) -> None:
    async def fail_sick(work: Work) -> None:
        if work.key == "sick":
            raise QueueError("TEST", "hỏng")
        await shop.complete(work)

    await shop.enqueue("sick", *(f"well{n}" for n in range(10)), "sick")
    async with shop.open(fail_sick, concurrency=1):
        await until(lambda: shop.parked, 5)

        async def settled() -> bool:
            return await shop.states() == {"done": 10, "parked": 1, "ready": 1}

        await until(settled, 5)


async def test_what_was_effected_and_then_failed_is_not_effected_twice(shop: Shop) -> None:
    async def fail_after(work: Work) -> None:
        await shop.complete(work)
        raise QueueError("TEST", "sau khi xong")

    await shop.enqueue("a")
    async with shop.open(fail_after):
        await until(shop.all_done, 5)
    assert await shop.states() == {"done": 1}


async def test_a_stop_waits_for_work_in_hand(shop: Shop) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def wait(work: Work) -> None:
        started.set()
        await finish.wait()
        await shop.complete(work)

    await shop.enqueue("a", "b")
    async with shop.open(wait, concurrency=1, settings=QueueSettings(poll=0.05, drain=5)):
        await started.wait()
        asyncio.get_running_loop().call_later(0.05, finish.set)
    assert await shop.states() == {"done": 1, "ready": 1}


async def test_a_stop_gives_back_what_does_not_end_in_time(shop: Shop) -> None:
    started = asyncio.Event()

    async def hang(_work: Work) -> None:
        started.set()
        await asyncio.Event().wait()

    await shop.enqueue("a", "b", "c")
    async with shop.open(hang, concurrency=1):
        await started.wait()
    assert await shop.states() == {"ready": 3}
    async with shop.open(shop.complete):
        await until(shop.all_done, 5)


async def test_a_start_takes_up_what_a_killed_process_of_the_same_name_held(shop: Shop) -> None:
    [left] = await shop.enqueue("a")
    async with shop.database.unit(None) as connection:
        await rows.claim(connection, {"examine": 1}, lease_seconds=3600, owner="worker-1")
    seen: list[Work] = []

    async def look(work: Work) -> None:
        seen.append(work)
        await shop.complete(work)

    async with shop.open(look):
        await until(shop.all_done, 5)
    [again] = seen
    assert (again.id, again.attempts, again.interruptions) == (left.id, 2, 1)


async def test_work_that_seems_to_kill_the_process_is_parked(shop: Shop) -> None:
    [deadly] = await shop.enqueue("a")
    async with shop.database.unit(None) as connection:
        await connection.execute("update work set interruptions = $1", INTERRUPTIONS_MAX)
    async with shop.open(shop.complete):
        await until(lambda: shop.parked, 5)
    assert shop.parked[0][0] == deadly.id
    assert await shop.states() == {"parked": 1}


async def test_leases_are_kept_while_a_handler_works(shop: Shop) -> None:
    finish, calls = asyncio.Event(), Counter[UUID]()

    async def slow(work: Work) -> None:
        calls[work.id] += 1
        await finish.wait()
        await shop.complete(work)

    [row] = await shop.enqueue("a")
    short = QueueSettings(poll=0.02, lease=0.3, drain=5)
    async with shop.open(slow, settings=short):
        await until(lambda: calls)
        async with shop.database.unit(None) as connection:
            first = await connection.fetchval("select leased_until from work")

        async def extended_twice() -> bool:
            async with shop.database.unit(None) as connection:
                return await connection.fetchval(
                    "select leased_until > $1::timestamptz + interval '0.3 seconds' from work where state = 'leased'",
                    first,
                )

        await until(extended_twice)
        finish.set()
        await until(shop.all_done)
    assert calls == {row.id: 1}


async def test_urgent_work_goes_first(shop: Shop) -> None:
    order: list[str] = []

    async def note(work: Work) -> None:
        order.append(work.key)
        await shop.complete(work)

    await shop.enqueue(*(f"n{n}" for n in range(5)))
    await shop.enqueue("khẩn", lane=Lane.URGENT)
    async with shop.open(note, concurrency=1):
        await until(shop.all_done, 5)
    assert order[0] == "khẩn"


async def test_two_workers_share_the_work_and_keep_every_key_in_order(shop: Shop) -> None:
    """Under errors, passing and not, with leases so short that some are lost on the way."""
    random, order = Random(11), defaultdict[str, list[int]](list)

    async def stumble(work: Work) -> None:
        await asyncio.sleep(0)
        if random.random() < 0.3:
            raise ConnectionError("mạng")
        async with shop.database.unit(None) as connection:
            await connection.execute("insert into inbox values ($1, $2)", work.key, work.id)
            await rows.complete(connection, work)
            if random.random() < 0.2:
                raise QueueError("TEST", "hủy trước khi ghi", transient=True)
        order[work.key].append(work.payload["n"])

    for n in range(0, 150, 10):
        async with shop.database.unit(None) as connection:
            works = [Work(id=shop.ids(), kind="examine", key=f"k{m % 7}", payload={"n": m}) for m in range(n, n + 10)]
            await rows.enqueue(connection, *works)
    short = QueueSettings(poll=0.02, lease=0.1, drain=5)
    async with shop.open(stumble, settings=short), shop.open(stumble, settings=short, owner="worker-2"):
        await until(shop.all_done, 15)
    assert sorted(n for numbers in order.values() for n in numbers) == list(range(150))
    assert all(numbers == sorted(numbers) for numbers in order.values())


@asynccontextmanager
async def other_process(app_dsn: str, ids: Callable[[], UUID]) -> AsyncIterator[Shop]:
    """Another pool and other wake-ups over the same database."""
    stop = asyncio.Event()
    async with Database(app_dsn) as database, asyncio.TaskGroup() as group:
        group.create_task(Wakeups(database).run(stop))
        yield Shop(database, ids)
        stop.set()


async def listeners(shop: Shop) -> set[int]:
    async with shop.database.unit(None) as connection:
        rows = await connection.fetch(
            "select pid from pg_stat_activity where datname = current_database() and application_name ~ '-listen$'"
        )
    return {row["pid"] for row in rows}


async def test_work_of_another_process_is_taken_up_at_once(shop: Shop, addresses) -> None:
    slow_poll = QueueSettings(poll=60, lease=30)
    async with other_process(addresses.app_dsn, shop.ids) as other, shop.open(shop.complete, settings=slow_poll):

        async def all_listen() -> bool:
            return len(await listeners(shop)) == 2

        await until(all_listen)
        await other.enqueue("a")
        await until(shop.all_done, 2)


async def test_the_wakeups_come_back_after_their_connection_is_cut(shop: Shop, addresses) -> None:
    slow_poll = QueueSettings(poll=60, lease=30)
    async with other_process(addresses.app_dsn, shop.ids) as other, shop.open(shop.complete, settings=slow_poll):

        async def both_anew() -> bool:
            return len(await listeners(shop) - before) == 2

        before: set[int] = set()
        await until(both_anew)
        before = await listeners(shop)
        async with shop.database.unit(None) as connection:
            await connection.execute("select pg_terminate_backend(pid) from unnest($1::int[]) as pid", list(before))
        await until(both_anew, 3)
        await other.enqueue("b")
        await until(shop.all_done, 2)


@pytest.mark.parametrize(("attempt", "exact"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (99, 3600)])
def test_waits_double_up_to_a_ceiling_and_are_spread(attempt: int, exact: float) -> None:
    policy = Backoff(base=30, ceiling=3600, jitter=0.2)
    assert delay(policy, attempt, 0.5) == pytest.approx(exact)
    assert delay(policy, attempt, 0.0) == pytest.approx(exact * 0.8)
    assert delay(policy, attempt, 0.999999) == pytest.approx(exact * 1.2, rel=1e-3)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionError(), True),
        (TimeoutError(), True),
        (asyncpg.DeadlockDetectedError(), True),
        (asyncpg.DiskFullError(), True),
        (asyncpg.OutOfMemoryError(), True),
        (asyncpg.PostgresIOError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.exceptions._base.InternalClientError("x"), False),
        (QueueError("X", "x", transient=True), True),
        (QueueError("X", "x"), False),
        (ValueError(), False),
    ],
)
def test_which_errors_pass_by_themselves(error: Exception, transient: object) -> None:
    assert is_transient(error) is transient
