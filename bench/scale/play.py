"""Plays a slice of the generated day through a real node, and measures what single things cost.

``python bench/scale/play.py [--broker kafka] [--documents N] [--speed X] [--each N] [--write]``. The slice is the
busiest quarter of an hour, its first N documents, X times as fast as the day. ``--write`` puts the figures into
measured.json, which docs/scaling.md and model.py read. Processor time and bytes bear a busy machine; delays and rates
do not.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lienthong.bench.measuring import conditions, percentile
from lienthong.bench.scale.costs import ROBOT, Bench, all_costs, idle_use, robots
from lienthong.bench.scale.counting import Counts, connections, count
from lienthong.bench.scale.figures import remember
from lienthong.bench.scale.generator import QUARTER, SEED, Document, Habits, busiest, generate, slice_of
from lienthong.bench.scale.load import OPEN_WORK, Shelf, Times, carry, fill_shelf, quiet
from lienthong.bench.scale.mixture import mix
from lienthong.bench.scale.population import make_province
from lienthong.bench.scale.stage import ONE, SEVERAL, Plan, Stage, open_stage

LOOK_SECONDS = 1.0
AT_AXIS = (
    "SELECT p.document_id, extract(epoch FROM max(o.finished_at))::float8 AS at FROM outgoing_package p"
    " JOIN attempt t ON t.package_id = p.id JOIN attempt_outcome o ON o.attempt_id = t.id"
    " WHERE o.outcome = 'accepted' AND p.kind = 'edoc' AND p.axis <> 'local' AND p.document_id = ANY($1::text[])"
    " GROUP BY p.document_id"
)
IN_MAILBOX = (
    "SELECT e.document_id, extract(epoch FROM max(m.created_at))::float8 AS at FROM mailbox_item m"
    " JOIN exchange e ON e.id = m.exchange_id WHERE m.kind = 'document' AND e.document_id = ANY($1::text[])"
    " GROUP BY e.document_id"
)


@dataclass(slots=True, kw_only=True)
class Played:
    """What came of a slice."""

    documents: int
    offered: float  # a second
    achieved: float
    spent: Counts
    depth: list[int] = field(default_factory=list)  # open messages and work, once a second
    delays: dict[str, list[float]] = field(default_factory=dict)
    refused: int = 0


def day_slice(documents: int) -> list[Document]:
    """The first so many of the busiest quarter of an hour."""
    day = generate(make_province(), Habits(), seed=SEED)
    start, _ = busiest(day, QUARTER)
    return slice_of(day, start, QUARTER)[:documents]


async def play(stage: Stage, shelf: Shelf, documents: Sequence[Document], speed: float, bench: Bench) -> Played:
    """Each at its moment, however the node fares; until all is done."""
    await robots(stage, ROBOT)
    before, times = await count(stage), bench.times
    depth: list[int] = []
    times.begun.clear()
    times.answered.clear()
    over = asyncio.Event()
    watching = asyncio.create_task(_watch(stage, depth, over))
    begun, first = time.time(), documents[0].second
    async with asyncio.TaskGroup() as group:
        for one in documents:
            await asyncio.sleep(max(0.0, begun + (one.second - first) / speed - time.time()))
            group.create_task(carry(stage, shelf, one, times, bench.numbers))  # type: ignore[arg-type]
    offered = len(documents) / (time.time() - begun)
    await quiet(stage, times.recipients)
    over.set()
    await watching
    spent = (await count(stage)).since(before).without_idle(bench.idle)
    delays, last = await _delays(stage, times)
    return Played(
        documents=len(documents),
        offered=offered,
        achieved=len(documents) / (last - begun),
        spent=spent,
        depth=depth,
        delays=delays,
        refused=times.refused,
    )


async def _watch(stage: Stage, depth: list[int], over: asyncio.Event) -> None:
    while not over.is_set():
        depth.append(await stage.number(OPEN_WORK))
        await asyncio.sleep(LOOK_SECONDS)


async def _delays(stage: Stage, times: Times) -> tuple[dict[str, list[float]], float]:
    """Seconds from POST (or from the axis having it) by way, and when the last one arrived."""
    names = list(times.begun)
    delays = {"POST → 202": [times.answered[one] - times.begun[one] for one in times.answered]}
    last = 0.0
    for way, statement in (("POST → trục nhận", AT_AXIS), ("→ hộp thư nơi nhận cuối", IN_MAILBOX)):
        at = {row["document_id"]: row["at"] for row in await stage.rows(statement, names)}
        delays[way] = [at[one] - times.begun[one] for one in names if one in at]
        last = max(last, *at.values()) if at else last
    return delays, last


def printed(played: Played) -> str:
    rates = f"đưa vào {played.offered:.1f}/giây, xong {played.achieved:.1f}/giây, từ chối {played.refused}"
    lines = [
        f"{played.documents} văn bản, {rates}",
        "",
        "| độ trễ (giây) | số | p50 | p95 | p99 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for way, delays in played.delays.items():
        cells = " | ".join(f"{percentile(delays, rank):.2f}" for rank in (50, 95, 99))
        lines.append(f"| {way} | {len(delays)} | {cells} |")
    each = played.spent.each(played.documents)
    lines += ["", f"CPU (ms/văn bản): {each['cpu_ms']}", f"dòng/văn bản: {each['rows']}"]
    lines += [f"WAL {each['wal_bytes']} byte/văn bản, tệp {each['file_bytes']}, Kafka {each['kafka_bytes']}"]
    lines += [f"việc đang mở theo giây: {played.depth}"]
    return "\n".join(lines)


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    shelf = await asyncio.to_thread(fill_shelf, folder / "papers", datetime.now(UTC))
    processes = SEVERAL if options.broker == "kafka" else ONE
    plan = Plan(province=make_province(), broker=options.broker, processes=processes)
    async with open_stage(folder / "stage", plan, shelf.papers) as stage:
        run = Bench(
            stage=stage, shelf=shelf, numbers=itertools.count(1), times=Times(), idle=Counts(), each=options.each
        )
        await run.stretch(lambda: run.carry_all(run.documents(24_000, inside=1, outside=0)[:8]))
        run.idle = await idle_use(stage)
        idle = {name: round(1000 * value / run.idle.seconds, 2) for name, value in run.idle.cpu.items()}
        print(f"không tải (ms CPU mỗi giây): {idle}", flush=True)
        costs = await all_costs(run)
        documents = day_slice(options.documents)
        played = await play(stage, shelf, documents, options.speed, run)
        print(printed(played), flush=True)
        open_now, total = await connections(stage), await count(stage)
        print(f"kết nối PostgreSQL: {open_now}")
        return {
            "conditions": conditions(),
            "date": datetime.now(UTC).date().isoformat(),
            "idle_cpu_ms_per_second": idle,
            "costs": costs,
            "slice": {
                "mix": mix([shelf.real(one) for one in documents]),
                "documents": len(documents),
                **played.spent.each(len(documents)),
            },
            "delays": {way: [percentile(d, rank) for rank in (50, 95, 99)] for way, d in played.delays.items()},
            "offered": played.offered,
            "achieved": played.achieved,
            "connections": open_now,
            "bytes_per_row": {
                name: round(total.table_bytes[name] / rows) for name, rows in total.rows.items() if rows >= 100
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--documents", type=int, default=300, help="số văn bản của lát cắt")
    parser.add_argument("--speed", type=float, default=1.0, help="nhanh gấp mấy lần ngày thật")
    parser.add_argument("--each", type=int, default=60, help="số văn bản của mỗi phép đo riêng")
    parser.add_argument("--write", action="store_true", help="ghi vào measured.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lienthong-scale-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as nobody and must get in
        figures = asyncio.run(measure(folder, options))
    print(figures["conditions"])
    if options.write:
        remember(options.broker, figures)


if __name__ == "__main__":
    main()
