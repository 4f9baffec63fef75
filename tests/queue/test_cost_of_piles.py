"""What the queue's statements look at, counted and not timed: as much as they are told to, whatever has piled up.

The plans are made while the tables are empty and known to be so, which misleads the planner as much as it can be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from lienthong.gateway.postgres.database import Database
from lienthong.queue import outbox
from lienthong.queue.messages import Lane
from lienthong.queue.statements import statements
from lienthong.tests.broker_desk import TOPIC
from lienthong.tests.conftest import Addresses

PILE = 20_000
NOBODY = UUID(int=0)
BATCH = 100
PER_MESSAGE = 90  # rows and pages that may be looked at for each message of a batch
CLAIM = {"kinds": "'{examine,dispatch}'", "places": "'{50,50}'", "owner": "'one'", "lease": "60"}
STATEMENTS = (
    "work_claim",
    "work_complete",
    "work_expire",
    "outbox_take",
    "outbox_step_aside",
    "relay_next",
    "relay_sent",
    "outbox_absorb",
    "relay_unsettled",
    "relay_forget_sent",
)
FILL = """
insert into outbox (id, topic, lane, key, type, source, payload, occurred_at, state, settled_at, error, available_at)
select gen_random_uuid(), $1, 1, case when $2 = 0 then 'k' || n else 'k' || n % $2 + 1 end, 't', 's', '{}', now(), $3,
    case when $3 = 'published' then now() end, case when $3 = 'dead' then 'x' end,
    coalesce(now() + $4::interval, '-infinity')
from generate_series(1, $5) as n
"""
VERSIONS = "select array(select distinct xmin::text from outbox where id = any($1))"
Rows = tuple[int, str, timedelta | None, int]  # how many keys (0: one for each), state, due in, how many
LATER, OVERDUE = timedelta(hours=1), timedelta(seconds=-1)


def pending(keys: int, count: int = PILE, *, due: timedelta | None = None, state: str = "pending") -> Rows:
    return keys, state, due, count


WORK = """
insert into work (id, kind, key, channel, state, settled_at)
select gen_random_uuid(), case when n % 2 = 0 then 'examine' else 'dispatch' end, 'k' || n, 'axis:x', $1,
    case when $1 = 'done' then now() end
from generate_series(1, $2) as n
"""
PILES: Mapping[str, Sequence[Rows]] = {
    "of one key": (pending(1),),
    "of few keys": (pending(500),),
    "of a key each": (pending(0),),
    "settled": (pending(500, state="published"), pending(50, BATCH)),
    "settled, of one key": (pending(1, state="published"), pending(1, BATCH)),
    "tried before": (pending(0, due=OVERDUE),),
    "due later": (pending(0, due=LATER), pending(50, BATCH)),
    "of dead letters": (pending(0, state="dead"), pending(50, BATCH)),
    "behind dead letters": (pending(0, 1000, state="dead"), pending(1000)),
    "behind a message due later": (pending(1, 1, due=LATER), pending(1)),
}


class Plans:
    """The statements, planned on one connection before anything is there."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def make(self) -> None:
        await self._connection.execute("vacuum analyze outbox, inbox, work")
        for name in STATEMENTS:
            query = getattr(statements(), name).sql.strip().rstrip(";")
            types = [kind.name for kind in (await self._connection.prepare(query)).get_parameters()]
            written = ", ".join(f"{kind[1:]}[]" if kind.startswith("_") else kind for kind in types)
            await self._connection.execute(f"prepare {name} {f'({written})' if written else ''} as {query}")
            await self.looked_at(name, [])

    async def looked_at(self, name: str, ids: Sequence[UUID]) -> float:
        """Rows that the parts of the plan went through, and pages. Nothing of what it did remains."""
        values = CLAIM | {
            "id": f"'{NOBODY}'",
            "attempts": "1",
            "topic": f"'{TOPIC}'",
            "lane": "1",
            "batch": str(BATCH),
            "window": str(BATCH),
            "consumer": "'register'",
            "older": "300",
            "ids": "'{" + ",".join(map(str, ids)) + "}'",
            "versions": "'{" + ",".join(await self._connection.fetchval(VERSIONS, ids)) + "}'",
        }
        names = statements().driver_adapter.var_sorted[name]
        given = f"({', '.join(values[one] for one in names)})" if names else ""
        undone = self._connection.transaction()
        await undone.start()
        found = await self._connection.fetchval(f"explain (analyze, buffers, format json) execute {name} {given}")
        await undone.rollback()
        plan = json.loads(found)[0]["Plan"]
        return _rows(plan) + plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def _rows(plan: Mapping[str, Any]) -> float:
    seen = sum(plan.get(part, 0) for part in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return seen * plan["Actual Loops"] + sum(_rows(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("pile", PILES)
async def test_no_pile_makes_a_statement_look_at_more_than_it_was_told_to(addresses: Addresses, pile: str) -> None:
    async with Database(addresses.dsn) as owner, owner.single() as filling, owner.single() as asked:
        await filling.execute("alter table outbox set (autovacuum_enabled = false)")
        plans = Plans(asked)
        await plans.make()
        for keys, state, due, count in PILES[pile]:
            await filling.execute(FILL, TOPIC, keys, state, due, count)
        ids = await _first(filling)
        costs = {name: await plans.looked_at(name, ids) / BATCH for name in STATEMENTS}
    assert {name: cost for name, cost in costs.items() if cost > PER_MESSAGE} == {}


@pytest.mark.parametrize("state", ["ready", "done"])
async def test_no_pile_of_work_makes_a_claim_look_at_more(addresses: Addresses, state: str) -> None:
    async with Database(addresses.dsn) as owner, owner.single() as filling, owner.single() as asked:
        await filling.execute("alter table work set (autovacuum_enabled = false)")
        plans = Plans(asked)
        await plans.make()
        await filling.execute(WORK, state, PILE)
        await filling.execute(WORK, "ready", BATCH)
        costs = [await plans.looked_at(name, []) / BATCH for name in ("work_claim", "work_expire")]
    assert max(costs) < PER_MESSAGE


@pytest.mark.parametrize("pile", ["behind dead letters", "behind a message due later"])
async def test_what_cannot_go_on_leaves_the_line_once(addresses: Addresses, pile: str) -> None:
    async with Database(addresses.dsn) as owner, owner.single() as filling, owner.single() as asked:
        plans = Plans(asked)
        await plans.make()
        for keys, state, due, count in PILES[pile]:
            await filling.execute(FILL, TOPIC, keys, state, due, count)
        moved = [await outbox.stepped_aside(filling, TOPIC, Lane.NORMAL, most=5000) for _ in range(5)]
        assert moved == [5000, 5000, 5000, 5000, 0]
        await filling.execute("vacuum outbox")
        cost = await plans.looked_at("outbox_take", []) / BATCH
    assert cost < PER_MESSAGE


async def _first(connection: asyncpg.Connection[asyncpg.Record]) -> list[UUID]:
    query = "select id from outbox where state in ('pending', 'dead') order by position limit $1"
    return [row["id"] for row in await connection.fetch(query, BATCH)]
