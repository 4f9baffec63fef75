"""The breaker of a channel as a value: its states, what may happen, what follows. Pure: time and chance are handed in.

An outcome speaks for the generation it began under. Every change of state begins a new one, so a call that outlived
its own (a slow time limit, a prober whose lease ran out) has no say any more, and failures of many processes at one
moment open the breaker once. ``paused`` is never left by itself: a person paused it, or the axis refused our key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .backoff import Backoff, delay


class ChannelState(StrEnum):
    CLOSED = "closed"  # work goes; failures in a row are counted
    OPEN = "open"  # nothing goes before ``probe_at``
    HALF_OPEN = "half_open"  # one probe is out, leased by one process
    PAUSED = "paused"  # waits for a person


class Happening(StrEnum):
    SUCCEEDED = "succeeded"  # a call went through
    FAILED = "failed"  # a call did not, and the way is to blame
    TRIPPED = "tripped"  # the last failure that is borne; told from FAILED here
    REFUSED = "refused"  # the axis does not take our key or system id
    TAKEN = "taken"  # a process takes the probe, when one is due or its own was cut off
    GIVEN_BACK = "given_back"  # its process stops before the probe has an outcome
    HURRIED = "hurried"  # a person wants the probe now
    STOPPED = "stopped"  # a person pauses the channel
    RESUMED = "resumed"  # a person lets it go on, from any state


# (state, happening) -> state. What is not in it does not happen: outcomes of calls are then passed over.
TABLE: Final[Mapping[ChannelState, Mapping[Happening, ChannelState]]] = {
    ChannelState.CLOSED: {
        Happening.SUCCEEDED: ChannelState.CLOSED,
        Happening.FAILED: ChannelState.CLOSED,
        Happening.TRIPPED: ChannelState.OPEN,
        Happening.REFUSED: ChannelState.PAUSED,
        Happening.STOPPED: ChannelState.PAUSED,
    },
    ChannelState.OPEN: {
        Happening.TAKEN: ChannelState.HALF_OPEN,
        Happening.HURRIED: ChannelState.OPEN,
        Happening.RESUMED: ChannelState.CLOSED,
        Happening.STOPPED: ChannelState.PAUSED,
    },
    ChannelState.HALF_OPEN: {
        Happening.SUCCEEDED: ChannelState.CLOSED,
        Happening.FAILED: ChannelState.OPEN,
        Happening.REFUSED: ChannelState.PAUSED,
        Happening.TAKEN: ChannelState.HALF_OPEN,
        Happening.GIVEN_BACK: ChannelState.OPEN,
        Happening.HURRIED: ChannelState.HALF_OPEN,
        Happening.RESUMED: ChannelState.CLOSED,
        Happening.STOPPED: ChannelState.PAUSED,
    },
    ChannelState.PAUSED: {
        Happening.RESUMED: ChannelState.CLOSED,
        Happening.STOPPED: ChannelState.PAUSED,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """``failures`` in a row open it; ``cooling`` (seconds) says how long until the first, second … probe."""

    failures: int = 5
    cooling: Backoff = field(default_factory=lambda: Backoff(base=15.0, ceiling=300.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """``openings`` in a row; ``probe_at`` while open, ``probe_until`` and ``probe_by`` while half open."""

    state: ChannelState
    since: datetime
    failures: int = 0
    openings: int = 0
    generation: int = 0
    probe_at: datetime | None = None
    probe_until: datetime | None = None
    probe_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """``now`` is the database's; ``chance`` lies in [0, 1); ``lease`` (seconds) is what a probe gets."""

    now: datetime
    chance: float
    settings: BreakerSettings
    process: str = ""
    lease: float = 0.0


def after(breaker: Breaker, happening: Happening, moment: Moment, *, generation: int | None = None) -> Breaker | None:
    """The breaker after it; None when it has no effect: not in the table, of a past generation, not due yet."""
    if generation is not None and generation != breaker.generation:
        return None
    if happening is Happening.TAKEN and not _free(breaker, moment):
        return None
    if happening is Happening.FAILED and breaker.failures + 1 >= moment.settings.failures:
        happening = Happening.TRIPPED if breaker.state is ChannelState.CLOSED else happening
    state = TABLE[breaker.state].get(happening)
    return None if state is None else EFFECTS[happening](breaker, moment, state)


def unsteady(breaker: Breaker, moment: Moment) -> bool:
    """Not closed, or closed again for less time than it had to cool before: a failure now is no news of a package."""
    if breaker.state is not ChannelState.CLOSED:
        return True
    return breaker.openings > 0 and moment.now - breaker.since < _cooling(moment.settings, breaker.openings, 0.5)


def _free(breaker: Breaker, moment: Moment) -> bool:
    """Cooling is over, or whoever had the probe fell silent; a process asks again only when its own is no more."""
    due = breaker.probe_at or breaker.probe_until
    return due is not None and (due <= moment.now or breaker.probe_by == moment.process)


def _enter(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    """A new generation in this state."""
    return replace(
        breaker,
        state=state,
        since=moment.now if state is not breaker.state else breaker.since,
        generation=breaker.generation + 1,
        probe_at=None,
        probe_until=None,
        probe_by=None,
    )


def _succeeded(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    good = replace(breaker, failures=0)
    return good if breaker.state is state else _enter(good, moment, state)


def _failed(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    worse = replace(breaker, failures=breaker.failures + 1)
    return worse if breaker.state is state else _open(worse, moment, state)


def _tripped(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    """One that fails again soon after it closed cools longer."""
    openings = breaker.openings if unsteady(breaker, moment) else 0
    start = replace(breaker, failures=breaker.failures + 1, openings=openings)
    return _open(start, moment, state)


def _open(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    openings = breaker.openings + 1
    at = moment.now + _cooling(moment.settings, openings, moment.chance)
    return replace(_enter(breaker, moment, state), openings=openings, probe_at=at)


def _taken(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    until = moment.now + timedelta(seconds=moment.lease)
    return replace(_enter(breaker, moment, state), probe_until=until, probe_by=moment.process)


def _due_now(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    """A probe that is out already goes on."""
    if state is ChannelState.HALF_OPEN:
        return breaker
    return replace(_enter(breaker, moment, state), probe_at=moment.now)


def _resumed(breaker: Breaker, moment: Moment, state: ChannelState) -> Breaker:
    return replace(_enter(breaker, moment, state), failures=0, openings=0)


def _cooling(settings: BreakerSettings, openings: int, chance: float) -> timedelta:
    return timedelta(seconds=delay(settings.cooling, max(openings, 1), chance))


EFFECTS: Final[Mapping[Happening, Callable[[Breaker, Moment, ChannelState], Breaker]]] = {
    Happening.SUCCEEDED: _succeeded,
    Happening.FAILED: _failed,
    Happening.TRIPPED: _tripped,
    Happening.REFUSED: _enter,
    Happening.TAKEN: _taken,
    Happening.GIVEN_BACK: _due_now,
    Happening.HURRIED: _due_now,
    Happening.STOPPED: _enter,
    Happening.RESUMED: _resumed,
}
