"""How long to wait before the next attempt. Pure: the random number is handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Doubling waits in seconds: 30, 60, 120, 240, 480 … up to ``ceiling``, each spread by ``jitter`` (share)."""

    base: float = 30.0
    ceiling: float = 3600.0
    jitter: float = 0.2
    max_attempts: int = 10  # after so many attempts a person decides


def delay(policy: Backoff, attempt: int, random: float) -> float:
    """Seconds to wait after the ``attempt``-th attempt (from 1); ``random`` lies in [0, 1)."""
    exact = min(policy.ceiling, policy.base * 2.0 ** min(max(attempt - 1, 0), 32))
    return exact * (1 + policy.jitter * (2 * random - 1))
