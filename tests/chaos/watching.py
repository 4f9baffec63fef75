"""What passes between two programs, said in lines that a trigger can be put on.

A watch belongs to one connection. It is fed what passes in both directions, piece by piece as the network cut it, and
answers what that piece completed. ``RawWatch`` knows bytes alone; the others know enough of a protocol to name what
bytes do not show: which statement a prepared one is, which request an answer is to, what a Kafka request asks for.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

Towards = Literal["server", "client"]
TAIL: Final = 4096  # bytes of the past in which a pattern may have begun


@dataclass(frozen=True, slots=True)
class Sight:
    """Something seen; a match counts when it ends behind ``old`` bytes, which were shown before."""

    text: bytes
    old: int = 0

    def matches(self, pattern: re.Pattern[bytes]) -> int:
        return sum(found.end() > self.old for found in pattern.finditer(self.text))


class Watch(Protocol):
    def feed(self, towards: Towards, piece: bytes) -> list[Sight]: ...


@dataclass(slots=True)
class RawWatch:
    """The bytes themselves, also where a pattern is cut in two."""

    _tails: dict[Towards, bytes] = field(default_factory=dict)

    def feed(self, towards: Towards, piece: bytes) -> list[Sight]:
        tail = self._tails.get(towards, b"")
        text = tail + piece
        self._tails[towards] = text[-TAIL:]
        return [Sight(text, len(tail))]


@dataclass(slots=True)
class HttpWatch:
    """HTTP/1.1: ``POST /path HTTP/1.1…`` with its headers, and ``POST /path -> HTTP/1.1 200 OK``.

    One request is out at a time on a connection, so what a client says after an answer began is the next request.
    """

    _asks: bool = False  # a request's head was seen, its answer was not
    _heads: dict[Towards, bytes] = field(default_factory=dict)
    _request: bytes = b""

    def feed(self, towards: Towards, piece: bytes) -> list[Sight]:
        if (towards == "server") == self._asks:
            return []  # the body of what was named before
        text = self._heads.get(towards, b"") + piece
        head, ended, _ = text.partition(b"\r\n\r\n")
        self._heads[towards] = b"" if ended else text
        if not ended:
            return []
        if towards == "server":
            return self._asked(head)
        return self._answered(head)

    def _asked(self, head: bytes) -> list[Sight]:
        if not re.match(rb"[A-Z]+ \S+ HTTP/1", head):
            return []  # the rest of a body that was refused before its end
        self._request, self._asks = head.split(b" HTTP/", 1)[0], True
        return [Sight(head)]

    def _answered(self, head: bytes) -> list[Sight]:
        line = head.split(b"\r\n", 1)[0]
        self._asks = b" 100 " in line
        return [Sight(self._request + b" -> " + line)]


KAFKA_REQUESTS: Final[Mapping[int, bytes]] = {
    0: b"Produce",
    1: b"Fetch",
    3: b"Metadata",
    8: b"OffsetCommit",
    9: b"OffsetFetch",
    10: b"FindCoordinator",
    11: b"JoinGroup",
    12: b"Heartbeat",
    13: b"LeaveGroup",
    14: b"SyncGroup",
    18: b"ApiVersions",
    22: b"InitProducerId",
}


@dataclass(slots=True)
class KafkaWatch:
    """``Produce`` when a request is whole on its way, ``Produce answered`` when its answer is."""

    _rest: dict[Towards, bytes] = field(default_factory=dict)
    _asked: dict[bytes, bytes] = field(default_factory=dict)  # correlation id to the request's name

    def feed(self, towards: Towards, piece: bytes) -> list[Sight]:
        text = self._rest.get(towards, b"") + piece
        seen = []
        while len(text) >= 4 and len(text) >= (end := 4 + int.from_bytes(text[:4])):
            seen.append(Sight(self._named(towards, text[4:end])))
            text = text[end:]
        self._rest[towards] = text
        return seen

    def _named(self, towards: Towards, frame: bytes) -> bytes:
        if towards == "client":
            return self._asked.pop(frame[:4], b"unknown") + b" answered"
        name = KAFKA_REQUESTS.get(int.from_bytes(frame[:2]), b"request %d" % int.from_bytes(frame[:2]))
        self._asked[frame[4:8]] = name
        return name


SSL_REQUEST: Final = 80877103
GSS_REQUEST: Final = 80877104


@dataclass(slots=True)
class PgWatch:
    """PostgreSQL: ``EXECUTE select …`` or ``QUERY commit;`` on the way to the server, and on the way back
    ``DONE UPDATE 1 OF update …``, ``ERROR 40001 OF …`` and ``READY I AFTER commit;``.

    A prepared statement shows its SQL once and its name ever after; the watch remembers which is which.
    """

    _rest: dict[Towards, bytes] = field(default_factory=dict)
    _statements: dict[bytes, bytes] = field(default_factory=dict)
    _portals: dict[bytes, bytes] = field(default_factory=dict)
    _out: deque[tuple[bytes, bytes]] = field(default_factory=deque)  # kind and SQL of what is not answered
    _last: bytes = b""
    _greeted: bool = False  # the startup message has passed
    _owes_byte: int = 0  # answers of one byte to requests for encryption

    def feed(self, towards: Towards, piece: bytes) -> list[Sight]:
        text = self._rest.get(towards, b"") + piece
        if towards == "client" and self._owes_byte and text:
            assert text[:1] == b"N", "an encrypted connection shows nothing"
            self._owes_byte, text = self._owes_byte - 1, text[1:]
        seen: list[Sight] = []
        text = text if self._greeted or towards == "client" else self._greet(text)
        while self._greeted and len(text) >= 5 and len(text) >= (end := 1 + int.from_bytes(text[1:5])):
            said = self._asked if towards == "server" else self._answered
            seen += [Sight(line) for line in said(text[:1], text[5:end])]
            text = text[end:]
        self._rest[towards] = text
        return seen

    def _greet(self, text: bytes) -> bytes:
        """Messages without a type: requests for encryption, then the startup message (or a cancellation)."""
        while not self._greeted and len(text) >= 8 and len(text) >= (end := int.from_bytes(text[:4])):
            asks_for_cover = int.from_bytes(text[4:8]) in {SSL_REQUEST, GSS_REQUEST}
            self._owes_byte += asks_for_cover
            self._greeted = not asks_for_cover
            text = text[end:]
        return text

    def _asked(self, kind: bytes, body: bytes) -> list[bytes]:
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._statements[name] = sql
        elif kind == b"B":
            portal, statement, _ = body.split(b"\0", 2)
            self._portals[portal] = self._statements.get(statement, b"unknown")
        elif kind == b"E":
            return [self._sent(b"EXECUTE", self._portals.get(body.split(b"\0", 1)[0], b"unknown"))]
        elif kind == b"Q":
            return [self._sent(b"QUERY", body.rstrip(b"\0"))]
        return []

    def _sent(self, kind: bytes, sql: bytes) -> bytes:
        self._out.append((kind, sql))
        self._last = sql
        return kind + b" " + sql

    def _answered(self, kind: bytes, body: bytes) -> list[bytes]:
        if kind == b"Z":
            self._out.clear()
            return [b"READY " + body + b" AFTER " + self._last]
        if kind not in {b"C", b"s", b"I", b"E"} or not self._out:
            return []
        asked, sql = self._out[0]
        if asked == b"EXECUTE":  # a simple query may hold several statements, each answered
            self._out.popleft()
        if kind == b"E":
            return [b"ERROR " + {one[:1]: one[1:] for one in body.split(b"\0")}[b"C"] + b" OF " + sql]
        return [b"DONE " + body.rstrip(b"\0") + b" OF " + sql]
