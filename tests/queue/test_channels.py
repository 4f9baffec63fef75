"""Channels in the database: work waits and goes on, outcomes of several processes, probes with leases, who decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import asyncpg
import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue import work
from lienthong.queue.backoff import Backoff
from lienthong.queue.breaker import TABLE, BreakerSettings, ChannelState, Happening
from lienthong.queue.channels import (
    Change,
    Passage,
    Rules,
    Told,
    admit,
    events_of,
    happened,
    list_channels,
    probe_is_due,
    take_probe,
)
from lienthong.queue.messages import Channel, Lane, Work

RULES = Rules(
    settings=BreakerSettings(failures=2, cooling=Backoff(base=600.0, ceiling=3600.0)),
    chance=0.5,
    at_once=("dispatch",),
)
AXIS = "axis:một"


async def tell(
    database: Database, happening: Happening, *, generation: int | None = None, reason: str = "lỗi"
) -> Change:
    told = Told(happening=happening, actor="node", reason=reason, error=reason)
    async with database.unit(None) as connection:
        return await happened(connection, AXIS, told, RULES, generation=generation)


async def fail(database: Database, times: int) -> Change:
    for _ in range(times):
        change = await tell(database, Happening.FAILED, generation=0)
    return change


async def probe(database: Database, process: str, lease: float = 60.0) -> Passage | None:
    async with database.unit(None) as connection:
        return await take_probe(connection, AXIS, RULES, process=process, lease=lease)


async def cooled(database: Database) -> None:
    """The time until the probe passes."""
    async with database.unit(None) as connection:
        await connection.execute("update channel set probe_at = now() where probe_at is not null")


async def shown(database: Database) -> Channel:
    async with database.unit(None) as connection:
        (channel,) = await list_channels(connection)
        return channel


async def leave(database: Database) -> Passage | None:
    async with database.unit(None) as connection:
        return await admit(connection, AXIS)


@pytest.fixture
def make(ids: Callable[[], UUID]) -> Callable[..., Work]:
    def build(key: str, kind: str = "dispatch", **more: object) -> Work:
        return Work(id=ids(), kind=kind, key=key, **{"channel": AXIS, **more})

    return build


async def claim(database: Database, *kinds: str, limit: int = 10) -> list[Work]:
    async with database.single() as connection:
        return await work.claim(connection, dict.fromkeys(kinds, limit), lease_seconds=60, owner="một")


async def test_work_waits_while_its_channel_is_not_closed_and_other_work_goes(
    database: Database, make: Callable[..., Work]
) -> None:
    waiting, urgent, beside = make("a"), make("b", lane=Lane.URGENT), make("c", channel="axis:hai")
    async with database.unit(None) as connection:
        await work.enqueue(connection, waiting, urgent, beside, make("d", channel=None))
    await fail(database, 2)
    assert {one.key for one in await claim(database, "dispatch")} == {"c", "d"}
    channel = await shown(database)
    assert (channel.state, channel.waiting, channel.last_error) == (ChannelState.OPEN, 2, "lỗi")
    assert [(one.kind, one.lane, one.rows) for one in channel.waits] == [
        ("dispatch", Lane.URGENT, 1),
        ("dispatch", Lane.NORMAL, 1),
    ]
    assert await leave(database) is None
    await tell(database, Happening.RESUMED, reason="đã sửa")
    assert [one.key for one in await claim(database, "dispatch")] == ["b", "a"], "the urgent first"
    assert (await leave(database)) == Passage(channel=AXIS, generation=2, troubled=False)


async def test_what_waited_for_its_next_attempt_is_due_when_the_channel_closes_and_looks_are_not(
    database: Database, make: Callable[..., Work]
) -> None:
    async with database.unit(None) as connection:
        await work.enqueue(connection, make("a", delay=3600), make("b", kind="follow", delay=3600))
    await fail(database, 2)
    await cooled(database)
    taken = await probe(database, "một")
    assert taken is not None
    await tell(database, Happening.SUCCEEDED, generation=taken.generation)
    assert [one.key for one in await claim(database, "dispatch", "follow")] == ["a"]


async def test_a_success_between_failures_counts_anew(database: Database) -> None:
    for _ in range(3):
        await fail(database, 1)
        assert (await leave(database)) == Passage(channel=AXIS, generation=0, troubled=True)
        await tell(database, Happening.SUCCEEDED, generation=0)
    assert (await shown(database)).state is ChannelState.CLOSED
    assert (await leave(database)) == Passage(channel=AXIS, generation=0, troubled=False)


async def test_processes_that_fail_at_once_open_it_once_and_none_is_lost(database: Database) -> None:
    changes = await asyncio.gather(*(tell(database, Happening.FAILED, generation=0) for _ in range(10)))
    assert sum(change.recorded for change in changes) == 1
    assert {change.after for change in changes} == {ChannelState.CLOSED, ChannelState.OPEN}
    channel = await shown(database)
    assert (channel.failures, channel.openings) == (2, 1)


async def test_of_many_processes_one_gets_the_probe(database: Database) -> None:
    await fail(database, 2)
    assert await probe(database, "sớm") is None
    await cooled(database)
    found = await asyncio.gather(*(probe(database, f"tiến trình {n}") for n in range(8)))
    (taken,) = [one for one in found if one is not None]
    assert await probe(database, "sau") is None
    await tell(database, Happening.FAILED, generation=taken.generation)
    channel = await shown(database)
    assert (channel.state, channel.openings) == (ChannelState.OPEN, 2)
    async with database.unit(None) as connection:
        assert not await probe_is_due(connection, AXIS, process="một")


async def test_a_probe_whose_lease_ran_out_goes_to_another_and_the_first_is_not_heard(database: Database) -> None:
    await fail(database, 2)
    await cooled(database)
    killed = await probe(database, "một", lease=-1)
    second = await probe(database, "hai")
    assert killed is not None
    assert second is not None
    late = await tell(database, Happening.FAILED, generation=killed.generation)
    assert not late.counted
    assert (await tell(database, Happening.SUCCEEDED, generation=second.generation)).after is ChannelState.CLOSED


async def test_a_process_that_starts_again_takes_the_probe_it_was_killed_with(database: Database) -> None:
    await fail(database, 2)
    await cooled(database)
    killed = await probe(database, "một", lease=3600)
    assert await probe(database, "hai") is None
    again = await probe(database, "một")
    assert killed is not None
    assert again is not None
    assert not (await tell(database, Happening.FAILED, generation=killed.generation)).counted
    assert (await tell(database, Happening.SUCCEEDED, generation=again.generation)).after is ChannelState.CLOSED


async def test_every_change_is_told_with_actor_and_reason_for_good(database: Database) -> None:
    await tell(database, Happening.REFUSED, generation=0, reason="sai khóa")
    await tell(database, Happening.RESUMED, reason="đã thay khóa")
    async with database.unit(None) as connection:
        events = await events_of(connection, AXIS)
    assert [(one.from_state, one.to_state, one.actor, one.reason) for one in events] == [
        ("paused", "closed", "node", "đã thay khóa"),
        ("closed", "paused", "node", "sai khóa"),
    ]
    for statement in ("update channel_event set reason = ''", "delete from channel_event"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.unit(None) as connection:
                await connection.execute(statement)


@pytest.mark.parametrize("before", ChannelState)
async def test_the_database_knows_the_same_table(database: Database, before: ChannelState) -> None:
    allowed = set(TABLE[before].values()) - ({before} & {ChannelState.CLOSED})  # counting on is no change
    insert = "insert into channel_event (channel, from_state, to_state, actor, reason) values ('x', $1, $2, 'a', '')"
    for later in ChannelState:
        try:
            async with database.unit(None) as connection:
                await connection.execute(insert, before, later)
            accepted = True
        except asyncpg.CheckViolationError:
            accepted = False
        assert accepted == (later in allowed), later


async def test_forty_thousand_waiting_pieces_cost_a_claim_little_and_go_in_bounded_batches(database: Database) -> None:
    async with database.unit(None) as connection:
        await connection.execute(
            "insert into work (id, kind, key, lane, channel)"
            " select gen_random_uuid(), 'dispatch', 'k' || n, (n % 100 > 0)::int, $1 from generate_series(1, 40000) n",
            AXIS,
        )
    await fail(database, 2)
    before = time.process_time()
    for _ in range(5):
        assert await claim(database, "dispatch") == []
    assert time.process_time() - before < 1.0
    await tell(database, Happening.RESUMED)
    first = await claim(database, "dispatch", limit=16)
    assert len(first) == 16
    assert {one.lane for one in first} == {Lane.URGENT}
