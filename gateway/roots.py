"""What runs by itself in one process, by role; and what of it only one process of the whole node may do at a time.

api: HTTP for eOffice systems. console: HTTP for people (pages, operations). worker: consumes messages, does the work.
relay: gives the outbox to Kafka. poller: looks for mail, and does what the clock says. Every role may run in several
processes over one PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from ..queue.leader import lead
from ..queue.port import Broker
from ..queue.worker import WorkerLoop
from .directory import LOCAL
from .node import Node
from .pipeline.probing import probe_channels
from .pipeline.routine import (
    housekeeping,
    judge_again,
    keep_files,
    keep_revocation_data,
    look_for_mail,
    make_room_for_events,
    match_parked,
    scrub_files,
    synchronise_directory,
    watch_expiries,
    watch_sessions,
)
from .settings import API, CONSOLE, POLLER, RELAY, WORKER

STAND_BY_SECONDS: Final = 1.0
Root = Coroutine[Any, Any, None]
Job = Callable[[asyncio.Event], Awaitable[None]]


def roots_of(node: Node, broker: Broker, worker: WorkerLoop, api: Job, stop: asyncio.Event) -> dict[str, Root]:
    """Root tasks by name. ``api`` serves HTTP until its event, what the roles api and console show."""
    roles = frozenset(node.settings.roles)
    roots: dict[str, Root] = {"revocation": keep_revocation_data(node, stop)}
    if roles & {API, CONSOLE}:
        roots["http"] = _run(api, stop)
    if API in roles:  # a signing session lives where it was opened
        roots |= {"signing sessions": watch_sessions(node, stop)}
    if WORKER in roles:
        roots |= {"broker": broker.run(stop), "worker": worker.run(stop)}
    if roles & {WORKER, POLLER}:
        roots["probes"] = probe_channels(node, stop)
    if RELAY in roles:
        roots["relay"] = broker.relay(stop)
    if POLLER in roles:
        roots |= {name: _alone(node, name, job, stop) for name, job in _jobs(node).items()}
    return roots


def _jobs(node: Node) -> dict[str, Job]:
    """What one process of the node does at a time."""
    pace = {axis.name: (axis.poll_seconds, axis.directory_sync_seconds) for axis in node.settings.axes}

    async def clockwork(over: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for job in (
                housekeeping,
                judge_again,
                keep_files,
                make_room_for_events,
                match_parked,
                scrub_files,
                watch_expiries,
            ):
                group.create_task(job(node, over))
            for name, axis in node.axes.items():
                if name != LOCAL:
                    group.create_task(synchronise_directory(node, axis, over, every=pace[name][1]))

    def mail(name: str) -> Job:
        return lambda over: look_for_mail(node, node.axes[name], over, every=pace.get(name, (1.0, 0.0))[0])

    return {"clockwork": clockwork, **{f"mail {name}": mail(name) for name in node.axes}}


async def _run(job: Job, stop: asyncio.Event) -> None:
    await job(stop)


async def _alone(node: Node, name: str, job: Job, stop: asyncio.Event) -> None:
    if node.settings.database.embedded:  # no other process can be there
        await job(stop)
        return
    await lead(node.db, name, stop, job, poll=STAND_BY_SECONDS)
