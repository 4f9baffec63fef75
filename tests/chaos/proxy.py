"""A wire between two programs that a test can cut, slow down, listen at, and strike at one exact moment.

It listens on loopback and forwards to a port or a unix socket. It knows nothing of what it carries; a watch
(``watching.py``) may tell it. The port stays the proxy's while it is cut, so that it is mended at the same address.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from lienthong.tests.chaos.watching import RawWatch, Towards, Watch
from lienthong.tests.chaos.wires import BOTH, CLOSED, Cut, Link, Then, Trigger, When, bound, reset

Target = tuple[str, int] | Path  # host and port, or a unix socket
WINDOW: Final = 1 << 16
SLICES: Final = 20  # pieces a second of a throttled wire


class Proxy:
    """``async with Proxy(target) as proxy``: listening on ``127.0.0.1:proxy.port``.

    ``target`` may be set later, before the first client; ``port`` 0 takes a free one. A failure of a trigger's
    ``then`` fails the block.
    """

    def __init__(
        self,
        target: Target | None = None,
        *,
        port: int = 0,
        watch: Callable[[], Watch] = RawWatch,
        random: Random | None = None,
    ) -> None:
        self.target = target
        self.port = port
        self.connections = 0  # ever accepted
        self.passed: dict[Towards, int] = dict.fromkeys(BOTH, 0)  # bytes
        self._watch = watch
        self._random = random or Random(20260302)
        self._triggers: list[Trigger] = []
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[Exception] = []
        self._closed: tuple[Towards, ...] = ()
        self._delay = self._jitter = 0.0
        self._rate = 0
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None

    async def __aenter__(self) -> Self:
        self._held = bound(self.port)
        self.port = self._held.getsockname()[1]
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        if self._held is not None:
            self._held.close()
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._failures and error is None:
            raise ExceptionGroup("the proxy failed", self._failures)

    @property
    def open(self) -> int:
        """Connections at present."""
        return len(self._links)

    async def cut(self, how: Cut = Cut.RESET) -> None:
        self._closed = CLOSED[how]
        for link in self._links:
            for towards in self._closed:
                link.gates[towards].clear()
        if how is not Cut.RESET:
            return
        if self._server is not None:
            self._held = bound(self.port)  # nobody else may take the port meanwhile
            self._server.close()
            self._server = None
        await self.drop()

    async def halve(self) -> None:
        """Requests go, answers do not: what was asked for is done, and nobody here knows."""
        await self.cut(Cut.ANSWERS)

    async def drop(self) -> None:
        """Reset what is connected now; who comes again is let in."""
        for link in tuple(self._links):
            link.reset()

    async def mend(self) -> None:
        """As if nothing had been; what a silent wire held back goes on its way."""
        self._closed = ()
        if self._server is None:
            self._server = await asyncio.start_server(self._entered, sock=self._held)
            self._held = None
        for link in self._links:
            for gate in link.gates.values():
                gate.set()

    def slow(self, seconds: float = 0.0, jitter: float = 0.0, *, bytes_per_second: int = 0) -> None:
        """Each piece is late by ``seconds`` and up to ``jitter`` more; a rate of 0 is no limit. ``slow()`` ends it."""
        self._delay, self._jitter, self._rate = seconds, jitter, bytes_per_second

    def on(
        self,
        pattern: bytes | re.Pattern[bytes],
        then: Then,
        *,
        towards: Towards = "server",
        when: When = "before",
        skip: int = 0,
        count: int = 1,
    ) -> Trigger:
        """Await ``then`` when the pattern passes, on any connection.

        ``when``: before the bytes go on, after they went, or instead (they are lost and the connection is reset).
        ``skip`` sightings are let by; it strikes ``count`` times. Plain bytes are meant literally.
        """
        compiled = re.compile(re.escape(pattern)) if isinstance(pattern, bytes) else pattern
        trigger = Trigger(pattern=compiled, then=then, towards=towards, when=when, skip=skip, left=count)
        self._triggers.append(trigger)
        return trigger

    def forget(self) -> None:
        """Take all triggers away."""
        self._triggers.clear()

    def _entered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._failures.append(error)

    async def _carry(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            from_server, server = await self._onwards()
        except OSError:
            reset(client)
            return
        gates = {towards: asyncio.Event() for towards in BOTH}
        for towards in set(BOTH) - set(self._closed):
            gates[towards].set()
        link = Link(client=client, server=server, watch=self._watch(), gates=gates)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, from_client, server, "server"))
                group.create_task(self._pump(link, from_server, client, "client"))
        finally:
            self._links.discard(link)
            client.close()
            server.close()

    async def _onwards(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self.target is not None
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, towards: Towards
    ) -> None:
        try:
            while not link.dead.is_set() and (
                piece := await reader.read(max(1, self._rate // SLICES) if self._rate else WINDOW)
            ):
                await self._pass_on(link, piece, writer, towards)
            await link.gates[towards].wait()
            if not link.dead.is_set() and writer.can_write_eof():
                writer.write_eof()
        except OSError:
            link.reset()

    async def _pass_on(self, link: Link, piece: bytes, writer: asyncio.StreamWriter, towards: Towards) -> None:
        sights = link.watch.feed(towards, piece)
        struck = [one for one in self._triggers if one.towards == towards and one.strikes(sights)]
        await self._do(link, struck, "instead")
        await self._do(link, struck, "before")
        await self._late(link, len(piece))
        await link.gates[towards].wait()
        if link.dead.is_set():
            return
        writer.write(piece)
        await writer.drain()
        self.passed[towards] += len(piece)
        await self._do(link, struck, "after")

    async def _do(self, link: Link, struck: list[Trigger], when: When) -> None:
        for one in struck:
            if one.when == when:
                await one.then()
                if when == "instead":
                    link.reset()
                if not one.left:
                    one.struck.set()

    async def _late(self, link: Link, size: int) -> None:
        seconds = self._delay + self._random.uniform(0.0, self._jitter) + (size / self._rate if self._rate else 0.0)
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(link.dead.wait(), seconds)


def through(proxy: Proxy, address: str) -> str:
    """The same address (http, or a PostgreSQL server's socket) by way of the proxy, which leads there from now on."""
    parts = urlsplit(address)
    place = f"127.0.0.1:{proxy.port}"
    if parts.hostname is not None and parts.port is not None:
        proxy.target = (parts.hostname, parts.port)
        return parts._replace(netloc=place).geturl()
    query = parse_qs(parts.query)
    proxy.target = Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"
    return f"{parts.scheme}://{parts.username}:{parts.password}@{place}{parts.path}"
