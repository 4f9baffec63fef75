"""What a stretch of work cost, counted: processor time by program, rows and bytes by table, WAL, files, Kafka.

Processor time and bytes hold on a busy machine as well; delays do not, so none are here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lienthong.bench.measuring import PROC, TICK
from lienthong.bench.scale.stage import Stage

TABLES = (
    "SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Totals at a moment, or what was added between two."""

    seconds: float = 0.0
    cpu: Mapping[str, float] = field(default_factory=dict)  # seconds by program; "signatures": the workers of all
    rows: Mapping[str, float] = field(default_factory=dict)
    table_bytes: Mapping[str, float] = field(default_factory=dict)  # with indexes
    wal: float = 0.0
    file_bytes: float = 0.0
    files: float = 0.0
    kafka_bytes: float = 0.0

    def since(self, before: Counts) -> Counts:
        return Counts(
            seconds=self.seconds - before.seconds,
            cpu=_less(self.cpu, before.cpu),
            rows=_less(self.rows, before.rows),
            table_bytes=_less(self.table_bytes, before.table_bytes),
            wal=self.wal - before.wal,
            file_bytes=self.file_bytes - before.file_bytes,
            files=self.files - before.files,
            kafka_bytes=self.kafka_bytes - before.kafka_bytes,
        )

    def without_idle(self, idle: Counts) -> Counts:
        """Less what the programs use in this time when nothing is done."""
        share = self.seconds / idle.seconds if idle.seconds else 0.0
        cpu = {name: max(0.0, value - idle.cpu.get(name, 0.0) * share) for name, value in self.cpu.items()}
        return Counts(
            seconds=self.seconds,
            cpu=cpu,
            rows=self.rows,
            table_bytes=self.table_bytes,
            wal=max(0.0, self.wal - idle.wal * share),
            file_bytes=self.file_bytes,
            files=self.files,
            kafka_bytes=self.kafka_bytes,
        )

    def each(self, count: float) -> dict[str, Any]:
        """Of one of so many, as plain numbers: milliseconds and bytes."""
        return {
            "cpu_ms": {name: round(1000 * value / count, 3) for name, value in sorted(self.cpu.items())},
            "rows": {name: round(value / count, 3) for name, value in sorted(self.rows.items()) if value},
            "wal_bytes": round(self.wal / count),
            "file_bytes": round(self.file_bytes / count),
            "files": round(self.files / count, 2),
            "kafka_bytes": round(self.kafka_bytes / count),
        }


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


async def count(stage: Stage) -> Counts:
    """The totals now."""
    tables = {row["name"]: float(row["bytes"]) for row in await stage.rows(TABLES)}
    rows = {name: float(await stage.number(f'SELECT count(*) FROM "{name}"')) for name in tables}  # names of ours
    rows["event"] = float(await stage.number("SELECT count(*) FROM event"))
    for part in [name for name in tables if name.startswith("event_")]:
        tables["event"] = tables.get("event", 0.0) + tables.pop(part)
        rows.pop(part)
    wal = await stage.number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    sizes = _bytes_on_disk(stage.folder / "node")
    return Counts(
        seconds=os.times().elapsed,
        cpu=_cpu(stage.programs),
        rows=rows,
        table_bytes=tables,
        wal=float(wal),
        file_bytes=float(sum(sizes)),
        files=float(len(sizes)),
        kafka_bytes=float(sum(path.stat().st_size for path in _files(stage.folder / "kafka") if path.suffix == ".log")),
    )


def _bytes_on_disk(folder: Path) -> list[int]:
    """Of the files of the node, each once however many names it has: agencies and the local axis share bytes."""
    found = {}
    for path in _files(folder):
        with contextlib.suppress(OSError):
            state = path.stat()
            found[state.st_ino] = state.st_size
    return list(found.values())


def _files(folder: Path) -> list[Path]:
    return [Path(root) / name for root, _, names in os.walk(folder) for name in names]


def _cpu(programs: Mapping[str, int]) -> dict[str, float]:
    """Of each program; verification workers apart, for they are what a core is bought for."""
    fields = _processes()
    used = dict.fromkeys((*programs, "signatures"), 0.0)
    for name, root in programs.items():
        for pid in _family(fields, root):
            one = fields[pid]
            # Workers are replaced now and then: what the node has waited for were workers of its own.
            ended = "signatures" if pid == root and name not in OTHERS else name
            used["signatures" if one.worker else name] += one.own
            used[ended] += one.ended
    return used


OTHERS = {"postgres", "kafka", "axis"}


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    own: float  # seconds
    ended: float  # of children that ended
    worker: bool


def _family(fields: Mapping[int, _Process], root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in fields:
            found.append(pid)
            waiting += [child for child, one in fields.items() if one.parent == pid]
    return found


def _processes() -> dict[int, _Process]:
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                rest = (entry / "stat").read_text().rpartition(")")[2].split()
                own, ended = sum(map(int, rest[11:13])) / TICK, sum(map(int, rest[13:15])) / TICK
                worker = b"signing.worker_main" in (entry / "cmdline").read_bytes()
                found[int(entry.name)] = _Process(int(rest[1]), own, ended, worker)
    return found


async def connections(stage: Stage) -> dict[str, int]:
    """Connections to PostgreSQL by process of the node, now."""
    rows = await stage.rows(
        "SELECT application_name AS name, count(*) AS open FROM pg_stat_activity WHERE usename = 'lienthong_app'"
        " GROUP BY application_name"
    )
    return {row["name"]: row["open"] for row in rows}
