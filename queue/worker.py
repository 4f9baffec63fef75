"""The worker: claims work, runs its handlers outside transactions, and lets nothing be dropped.

A handler opens its own units and settles its work (complete, retry, repeat, park) in the same transaction as its
effects. What a handler did not foresee is caught by the guard: tried again with back-off, and parked for a person
with the reason when that does not help. A worker that is killed loses its leases; nothing else is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
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
from .work import claim, expire, extend_lease, give_back, park, retry

WorkHandler: TypeAlias = Callable[[Work], Awaitable[None]]
ParkedHook: TypeAlias = Callable[[Connection, Work, str], Awaitable[None]]

INTERRUPTIONS_MAX = 20  # a piece of work that was in hand at so many deaths in a row is their likely cause
GIVE_BACK_SECONDS = 1.0  # at a stop
EXPIRE_SECONDS = 5.0  # between two looks for leases that ran out
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of work is done: by whom, how many at a time, and how errors nobody foresaw are repeated."""

    handler: WorkHandler
    concurrency: int = 4
    backoff: Backoff = field(default_factory=Backoff)


async def nothing_more(_connection: Connection, _work: Work, _reason: str) -> None:
    """The default hook: parking itself says everything."""


@dataclass(slots=True, kw_only=True)
class _Desk:
    """One kind in this worker: what it claimed ahead, what runs, and whether more may be waiting."""

    name: str
    kind: Kind
    wake: asyncio.Event  # of the loop
    maybe_more: bool = True
    ahead: deque[Work] = field(default_factory=deque)
    running: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def room(self) -> int:
        """How many to claim now: none while something is ahead or every place is taken."""
        free = self.kind.concurrency - len(self.running)
        return self.kind.concurrency + free if free > 0 and not self.ahead else 0

    def called(self) -> None:
        """There is work of this kind."""
        self.maybe_more = True
        self.wake.set()

    def start(self, group: asyncio.TaskGroup, do: Callable[[Kind, Work], Coroutine[object, object, None]]) -> None:
        while self.ahead and len(self.running) < self.kind.concurrency:
            task = group.create_task(do(self.kind, self.ahead.popleft()))
            self.running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if self.ahead or self.maybe_more:
            self.wake.set()


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
            group.create_task(self._expire_leases(over), name="lost leases")
            await self._serve(stop)
            over.set()
        with surviving("leases-not-given-back"):  # when the database went first, the next start gives them back
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._give_back(interruptions=0)

    async def _serve(self, stop: asyncio.Event) -> None:
        """Claim a little ahead of every kind in one go; keep ``concurrency`` handlers of each running."""
        wake = asyncio.Event()
        desks = [_Desk(name=name, kind=kind, wake=wake) for name, kind in self._kinds.items()]
        for desk in desks:
            self._wakeups.call("work", desk.name, desk.called)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll(desks, stop), name="poll")
            while not stop.is_set():
                wake.clear()
                await self._fill(desks)
                for desk in desks:
                    desk.start(group, self._do)
                await wake.wait()
            await self._drain({task for desk in desks for task in desk.running})

    async def _poll(self, desks: list[_Desk], stop: asyncio.Event) -> None:
        """The net below the wake-ups, and what makes delayed work start: by the clock, however busy the loop is."""
        while not await waited(stop, self._settings.poll):
            for desk in desks:
                desk.called()
        for desk in desks:
            desk.wake.set()

    async def _fill(self, desks: list[_Desk]) -> None:
        """One claim for all that may have something waiting and have room for it."""
        asking = {desk.name: desk for desk in desks if desk.maybe_more and desk.room}
        if not asking:
            return
        for desk in asking.values():
            desk.maybe_more = False
        places = {name: desk.room for name, desk in asking.items()}
        with surviving("claim-failed", kinds=list(places)):
            async with self._store.single() as connection:
                works = await claim(connection, places, lease_seconds=self._settings.lease, owner=self._owner)
            for work in works:
                self._held[work.id] = work
                asking[work.kind].ahead.append(work)
            for name, desk in asking.items():
                desk.maybe_more |= len(desk.ahead) == places[name]

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

    async def _expire_leases(self, over: asyncio.Event) -> None:
        """What silent workers held is anybody's: looked for a few times per lease."""
        while not await waited(over, min(self._settings.lease / 3, EXPIRE_SECONDS)):
            with surviving("leases-not-expired"):
                async with self._store.single() as connection:
                    await expire(connection)

    async def _give_back(self, *, interruptions: int) -> None:
        async with self._store.unit(None) as connection:
            await give_back(connection, self._owner, interruptions=interruptions)
