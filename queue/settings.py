"""How the queue of one process behaves; every time in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from .backoff import Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """``poll`` is the net below NOTIFY: how late a wake-up that was lost can make things."""

    poll: float = 1.0
    batch: int = 100  # messages per transaction of the broker
    dead_after: int = 8  # failures without a passing reason before a message is set aside
    broker_backoff: Backoff = field(default_factory=lambda: Backoff(base=1.0, ceiling=300.0))
    lease: float = 60.0  # how long the work of a worker that fell silent stays its own
    drain: float = 8.0  # how long a stop waits for work in hand (SIGTERM drains within 10 s)
