"""The processes of a node under the axe: each can be killed, started again under its name, and asked if it serves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp

from lienthong.tests.chaos.settings import Plan
from lienthong.tests.crash.processes import READY_SECONDS, Program
from lienthong.tests.waiting import until

SLOW_START = 4 * READY_SECONDS  # with the database or the broker away


@dataclass(slots=True, kw_only=True)
class Member:
    """One process of the node. ``deaths``: how often it was killed; ``exits``: how often it ended by itself."""

    plan: Plan
    program: Program
    http: aiohttp.ClientSession
    deaths: int = 0
    exits: int = 0
    restarts: list[float] = field(default_factory=list)  # seconds until it served again
    _killed: bool = True  # or not yet started
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def alive(self) -> bool:
        return self.program.running is not None and self.program.running.returncode is None

    async def kill(self) -> bool:
        """SIGKILL to the process and its workers; False when it was dead already."""
        if not self.alive:
            return False
        self._killed = True
        self.deaths += 1
        await self.program.kill()
        return True

    async def start(self) -> None:
        """Start, unless it lives: as whoever looks after processes would."""
        async with self._starting:
            if not self.alive:
                self.exits += not self._killed
                self._killed = False
                await self.program.start()

    async def serve(self) -> None:
        """Start, unless it lives, and wait until it serves."""
        begun = time.monotonic()
        await until(self._serving, SLOW_START)
        self.restarts.append(time.monotonic() - begun)

    async def _serving(self) -> bool:
        await self.start()
        return await self.program.answers(self.http)
