"""One call to the server side: what it may read, what answers in which shape. Used by operations.py and server.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from ..axis import MessageKind
from . import listing
from .answers import parse_date
from .backend import AxisBackend, Refusal, Window
from .protocol import HashForm, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Sizes in bytes, times in seconds."""

    incoming: Path  # folder for bodies that are being read
    max_body: int = 50 * 1024 * 1024
    hash_forms: tuple[HashForm, ...] = (HashForm.UNPADDED, HashForm.PADDED)  # accepted; empty: not checked
    timestamp_window: float | None = None  # None: off, as clients of the field reuse one timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSide:
    """What every operation works with."""

    backend: AxisBackend
    settings: ServerSettings
    clock: Callable[[], datetime]
    names: Callable[[], str]  # a fresh file name per upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated call. ``signed``: its parameters, named without prefix."""

    request: web.Request
    system_id: str
    signed: Mapping[str, str]

    def param(self, name: str) -> str | None:
        """A signed parameter; left-over, unsigned headers are never believed."""
        return self.signed.get(name)

    @property
    def kind(self) -> MessageKind | None:
        try:
            return MessageKind(self.param("messagetype") or "")
        except ValueError:
            return None

    @property
    def window(self) -> Window:
        return Window(since=parse_date(self.param("fromDate")), until=parse_date(self.param("toDate")))


def refuse(operation: Operation, refusal: Refusal, *, status: int = 200) -> web.Response:
    """FAIL in the shape this operation's clients can read."""
    if operation is Operation.DOWNLOAD:  # any body would be stored as the package
        return web.Response(status=404)
    return listing.fail(refusal, EMPTY.get(operation, {}), status=status)


EMPTY: Mapping[Operation, Mapping[str, Any]] = {
    Operation.SEND: {"DocId": "0"},
    Operation.GET: {"data": ""},
    Operation.COUNT_DOCUMENTS: {"count": "0"},
    Operation.COUNT_STATUSES: {"count": "0"},
    **dict.fromkeys(
        (Operation.AGENCIES, Operation.AGENCIES_QD20, Operation.SYNC_UNITS, Operation.RECEIVED, Operation.SENT),
        listing.EMPTY_LIST,
    ),
}
