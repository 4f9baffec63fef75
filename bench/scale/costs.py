"""What single things cost, each measured by itself on the stage: a document out, inside, in, a recipient more, a clerk.

Blocks of one kind of document, everything finished after each; the idle programs' own use is taken off. The figures go
into measured.json; model.py adds them up and says how near the sum comes to a played slice of the day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lienthong.bench.scale.counting import Counts, count
from lienthong.bench.scale.generator import Direction, Document
from lienthong.bench.scale.load import Shelf, Times, carry, quiet
from lienthong.bench.scale.stage import Stage

IDLE_SECONDS = 10.0
AT_ONCE = 8
MANY = 20
ROBOT = ("01", "03")
SMALL, MIDDLE, LARGE = 24_000, 200_000, 4_900_000


@dataclass(slots=True, kw_only=True)
class Bench:
    """One stage being measured; ``delivered``: documents that must be in mailboxes by now."""

    stage: Stage
    shelf: Shelf
    numbers: Iterator[int]
    times: Times
    idle: Counts
    each: int  # documents of a block

    async def stretch(self, work: Callable[[], Awaitable[None]]) -> Counts:
        """What the work cost until all of it was finished, the idle use taken off."""
        before = await count(self.stage)
        await work()
        await quiet(self.stage, self.times.recipients)
        return (await count(self.stage)).since(before).without_idle(self.idle)

    async def carry_all(self, documents: Sequence[Document]) -> None:
        window = asyncio.Semaphore(AT_ONCE)

        async def one(document: Document) -> None:
            async with window:
                await carry(self.stage, self.shelf, document, self.times, self.numbers)

        async with asyncio.TaskGroup() as group:
            for document in documents:
                group.create_task(one(document))

    def documents(self, size: int, *, inside: int, outside: int, incoming: bool = False) -> list[Document]:
        """A block: senders and recipients in turn, so that no counter is everybody's."""
        province = self.stage.plan.province
        ours, others = province.agencies, province.outside
        block = []
        for number in range(self.each):
            first = 1 + number * (inside + 1)
            to = [ours[(first + place) % len(ours)].code for place in range(inside)]
            to += [others[(number + place) % len(others)].code for place in range(outside)]
            sender = others[number % len(others)] if incoming else ours[number * (inside + 1) % len(ours)]
            block.append(
                Document(
                    number=number,
                    second=0.0,
                    direction=Direction.INWARD if incoming else Direction.OUTWARD,
                    sender=sender.code,
                    recipients=tuple(to),
                    size=size,
                    urgent=False,
                    answers=None,
                )
            )
        return block


async def idle_use(stage: Stage) -> Counts:
    """What all programs use while nothing is asked of them."""
    before = await count(stage)
    await asyncio.sleep(IDLE_SECONDS)
    return (await count(stage)).since(before)


async def all_costs(bench: Bench) -> dict[str, Any]:
    """Of one thing each, by name."""
    blocks = {
        "outward": bench.documents(MIDDLE, inside=0, outside=1),
        "local": bench.documents(MIDDLE, inside=1, outside=0),
        "both": bench.documents(MIDDLE, inside=1, outside=1),
        "local_many": bench.documents(MIDDLE, inside=MANY, outside=0),
        "outward_many": bench.documents(MIDDLE, inside=0, outside=MANY),
        "incoming": bench.documents(MIDDLE, inside=1, outside=0, incoming=True),
        "outward_small": bench.documents(SMALL, inside=0, outside=1),
        "outward_large": bench.documents(LARGE, inside=0, outside=1),
        "local_large": bench.documents(LARGE, inside=1, outside=0),
    }
    await bench.stretch(lambda: bench.carry_all(blocks["local"]))  # plans, caches, connections
    costs = {}
    for name, documents in blocks.items():
        spent = await bench.stretch(lambda documents=documents: bench.carry_all(documents))  # type: ignore[misc]
        costs[name] = spent.each(len(documents))
        print(f"{name}: {costs[name]['cpu_ms']}", flush=True)
    spent = await bench.stretch(lambda: _register(bench))
    costs["registration"] = spent.each(bench.each)
    spent = await bench.stretch(lambda: _look(bench))
    costs["mailbox_look"] = spent.each(bench.each * 5)
    await robots(bench.stage, ROBOT)
    await quiet(bench.stage, bench.times.recipients)  # they answer what they were sent before, too
    spent = await bench.stretch(lambda: bench.carry_all(blocks["outward"]))
    costs["answered"] = spent.each(bench.each)
    files = {name: bench.shelf.nearest(size) for name, size in (("middle", MIDDLE), ("large", LARGE))}
    return costs | {"bytes": {name: file.stat().st_size for name, file in files.items()}}


async def robots(stage: Stage, script: Sequence[str]) -> None:
    """What the agencies outside answer by themselves to each document."""
    for one in stage.plan.province.outside:
        url = f"{stage.control_url}/agencies/{one.code}/script"
        async with stage.http.put(url, json={"script": list(script)}) as answer:
            assert answer.status == 200, await answer.text()


async def _register(bench: Bench) -> None:
    """A clerk reads his mailbox and registers one document; 03 goes back."""
    rows = await bench.stage.rows(
        "SELECT a.code, m.exchange_id AS id FROM mailbox_item m JOIN agency a ON a.id = m.agency_id"
        " WHERE m.kind = 'document' ORDER BY m.created_at LIMIT $1",
        bench.each,
    )
    for row in rows:
        status, answer = await bench.stage.call(row["code"], "GET", "/v1/mailbox?after=0&limit=20")
        assert status == 200, answer
        assert answer["items"]
        identity = f"vb_{row['id'].hex}"
        status, answer = await bench.stage.call(row["code"], "POST", f"/v1/incoming/{identity}/registration", json={})
        assert status in (200, 201), answer


async def _look(bench: Bench) -> None:
    """An eOffice asks whether anything is new, and nothing is."""
    codes = list(bench.stage.keys)
    for number in range(bench.each * 5):
        await bench.stage.call(codes[number % len(codes)], "GET", "/v1/mailbox?after=1000000&limit=20")
