"""Values of the queue: what was said (Message) and what is to be done (Work). No I/O.

The queue never looks inside a payload; payloads are JSON and small (claim checks: id, digest, size, never a file).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from .breaker import ChannelState


class Lane(IntEnum):
    """Urgent documents (độ khẩn) never stand behind the others: each lane is a topic of its own."""

    URGENT = 0
    NORMAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that happened, named in the past tense (``lienthong.document.accepted.v1``).

    ``key`` is what is ordered (the id of the root document); one key keeps to one lane. ``type`` and
    ``schema_version`` say how to read ``payload``.
    """

    id: UUID
    topic: str
    key: str
    type: str
    source: str
    occurred_at: datetime
    payload: Mapping[str, Any]
    subject: str | None = None
    schema_version: int = 1
    traceparent: str | None = None
    lane: Lane = Lane.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something still to be done.

    ``key`` is what is ordered: an earlier open row of the same key goes first, whatever its kind or channel; so
    the caller gives the same key only to what must keep an order. ``channel`` is the way to the outside it needs.
    ``once``: at most one open row of this kind carries the same value; a second enqueue does nothing.
    ``delay`` (seconds) counts from the database's clock at enqueue.

    Set by the claim: ``attempts`` counts the claims, this one included, and guards every later change together with
    ``lease_owner``; ``failures`` counts errors nobody foresaw, ``interruptions`` the leases lost in a row.
    """

    id: UUID
    kind: str
    key: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    lane: Lane = Lane.NORMAL
    channel: str | None = None
    once: str | None = None
    delay: float = 0.0
    attempts: int = 0
    failures: int = 0
    interruptions: int = 0
    lease_owner: str | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Open work of one kind and lane over one channel, and since when the oldest."""

    kind: str
    lane: Lane
    rows: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to the outside as an operator sees it; the rules of its states are in ``breaker.py``.

    ``failures`` in a row; ``openings`` in a row, each cooling longer; ``next_probe_at`` while it is open, and while it
    is half open the time at which the probe counts as lost.
    """

    name: str
    state: ChannelState
    reason: str | None
    since: datetime
    failures: int
    changed_by: str
    openings: int = 0
    next_probe_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    waits: tuple[Waiting, ...] = ()

    @property
    def waiting(self) -> int:
        """Open pieces of work of all kinds."""
        return sum(one.rows for one in self.waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvent:
    """A change of a channel: who, why."""

    id: int
    channel: str
    at: datetime
    from_state: ChannelState
    to_state: ChannelState
    actor: str
    reason: str
