"""The axis is away: documents are accepted all the same, the pile grows, and goes away once the axis is back.

``python bench/scale/backlog.py [--documents N] [--write]``. Every document goes to one agency on the axis, which is
stopped before the first and started again after the last. Told: what accepting costs as the pile grows, the memory of
the node, how long until the first package went after the axis was back, and how fast the rest followed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lienthong.bench.measuring import conditions, pss_bytes, tree
from lienthong.bench.papers import SIZES
from lienthong.bench.scale.costs import Bench
from lienthong.bench.scale.counting import Counts, count
from lienthong.bench.scale.figures import remember
from lienthong.bench.scale.load import Times, fill_shelf
from lienthong.bench.scale.population import make_province
from lienthong.bench.scale.stage import Plan, Stage, open_stage, start_axis

PILE, CHUNKS = 20_000, 5
PACKAGED = "SELECT count(*) FROM outgoing_package"
ACCEPTED = "SELECT count(*) FROM outgoing_package WHERE state IN ('accepted', 'delivered')"
PATIENCE = 3600.0


async def measure(folder: Path, documents: int) -> dict[str, Any]:
    shelf = await asyncio.to_thread(fill_shelf, folder / "papers", datetime.now(UTC), SIZES[1:2])
    plan = Plan(province=make_province(40, outside=20), mode="unsafe_off")  # the pile is asked about, not signatures
    async with AsyncExitStack() as stack, open_stage(folder / "stage", plan, shelf.papers) as stage:
        run = Bench(
            stage=stage,
            shelf=shelf,
            numbers=itertools.count(1),
            times=Times(),
            idle=Counts(),
            each=documents // CHUNKS,
        )
        await run.stretch(lambda: run.carry_all(run.documents(200_000, inside=0, outside=1)[:20]))
        os.killpg(stage.programs["axis"], signal.SIGTERM)
        chunks = [await _chunk(run) for _ in range(CHUNKS)]
        pile = await stage.number(PACKAGED) - await stage.number(ACCEPTED)
        back = time.monotonic()
        await start_axis(stage, stack)
        figures = await _catch_up(stage, pile, back)
    return {"pile": pile, "chunks": chunks, **figures, "conditions": conditions(), "date": f"{datetime.now(UTC):%F}"}


async def _chunk(run: Bench) -> dict[str, float]:
    """Accept, examine and package so many; nothing of them can leave."""
    stage, before, begun = run.stage, await count(run.stage), time.monotonic()
    wanted = await stage.number(PACKAGED) + run.each
    await run.carry_all(run.documents(200_000, inside=0, outside=1))
    await _until(stage, PACKAGED, wanted)
    spent, seconds = (await count(stage)).since(before), time.monotonic() - begun
    line = {
        "documents_per_second": round(run.each / seconds, 1),
        "node_ms": round(1000 * (spent.cpu["node"] + spent.cpu["signatures"]) / run.each, 1),
        "postgres_ms": round(1000 * spent.cpu["postgres"] / run.each, 1),
        "node_pss_mb": round(sum(pss_bytes(pid) for pid in tree(stage.programs["node"])) / 1e6),
    }
    print(line, flush=True)
    return line


async def _catch_up(stage: Stage, pile: int, back: float) -> dict[str, float]:
    there = await stage.number(ACCEPTED)
    before = await count(stage)
    await _until(stage, ACCEPTED, there + 1)
    first = time.monotonic() - back
    await _until(stage, ACCEPTED, there + pile)
    seconds = time.monotonic() - back - first
    spent = (await count(stage)).since(before)
    return {
        "first_after_s": round(first, 1),
        "packages_per_second": round((pile - 1) / seconds, 1),
        "node_ms": round(1000 * spent.cpu["node"] / pile, 1),
        "postgres_ms": round(1000 * spent.cpu["postgres"] / pile, 1),
    }


async def _until(stage: Stage, statement: str, wanted: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await stage.number(statement) < wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=PILE)
    parser.add_argument("--write", action="store_true", help="ghi vào measured.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lienthong-backlog-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        figures = asyncio.run(measure(folder, options.documents))
    print(figures)
    if options.write:
        remember("backlog", figures)


if __name__ == "__main__":
    main()
