"""``kill -9`` to any of many processes over one PostgreSQL and one real Kafka: nothing is lost, doubled or skipped.

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

from lienthong.tests.chaos.members import Member
from lienthong.tests.chaos.stage import Ground, open_stage
from lienthong.tests.crash.load import Load, rest
from lienthong.tests.crash.running import run_under
from lienthong.tests.crash.scene import two_neighbours
from lienthong.tests.journeys.papers import make_papers

KILLS = int(os.environ.get("KILLS", "50")) // 2
SEED = int(os.environ.get("SEED", "0")) or SystemRandom().randrange(1, 10**6)
LONGEST = 1.0  # seconds between one restart and the next kill
QUIET_SECONDS = 90.0
WHILE_STARTING = 0.15  # share of the kills
LANES = 2


@pytest.mark.slow
@pytest.mark.timeout(300 + KILLS * 10)
async def test_kills_of_any_process_lose_and_double_nothing(server_folder: Path) -> None:
    folder = server_folder / f"crash-of-many-{SEED}"
    folder.mkdir(mode=0o711)
    print(f"\nHạt giống {SEED}, {KILLS} lần giết (lặp lại: make crash KILLS={2 * KILLS} SEED={SEED})")
    papers = await asyncio.to_thread(make_papers, folder / "papers", datetime.now(UTC))
    async with open_stage(folder, Ground(papers=papers, cast=two_neighbours(), brokers=1)) as stage:
        load = Load(scene=stage.scene, random=Random(SEED))
        killed: Counter[str] = Counter()

        async def strikes() -> None:
            async with asyncio.TaskGroup() as group:
                for lane in range(LANES):
                    group.create_task(_lane(stage.members[lane::LANES], range(lane, KILLS, LANES), killed))

        tally = await run_under(load, stage.archive, strikes, senders=3, quiet_seconds=QUIET_SECONDS)
        print("\n".join(f"  {count:6d}  lần giết: {role}" for role, count in sorted(killed.items())))
        print(f"  yêu cầu phải lặp lại: {load.memory.repeated}; chờ lâu nhất {load.memory.longest:.1f} s")
        print(tally.printed())
    assert killed.total() == KILLS
    assert load.memory.promised
    assert load.memory.brought
    assert tally.clean, tally.printed()


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
