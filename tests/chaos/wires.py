"""What a proxied wire is made of: one link per client, the ways of cutting it, and triggers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Literal

from lienthong.tests.chaos.watching import Sight, Towards, Watch

Then = Callable[[], Awaitable[object]]
When = Literal["before", "after", "instead"]
BOTH: Final[tuple[Towards, Towards]] = ("server", "client")


class Cut(Enum):
    """RESET: connections are reset, new ones refused. SILENT: a black hole, what is sent waits for the mending.
    ANSWERS: requests arrive, answers do not. REQUESTS: the other way round.
    """

    RESET = auto()
    SILENT = auto()
    ANSWERS = auto()
    REQUESTS = auto()


CLOSED: Final[dict[Cut, tuple[Towards, ...]]] = {
    Cut.RESET: (),
    Cut.SILENT: BOTH,
    Cut.ANSWERS: ("client",),
    Cut.REQUESTS: ("server",),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Trigger:
    """What is to happen when a pattern passes; ``struck`` is set when it did for the last time."""

    pattern: re.Pattern[bytes]
    towards: Towards
    then: Then
    when: When
    skip: int  # sightings that are let by first
    left: int  # how often it still strikes
    seen: int = 0
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def strikes(self, sights: list[Sight]) -> bool:
        """Count the sightings of one piece; whether they are the moment."""
        self.seen += sum(sight.matches(self.pattern) for sight in sights)
        if not self.left or self.seen <= self.skip:
            return False
        self.left -= 1
        self.skip = self.seen
        return True


@dataclass(slots=True, kw_only=True, eq=False)
class Link:
    """One client, its connection onwards, and whether each direction is open."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    watch: Watch
    gates: dict[Towards, asyncio.Event]
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def reset(self) -> None:
        self.dead.set()
        for gate in self.gates.values():
            gate.set()
        for end in (self.client, self.server):
            reset(end)


def bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen: who connects is refused."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", port))
    return held


def reset(end: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset, not an end."""
    with contextlib.suppress(OSError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()
