"""The request journal: what reached the emulated axis, with raw headers, for assertions and for the curious."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

KEPT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    number: int
    at: datetime
    method: str
    path: str
    operation: str
    headers: tuple[tuple[str, str], ...]  # in the order and letter case they came in
    fault: str | None


class RequestJournal:
    """The latest requests, in memory only."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: deque[Request] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, request: web.Request, operation: str, fault: str | None) -> None:
        self._count += 1
        self._kept.append(
            Request(
                number=self._count,
                at=self._clock(),
                method=request.method,
                path=request.path,
                operation=operation,
                headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers),
                fault=fault,
            )
        )

    def all(self) -> Iterable[Request]:
        return tuple(self._kept)

    def clear(self) -> None:
        self._kept.clear()
