"""``kill -9`` to any of many processes over one PostgreSQL, one real Kafka and one real S3 server: nothing is lost,
doubled or skipped. Some die exactly while a file goes to the bucket or comes from it; test_crash.py has the files on
the node's disk.

The campaign of ``make chaos`` does the same with more agencies, more kills and more kinds of trouble.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom

import pytest

from lienthong.tests.chaos import points
from lienthong.tests.chaos.members import Member
from lienthong.tests.chaos.stage import Ground, Stage, Wire, open_stage
from lienthong.tests.crash.load import Load, Pace, rest
from lienthong.tests.crash.running import run_under
from lienthong.tests.crash.scene import two_neighbours
from lienthong.tests.journeys.papers import make_papers

KILLS = int(os.environ.get("KILLS", "50")) // 2
SEED = int(os.environ.get("SEED", "0")) or SystemRandom().randrange(1, 10**6)
LONGEST = 1.0  # seconds between one restart and the next kill
QUIET_SECONDS = 90.0
WHILE_STARTING = 0.15  # share of the kills
LANES = 2
MOMENTS = (points.UPLOADED, points.KEPT, points.UPLOADING, points.KEEPING, points.TAKING)[:KILLS]
WIRED = frozenset((moment.role, Wire.FILES) for moment in MOMENTS)


@pytest.mark.slow
@pytest.mark.timeout(300 + KILLS * 10)
async def test_kills_of_any_process_lose_and_double_nothing(server_folder: Path) -> None:
    folder = server_folder / f"crash-of-many-{SEED}"
    folder.mkdir(mode=0o711)
    print(f"\nHạt giống {SEED}, {KILLS} lần giết (lặp lại: make crash KILLS={2 * KILLS} SEED={SEED})")
    papers = await asyncio.to_thread(make_papers, folder / "papers", datetime.now(UTC))
    ground = Ground(papers=papers, cast=two_neighbours(), brokers=1, wired=WIRED, s3=True)
    async with open_stage(folder, ground) as stage:
        load = Load(scene=stage.scene, random=Random(SEED), pace=Pace(window=12, arrivals=12))
        killed: Counter[str] = Counter()

        async def strikes() -> None:
            async with asyncio.TaskGroup() as group:
                for role in ("api", "worker"):
                    group.create_task(_at_the_bucket(stage, role, killed))
            async with asyncio.TaskGroup() as group:
                for lane in range(LANES):
                    turns = range(len(MOMENTS) + lane, KILLS, LANES)
                    group.create_task(_lane(stage.members[lane::LANES], turns, killed))

        tally = await run_under(load, stage.archive, strikes, senders=3, quiet_seconds=QUIET_SECONDS)
        print("\n".join(f"  {count:6d}  lần giết: {where}" for where, count in sorted(killed.items())))
        print(f"  yêu cầu phải lặp lại: {load.memory.repeated}; chờ lâu nhất {load.memory.longest:.1f} s")
        print(tally.printed())
        assert not [path for path in (stage.scene.data / "files").rglob("*/??/*") if path.is_file()], (
            "all in the bucket"
        )
    assert killed.total() >= KILLS  # two may come to one moment
    assert load.memory.promised
    assert load.memory.brought
    assert tally.clean, tally.printed()


async def _at_the_bucket(stage: Stage, role: str, killed: Counter[str]) -> None:
    """A process of this role dies at each of its moments."""
    for moment in (one for one in MOMENTS if one.role == role):
        await points.strike(stage, (moment,), Random(f"{SEED} {moment.name}"), killed)


async def _lane(members: tuple[Member, ...], turns: range, killed: Counter[str]) -> None:
    """Of every role one process is in a lane: both may be away at the same time."""
    for turn in turns:
        await _strike(members, Random(f"{SEED} {turn}"), killed)


async def _strike(members: tuple[Member, ...], random: Random, killed: Counter[str]) -> None:
    """One process dies: at any time, or while it starts."""
    victim = random.choice(members)
    await rest(random.uniform(0.0, LONGEST))
    if random.random() < WHILE_STARTING:
        await victim.program.kill()
        await victim.start()
        await rest(random.uniform(0.0, LONGEST))
    await victim.kill()
    killed[victim.plan.roles[0]] += 1
    await victim.serve()
