"""Wake-ups: who waits is told when a unit is committed, here at once, in other processes by NOTIFY.

A hint only; whoever waits polls as well. NOTIFY is not part of the units (see ``queue.sql``): it is said afterwards,
many at a time, on the connection that listens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import asyncpg

from .errors import ENDED
from .guard import surviving
from .parting import part_from
from .port import Store
from .statements import statements

CHANNELS = ("outbox", "work")
RECONNECT_SECONDS = 0.5
CLOSE_SECONDS = 0.5
GATHER_SECONDS = 0.02  # other processes are told at most fifty times a second


class Wakeups:
    """Who waits for what: ``subscribe`` at any time, ``run`` as a root task of the node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self._unsaid: set[tuple[str, str]] = set()
        self._something = asyncio.Event()
        store.when_committed(self._committed)

    def subscribe(self, channel: str, subject: str) -> asyncio.Event:
        """An event set at every wake of the channel for the subject (or for all); cleared by the waiter."""
        event = asyncio.Event()
        self.call(channel, subject, event.set)
        return event

    def call(self, channel: str, subject: str, tell: Callable[[], None]) -> None:
        """Have ``tell`` called at every wake of the channel for the subject (or for all); it must not wait."""
        self._calls.setdefault((channel, subject), []).append(tell)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and tell until ``stop``, which wakes everybody; a lost connection is opened again."""
        while not stop.is_set():
            with surviving("wakeups-lost", passing=ENDED):
                await self._listen(stop)
            await waited(stop, RECONNECT_SECONDS)
        self._wake_all()

    async def _listen(self, stop: asyncio.Event) -> None:
        connection = await self._store.connect()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            for channel in CHANNELS:
                await connection.add_listener(channel, self._heard)
            self._wake_all()  # what was said while nobody listened
            while not stop.is_set() and not lost.is_set():
                await first_of(stop, lost, self._something)
                await self._tell(connection)
                await waited(stop, GATHER_SECONDS)
        finally:
            await part_from(connection, within=CLOSE_SECONDS)

    async def _tell(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._something.clear()
        unsaid, self._unsaid = self._unsaid, set()
        if unsaid and not connection.is_closed():
            channels, subjects = zip(*unsaid, strict=True)
            await statements().wake_say(connection, channels=list(channels), subjects=list(subjects))

    def _committed(self, wakes: frozenset[tuple[str, str]]) -> None:
        for channel, subject in wakes:
            self._wake(channel, subject)
        self._unsaid.update(wakes)
        self._something.set()

    def _wake_all(self) -> None:
        for channel in CHANNELS:
            self._wake(channel, "")

    def _wake(self, channel: str, subject: str) -> None:
        for (known, about), calls in self._calls.items():
            if known == channel and subject in ("", about):
                for tell in calls:
                    tell()

    def _heard(self, connection: object, pid: int, channel: str, subject: object) -> None:
        ours = isinstance(connection, asyncpg.Connection) and pid == connection.get_server_pid()
        if not ours:  # our own were woken without this detour
            self._wake(channel, str(subject))


async def first_of(*events: asyncio.Event) -> None:
    """Return when any of the events is set."""
    waiters = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiters:
            waiter.cancel()


async def waited(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so long; whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
