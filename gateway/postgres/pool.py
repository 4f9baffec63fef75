"""The connections of one process: lent one by one, the last given back first. Nothing is asked of the server for it.

Knows nothing of transactions. asyncpg's own pool spends more time around a short statement than the statement takes
(a task and two timers for each loan); this one spends a list operation.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import asyncpg

from ...queue.parting import part_from

CLOSE_SECONDS = 0.5  # for all of them together


class Lendable(Protocol):
    """What the pool asks of a connection of asyncpg."""

    def is_closed(self) -> bool: ...

    def is_in_transaction(self) -> bool: ...

    def terminate(self) -> None: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=Lendable)


class Pool(Generic[C]):
    """At most ``most`` connections made by ``connect``; ``take`` waits ``patience`` seconds for one."""

    def __init__(self, connect: Callable[[], Awaitable[C]], *, most: int, patience: float) -> None:
        self._connect = connect
        self._most = most
        self._patience = patience
        self._places = 0  # connections that are open or being opened
        self._idle: list[C] = []
        self._waiting: deque[asyncio.Future[C | None]] = deque()
        self._closed = False

    async def take(self) -> C:
        """A connection of the caller's own until ``give``. Raises TimeoutError, or what connecting raises."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._places -= 1
        if self._places < self._most:
            self._places += 1
            return await self._opened()
        connection_or_place = await self._next()
        return connection_or_place or await self._opened()

    def give(self, connection: C, *, spoilt: bool = False) -> None:
        """Back again. ``spoilt``: nobody knows what it is still doing, so it is not used any more."""
        if spoilt or self._closed or connection.is_closed() or connection.is_in_transaction():
            with contextlib.suppress(asyncpg.InterfaceError, OSError):
                connection.terminate()
            self._leave_place()
        elif not self._hand(connection):
            self._idle.append(connection)

    async def close(self) -> None:
        """Close what is idle; what is still lent is ended when it comes back."""
        self._closed = True
        idle, self._idle = self._idle, []
        async with asyncio.TaskGroup() as group:
            for connection in idle:
                group.create_task(part_from(connection, within=CLOSE_SECONDS))

    async def _opened(self) -> C:
        """A new connection for a place that is the caller's already."""
        try:
            return await self._connect()
        except BaseException:
            self._leave_place()
            raise

    async def _next(self) -> C | None:
        """What somebody gives back: a connection, or the place of one that is gone."""
        waiter: asyncio.Future[C | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._patience):
                return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():  # handed over in the same moment
                self._pass_on(waiter.result())
            raise

    def _pass_on(self, handed: C | None) -> None:
        if handed is None:
            self._leave_place()
        else:
            self.give(handed)

    def _leave_place(self) -> None:
        if not self._hand(None):
            self._places -= 1

    def _hand(self, what: C | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(what)
                return True
        return False
