"""The worker: claims work, runs its handlers outside transactions, and lets nothing be dropped.

A handler opens its own units and settles its work (complete, retry, repeat, park) in the same transaction as its
effects. What a handler did not foresee is caught by the guard: tried again with back-off, and parked for a person
with the reason when that does not help. A worker that is killed loses its leases; nothing else is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from .backoff import Backoff, delay
from .errors import LeaseLost, is_transient
from .guard import surviving
from .messages import Work
from .port import Connection, Store
from .settings import QueueSettings
from .wakeups import Wakeups, waited
from .work import claim, extend_lease, give_back, park, retry

WorkHandler: TypeAlias = Callable[[Work], Awaitable[None]]
ParkedHook: TypeAlias = Callable[[Connection, Work, str], Awaitable[None]]

INTERRUPTIONS_MAX = 20  # a piece of work that was in hand at so many deaths in a row is their likely cause
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of work is done: by whom, how many at a time, and how errors nobody foresaw are repeated."""

    handler: WorkHandler
    concurrency: int = 4
    backoff: Backoff = field(default_factory=Backoff)


async def nothing_more(_connection: Connection, _work: Work, _reason: str) -> None:
    """The default hook: parking itself says everything."""


class WorkerLoop:
    """Does the work of the given kinds. ``owner`` must be unique among running processes and stay the same over
    restarts, so that what a killed process held is taken up at once. ``on_parked`` runs in the parking transaction.
    """

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, Kind],
        *,
        owner: str,
        random: Callable[[], float],
        wakeups: Wakeups,
        settings: QueueSettings | None = None,
        on_parked: ParkedHook = nothing_more,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._owner = owner
        self._random = random
        self._wakeups = wakeups
        self._settings = settings or QueueSettings()
        self._on_parked = on_parked
        self._held: dict[object, Work] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; then finish what is in hand within the drain time and give the rest back."""
        await self._give_back(interruptions=1)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_leases(over), name="leases")
            async with asyncio.TaskGroup() as serving:
                for name in self._kinds:
                    serving.create_task(self._serve(name, stop), name=f"worker {name}")
            over.set()
        with surviving("leases-not-given-back"):  # when the database went first, the next start gives them back
            await self._give_back(interruptions=0)

    async def _serve(self, name: str, stop: asyncio.Event) -> None:
        """One kind: claim a little ahead, keep ``concurrency`` handlers running."""
        kind, wake = self._kinds[name], self._wakeups.subscribe("work", name)
        ahead: deque[Work] = deque()
        running: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            running.discard(task)
            wake.set()

        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                wake.clear()
                if not ahead and len(running) < kind.concurrency:
                    ahead.extend(await self._claim(name, 2 * kind.concurrency - len(running)))
                while ahead and len(running) < kind.concurrency:
                    task = group.create_task(self._do(kind, ahead.popleft()))
                    running.add(task)
                    task.add_done_callback(ended)
                await waited(wake, self._settings.poll)
            await self._drain(running)

    async def _claim(self, name: str, limit: int) -> list[Work]:
        works: list[Work] = []
        with surviving("claim-failed", kind=name):
            async with self._store.unit(None) as connection:
                works = await claim(
                    connection, [name], limit=limit, lease_seconds=self._settings.lease, owner=self._owner
                )
            self._held.update((work.id, work) for work in works)
            return works
        return []

    async def _do(self, kind: Kind, work: Work) -> None:
        """The guard around one piece of work."""
        try:
            if work.interruptions >= INTERRUPTIONS_MAX:
                await self._park(work, "Tiến trình đã dừng đột ngột nhiều lần trong khi làm việc này.", None)
            else:
                await kind.handler(work)
        except LeaseLost as error:
            _log.warning("lease-lost", work=str(work.id), kind=work.kind, key=work.key, error=error.message)
        except Exception as error:  # noqa: BLE001 - the worker's guard: every error settles the work
            self._note(work, error)
            await self._failed(kind, work, error)
        finally:
            self._held.pop(work.id, None)

    def _note(self, work: Work, error: Exception) -> None:
        about = {"work": str(work.id), "kind": work.kind, "key": work.key, "attempt": work.attempts}
        if is_transient(error):
            _log.warning("work-failed", error=repr(error), **about)
        else:  # nobody foresaw it: the trace is the only thing that tells where
            _log.exception("work-failed", **about)

    async def _failed(self, kind: Kind, work: Work, error: Exception) -> None:
        try:
            if is_transient(error):
                await self._retry(kind, work, error, work.attempts, 0)
            elif work.failures + 1 < kind.backoff.max_attempts:
                await self._retry(kind, work, error, work.failures + 1, 1)
            else:
                await self._park(work, f"Đã thử {work.failures + 1} lần không được.", error)
        except Exception as second:  # noqa: BLE001 - the same guard: the lease runs out and it is done again
            _log.warning("failure-not-recorded", work=str(work.id), error=repr(second))

    async def _retry(self, kind: Kind, work: Work, error: Exception, exponent: int, failures: int) -> None:
        async with self._store.unit(None) as connection:
            await retry(
                connection,
                work,
                delay=delay(kind.backoff, exponent, self._random()),
                error=f"{type(error).__name__}: {error}",
                failures=failures,
            )

    async def _park(self, work: Work, reason: str, error: Exception | None) -> None:
        said = None if error is None else f"{type(error).__name__}: {error}"
        async with self._store.unit(None) as connection:
            await park(connection, work, reason=reason, error=said)
            await self._on_parked(connection, work, reason if said is None else f"{reason} {said}")
        _log.error("work-parked", work=str(work.id), kind=work.kind, key=work.key, reason=reason)

    async def _drain(self, running: set[asyncio.Task[None]]) -> None:
        if running:
            _, late = await asyncio.wait(running, timeout=self._settings.drain)
            for task in late:
                task.cancel()

    async def _keep_leases(self, over: asyncio.Event) -> None:
        """Extend what is in hand three times per lease."""
        while not await waited(over, self._settings.lease / 3):
            with surviving("leases-not-extended"):
                async with self._store.unit(None) as connection:
                    await extend_lease(connection, list(self._held.values()), lease_seconds=self._settings.lease)

    async def _give_back(self, *, interruptions: int) -> None:
        async with self._store.unit(None) as connection:
            await give_back(connection, self._owner, interruptions=interruptions)
