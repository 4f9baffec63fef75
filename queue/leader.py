"""One process leads, the others stand by: for what may happen in one place only. A lock of a database session.

The lock is gone when its connection is; whoever led learns it and stops, another takes over at its next try. A leader
gives signs of life, for a process that stands still keeps its connection: the server ends that after ``SILENCE``. What
is led must therefore bear that an old leader goes on for a moment after it woke; the led work here does, since whatever
it finds is opened once (work rows have a key) and absorbed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from .errors import ENDED
from .guard import surviving
from .parting import part_from
from .port import Store
from .statements import statements
from .wakeups import first_of, waited

_log = structlog.get_logger(__name__)
CLOSE_SECONDS = 0.5
SILENCE_SECONDS = 10.0  # without a sign of life the lead is lost
BEAT_SECONDS = 2.5

Led = Callable[[asyncio.Event], Awaitable[None]]


async def lead(store: Store, name: str, stop: asyncio.Event, run: Led, *, poll: float) -> None:
    """Run ``run`` while this process leads; its event is set when it must end. ``poll``: seconds between tries."""
    while not stop.is_set():
        with surviving("leader-lost-the-database", passing=ENDED, name=name):
            connection = await store.connect()
            try:
                await _stand(connection, name, stop, run, poll)
            finally:
                await part_from(connection, within=CLOSE_SECONDS)
        await waited(stop, poll)


async def _stand(
    connection: asyncpg.Connection[asyncpg.Record], name: str, stop: asyncio.Event, run: Led, poll: float
) -> None:
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    while not await statements().leader_try(connection, name=name):
        if await waited(stop, poll) or lost.is_set():
            return
    await statements().leader_patience(connection, milliseconds=f"{SILENCE_SECONDS * 1000:.0f}")
    _log.info("leads", name=name)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(_ends(over, stop, lost)), group.create_task(_beat(connection, lost))]
        await run(over)
        for task in beside:
            task.cancel()


async def _beat(connection: asyncpg.Connection[asyncpg.Record], lost: asyncio.Event) -> None:
    """Signs of life until the lead is lost; a database that hears none in time has given it to another."""
    while not await waited(lost, BEAT_SECONDS):
        try:
            async with asyncio.timeout(SILENCE_SECONDS - BEAT_SECONDS):
                await statements().leader_beat(connection)
        except ENDED:
            lost.set()


async def _ends(over: asyncio.Event, *causes: asyncio.Event) -> None:
    await first_of(*causes)
    over.set()
