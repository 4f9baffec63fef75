"""One round played: a load, its troubles spread evenly over the documents, rest, and the check."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from lienthong.tests.chaos.operator import held, on_duty
from lienthong.tests.chaos.rounds import Round
from lienthong.tests.chaos.stage import Ground, Stage, open_stage
from lienthong.tests.chaos.troubles import end_faults
from lienthong.tests.crash.load import Load, Pace, rest
from lienthong.tests.crash.memory import Memory
from lienthong.tests.crash.running import run_under
from lienthong.tests.crash.scene import Cast
from lienthong.tests.crash.tally import Tally
from lienthong.tests.journeys.papers import Papers

PACE: Final = Pace(window=240, arrivals=100, look=1.0, insiders=2, robots=1, every_twice=4)
SENDERS: Final = 2  # eOffice systems of each writer
STANDSTILL_SECONDS: Final = 300.0  # without one more document: something is stuck
QUIET_SECONDS: Final = 300.0
KEEP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a round came to; kept as JSON."""

    name: str
    title: str
    seed: int
    documents: int
    outgoing: int
    incoming: int
    kills: int  # of processes of the node
    happened: dict[str, int]
    exits: int  # processes that ended by themselves and were started again
    repeated: int
    absorbed: int
    longest: float  # seconds
    restart: float  # seconds, the slowest
    seconds: float
    lost: int
    doubled: int
    wrong: int
    skipped: int
    left: int
    held: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.skipped or self.left)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def play(
    one: Round, folder: Path, papers: Papers, cast: Cast, *, documents: int, strikes: int, seed: int
) -> Result:
    begun, random, happened = time.monotonic(), Random(seed), Counter[str]()
    ground = Ground(papers=papers, cast=cast, brokers=one.brokers, wired=one.wired, disk=one.disk, s3=one.s3)
    async with open_stage(folder, ground) as stage:
        load = Load(scene=stage.scene, random=Random(seed), pace=PACE)
        over = asyncio.Event()

        async def meanwhile() -> None:
            for number in range(strikes):
                await _reached(load.memory, documents * (number + 1) // (strikes + 1))
                await one.strike(stage, random, happened)
            await end_faults(stage)
            await _reached(load.memory, documents)

        async with asyncio.TaskGroup() as group:
            group.create_task(_keep(stage, over), name="keeper")
            group.create_task(on_duty(stage, over), name="operator")
            try:
                tally = await run_under(load, stage.archive, meanwhile, senders=SENDERS, quiet_seconds=QUIET_SECONDS)
            finally:
                over.set()
        print(tally.printed(), flush=True)
        return await _result(one, stage, load, tally, happened, seed=seed, seconds=time.monotonic() - begun)


async def _reached(memory: Memory, documents: int) -> None:
    """Until so many documents are through; fails when they stand still."""
    last, since = memory.documents, time.monotonic()
    while memory.documents < documents:
        await rest(0.1)
        if memory.documents != last:
            last, since = memory.documents, time.monotonic()
        assert time.monotonic() - since < STANDSTILL_SECONDS, f"standstill at {last} documents"


async def _keep(stage: Stage, over: asyncio.Event) -> None:
    """Start again what ended by itself, as whoever looks after processes does."""
    while not over.is_set():
        for member in stage.members:
            if not member.alive:
                await member.start()
        await rest(KEEP_SECONDS)


async def _result(
    one: Round, stage: Stage, load: Load, tally: Tally, happened: Counter[str], *, seed: int, seconds: float
) -> Result:
    memory = load.memory
    [twice] = await stage.archive.rows(
        """SELECT (SELECT count(*) FROM incoming_package WHERE state = 'duplicate')
                + (SELECT coalesce(sum(acknowledgements - 1), 0) FROM incoming_package WHERE acknowledgements > 1)
                AS absorbed"""
    )
    return Result(
        name=one.name,
        title=one.title,
        seed=seed,
        documents=memory.documents,
        outgoing=len(memory.promised),
        incoming=memory.arrivals,
        kills=sum(member.deaths for member in stage.members),
        happened=dict(happened),
        exits=sum(member.exits for member in stage.members),
        repeated=memory.repeated,
        absorbed=int(twice["absorbed"]) - _natural(load),
        longest=memory.longest,
        restart=max(seconds for member in stage.members for seconds in member.restarts),
        seconds=seconds,
        lost=len(tally.lost),
        doubled=len(tally.doubled),
        wrong=len(tally.wrong),
        skipped=len(tally.skipped),
        left=len(tally.left),
        held=await held(stage),
        findings=[*tally.lost, *tally.doubled, *tally.wrong, *tally.skipped, *tally.left][:200],
    )


def _natural(load: Load) -> int:
    """A package with several recipients of ours is fetched for each of them, and counts once: that is no trouble."""
    inside = [sum(to in load.scene.cast.own for to in one.recipients) for one in load.memory.promised.values()]
    return sum(count - 1 for count in inside if count)
