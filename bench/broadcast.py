"""A broadcast: one document of 200 KB to 700 agencies; how long until the axis has accepted all of its packages.

``python bench/broadcast.py [--broker kafka] [--rounds N] [--inside]``. The node verifies both signatures, writes seven
packages (at most 100 recipients each) and sends them one after the other, as the order of a document asks.
``--inside``: to 700 agencies of the same node, until the last of them has it in its mailbox.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lienthong.bench.measuring import conditions
from lienthong.bench.papers import SIZES
from lienthong.bench.scale.counting import count
from lienthong.bench.scale.generator import Direction, Document
from lienthong.bench.scale.load import Shelf, Times, fill_shelf, post, quiet
from lienthong.bench.scale.population import make_province
from lienthong.bench.scale.stage import ONE, SEVERAL, Plan, Stage, open_stage

RECIPIENTS = 700
LIMIT = 20.0  # seconds
SIZE = next(size for size in SIZES if size.name == "200 KB")
DISPATCHED = (
    "SELECT count(*) AS packages, coalesce(extract(epoch FROM max(o.finished_at)), 0)::float8 AS last"
    " FROM outgoing_package p JOIN attempt t ON t.package_id = p.id JOIN attempt_outcome o ON o.attempt_id = t.id"
    " WHERE o.outcome = 'accepted' AND p.kind = 'edoc' AND p.document_id = $1"
)
DELIVERED = (
    "SELECT count(*) AS packages, coalesce(extract(epoch FROM max(m.created_at)), 0)::float8 AS last"
    " FROM mailbox_item m JOIN exchange e ON e.id = m.exchange_id WHERE m.kind = 'document' AND e.document_id = $1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Seconds from the start of POST; processor seconds of all programs until everything had settled."""

    accepted: float  # 202
    dispatched: float
    cpu: float


async def broadcasts(folder: Path, *, broker: str, rounds: int, inside: bool) -> list[Broadcast]:
    province = make_province(RECIPIENTS + 1, outside=1) if inside else make_province(4, outside=RECIPIENTS)
    shelf = await asyncio.to_thread(fill_shelf, folder / "papers", datetime.now(UTC), (SIZE,))
    plan = Plan(province=province, broker=broker, processes=SEVERAL if broker == "kafka" else ONE)
    numbers = itertools.count(1)
    async with open_stage(folder / "stage", plan, shelf.papers) as stage:
        await _one(stage, shelf, [province.outside[0].code], numbers, inside=False)  # plans, connections
        everybody = [one.code for one in (province.agencies[1:] if inside else province.outside)]
        return [await _one(stage, shelf, everybody, numbers, inside=inside) for _ in range(rounds)]


async def _one(
    stage: Stage, shelf: Shelf, recipients: Sequence[str], numbers: itertools.count[int], *, inside: bool
) -> Broadcast:
    times, before = Times(), await count(stage)
    document = Document(
        number=0,
        second=0.0,
        direction=Direction.OUTWARD,
        sender=stage.plan.province.chair.code,
        recipients=tuple(recipients),
        size=200_000,
        urgent=False,
        answers=None,
    )
    await post(stage, shelf, document, times, numbers)
    ((identity, begun),) = times.begun.items()
    wanted = len(recipients) if inside else -(-len(recipients) // 100)
    async with asyncio.timeout(500):
        while True:
            row = (await stage.rows(DELIVERED if inside else DISPATCHED, identity))[0]
            if row["packages"] == wanted:
                break
            await asyncio.sleep(0.1)
    await quiet(stage, 0)
    spent = (await count(stage)).since(before)
    return Broadcast(
        accepted=times.answered[identity] - begun, dispatched=row["last"] - begun, cpu=sum(spent.cpu.values())
    )


def printed(done: Sequence[Broadcast], *, broker: str, inside: bool) -> str:
    where = (
        "700 đơn vị cùng nút, tới hộp thư cuối cùng" if inside else "700 đơn vị trên trục, tới gói thứ bảy được nhận"
    )
    each = ", ".join(f"{one.dispatched:.1f}" for one in done)
    worst = max(one.dispatched for one in done)
    goal = "" if inside else f"; mục tiêu dưới {LIMIT:.0f} giây: {'đạt' if worst < LIMIT else 'CHƯA đạt'}"
    return (
        f"Phát tới {where} ({broker}): {each} giây (202 sau {max(one.accepted for one in done):.2f} giây; CPU"
        f" {sum(one.cpu for one in done) / len(done):.1f} giây một lần){goal}."
    )


async def report(*, broker: str = "embedded", rounds: int = 3, inside: bool = False) -> str:
    """The line for a table of figures, from a stage of its own."""
    with tempfile.TemporaryDirectory(prefix="lienthong-broadcast-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # noqa: ASYNC240 - as root, PostgreSQL runs as nobody and must get in
        return printed(
            await broadcasts(folder, broker=broker, rounds=rounds, inside=inside), broker=broker, inside=inside
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    print(asyncio.run(report(broker=options.broker, rounds=options.rounds, inside=options.inside)))
    print(conditions())
