"""``kill -9`` at any moment, then a restart: nothing is lost, nothing is doubled, no number is skipped.

One run under continuous load. ``KILLS`` says how often the node's process group is killed (every third time with its
PostgreSQL), ``SEED`` repeats a run's kill points: ``make crash KILLS=500 SEED=12345``.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

import pytest

from lienthong.tests.crash.archive import open_archive
from lienthong.tests.crash.load import MOMENTS, Load, rest
from lienthong.tests.crash.running import run_under
from lienthong.tests.crash.stage import Stage, open_stage
from lienthong.tests.waiting import until

KILLS = (int(os.environ.get("KILLS", "50")) + 1) // 2  # the other half falls on a node of many processes
SEED = int(os.environ.get("SEED", "0")) or SystemRandom().randrange(1, 10**6)
SENDERS = 3
LONGEST = 1.5  # seconds of life between readiness and the axe
QUIET_SECONDS = 90.0
IN_START, AT_RANDOM = "giữa lúc khởi động", "lúc bất kỳ"


@dataclass(slots=True, kw_only=True)
class Axe:
    """Kills at points drawn from the seed: at any time, while starting, or soon after something was seen."""

    stage: Stage
    load: Load
    random: Random
    points: Counter[str] = field(default_factory=Counter)

    async def strike(self, number: int) -> None:
        """One kill and the restart after it."""
        victim = self.stage.victim
        point = self.random.choice((AT_RANDOM, IN_START, *MOMENTS))
        with_postgres = number % 3 == 2
        if point == IN_START:
            await victim.kill(with_postgres=False)
            await victim.start()
            await rest(self.random.uniform(0.0, 1.5))
        elif point == AT_RANDOM:
            await rest(self.random.uniform(0.0, LONGEST))
        else:
            seen = self.load.memory.moments[point]
            await until(lambda: self.load.memory.moments[point] > seen, QUIET_SECONDS)
            await rest(self.random.uniform(0.0, 0.3))
        await victim.kill(with_postgres=with_postgres)
        self.points[point + (" (cả PostgreSQL)" if with_postgres else "")] += 1
        await victim.serve()


@pytest.mark.slow
@pytest.mark.timeout(300 + KILLS * 10)
async def test_kills_lose_and_double_nothing(server_folder: Path) -> None:
    folder = server_folder / f"crash-{SEED}"
    folder.mkdir(mode=0o711)
    print(f"\nHạt giống {SEED}, {KILLS} lần giết (lặp lại: make crash KILLS={2 * KILLS} SEED={SEED})")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with open_stage(folder) as stage:
        load = Load(scene=stage.scene, random=Random(SEED))
        axe = Axe(stage=stage, load=load, random=Random(SEED))

        async def strikes() -> None:
            for number in range(KILLS):
                await axe.strike(number)
            print(f"  {loop.time() - begun:.0f} s với {KILLS} lần giết; chờ mọi việc lắng xuống")

        async with open_archive(stage.scene) as archive:
            tally = await run_under(load, archive, strikes, senders=SENDERS, quiet_seconds=QUIET_SECONDS)
        restarts = sorted(stage.victim.restarts)
        print("\n".join(f"  {count:6d}  lần giết: {point}" for point, count in sorted(axe.points.items())))
        print(f"  khởi động lại: nhanh nhất {restarts[0]:.2f} s, giữa {restarts[len(restarts) // 2]:.2f} s, ")
        print(f"  lâu nhất {restarts[-1]:.2f} s; yêu cầu phải lặp lại: {load.memory.repeated}")
        print(tally.printed())
        print(f"Hạt giống {SEED}; cả phép thử {loop.time() - begun:.0f} s")
    assert axe.points.total() == KILLS
    assert load.memory.promised
    assert load.memory.brought
    assert tally.clean, tally.printed()
