"""The processes of a node under the axe: each can be killed, started again under its name, and asked if it serves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp

from lienthong.tests.chaos.settings import Plan
from lienthong.tests.crash.archive import Archive
from lienthong.tests.crash.processes import READY_SECONDS, Program
from lienthong.tests.waiting import until

SLOW_START = 4 * READY_SECONDS  # with the database or the broker away


@dataclass(slots=True, kw_only=True)
class Member:
    """One process of the node. ``deaths``: how often it was killed; ``restarts``: seconds until it served again."""

    plan: Plan
    program: Program
    http: aiohttp.ClientSession
    deaths: int = 0
    restarts: list[float] = field(default_factory=list)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        self.deaths += 1
        await self.program.kill()
        return True

    async def serve(self, archive: Archive) -> None:
        """Start, unless it lives, and wait until it serves."""
        async with self._busy:
            begun = time.monotonic()
            if not self.alive:
                await self.program.start()
            await until(lambda: self._serving(archive), SLOW_START)
            self.restarts.append(time.monotonic() - begun)

    async def _serving(self, archive: Archive) -> bool:
        if not self.alive:  # it ended by itself: whoever looks after processes starts it again
            await self.program.start()
        if self.plan.port:
            return await self.program.answers(self.http)
        rows = await archive.rows(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = $1", f"{self.plan.name}-listen"
        )
        return len(rows) > 1  # its name is held, and what runs by itself listens
