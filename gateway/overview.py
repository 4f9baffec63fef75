"""What runs and what waits on a node of any number of processes, read from its database alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..queue.messages import Lane
from .directory import LOCAL
from .postgres.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """``leads``: what only one process does at a time, and this one does."""

    name: str
    since: datetime
    leads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many messages of a topic, or pieces of work of a kind, in one state."""

    what: str
    state: str
    number: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    processes: Sequence[RunningProcess]
    messages: Sequence[Waiting]
    work: Sequence[Waiting]


def led_names(axes: Iterable[str]) -> list[str]:
    """What is led by one process where there are several (``gateway/roots.py``, the relay, the public feed)."""
    return ["clockwork", "relay", "public events", *(f"mail {axis}" for axis in (*axes, LOCAL))]


async def look(database: Database, axes: Iterable[str]) -> Overview:
    """One look, in one transaction."""
    async with database.unit(None) as conn:
        queries = database.queries
        leads = [row async for row in queries.leading_processes(conn, names=led_names(axes))]
        return Overview(
            processes=[
                RunningProcess(
                    name=row["name"],
                    since=row["since"],
                    leads=tuple(one["led"] for one in leads if one["process"] == row["name"]),
                )
                async for row in queries.running_processes(conn)
            ],
            messages=[
                Waiting(
                    what=f"{row['topic']} ({Lane(row['lane']).name.lower()})",
                    state=row["state"],
                    number=row["number"],
                    oldest=row["oldest"],
                )
                async for row in queries.waiting_messages(conn)
            ],
            work=[
                Waiting(what=row["kind"], state=row["state"], number=row["number"], oldest=row["oldest"])
                async for row in queries.waiting_work(conn)
            ],
        )
