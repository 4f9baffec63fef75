"""The programs under the axe: the node and the emulated axis, each a process of its own with its own process group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from lienthong.gateway.postgres.occupants import occupants
from lienthong.tests.waiting import until

READY_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Program:
    """``python -m lienthong …``; its output goes to ``log``."""

    arguments: tuple[str, ...]
    log: Path
    ready: str  # address that answers 200 when it serves
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as output:
            self.running = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "lienthong", *self.arguments, stdout=output, stderr=output, start_new_session=True
            )

    async def serving(self, http: aiohttp.ClientSession) -> None:
        await until(lambda: self._living(http), READY_SECONDS)

    async def _living(self, http: aiohttp.ClientSession) -> bool:
        assert self.running is not None
        assert self.running.returncode is None, self.log.read_text()[-3000:]
        return await self.answers(http)

    async def answers(self, http: aiohttp.ClientSession) -> bool:
        """Whether it serves at this moment."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(self.ready) as response:
                return response.status == 200
        return False

    async def kill(self) -> None:
        """``kill -9`` to the whole group."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        process, self.running = self.running, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        await process.wait()


@dataclass(slots=True, kw_only=True)
class Victim:
    """The node with its embedded PostgreSQL."""

    program: Program
    cluster: Path
    http: aiohttp.ClientSession
    restarts: list[float] = field(default_factory=list)  # seconds from start to the first 200 of /readyz

    async def start(self) -> None:
        await self.program.start()

    async def serve(self) -> None:
        """Start and wait until it serves."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self.program.start()
        await self.program.serving(self.http)
        self.restarts.append(loop.time() - begun)

    async def kill(self, *, with_postgres: bool) -> None:
        """The node's group; with PostgreSQL, every process that works in its data folder at the same moment."""
        if with_postgres:
            for pid in occupants(self.cluster):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await self.program.kill()
