"""Wake-ups: LISTEN on a connection of its own, passed on as events. A hint only; whoever waits polls as well."""

from __future__ import annotations

import asyncio
import contextlib

import asyncpg

from .guard import surviving
from .port import Store

CHANNELS = ("outbox", "work")
CHANNELS = ("outbox", "work")
RECONNECT_SECONDS = 0.5
CLOSE_SECONDS = 2.0


class Wakeups:
    """Who waits for what: ``subscribe`` at any time, ``run`` as a root task of the node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: dict[tuple[str, str], list[asyncio.Event]] = {}

    def subscribe(self, channel: str, subject: str) -> asyncio.Event:
        """An event set at each notification of the channel about the subject (or about all); cleared by the waiter."""
        event = asyncio.Event()
        self._events.setdefault((channel, subject), []).append(event)
        return event

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until ``stop``, which wakes everybody; a lost connection is opened again."""
        while not stop.is_set():
            with surviving("wakeups-lost"):
                await self._listen(stop)
            await waited(stop, RECONNECT_SECONDS)
        self._wake_all()

    async def _listen(self, stop: asyncio.Event) -> None:
        connection = await self._store.connect()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            for channel in CHANNELS:  # not only those subscribed by now: others may subscribe later
                await connection.add_listener(channel, self._heard)
            self._wake_all()  # what was said while nobody listened
            await first_of(stop, lost)
        finally:
            with contextlib.suppress(asyncpg.InterfaceError, OSError, TimeoutError):
                await connection.close(timeout=CLOSE_SECONDS)

    def _wake_all(self) -> None:
        for events in self._events.values():
            for event in events:
                event.set()

    def _heard(self, _connection: object, _pid: int, channel: str, subject: object) -> None:
        for (known, about), events in self._events.items():
            if known == channel and subject in ("", about):
                for event in events:
                    event.set()


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
