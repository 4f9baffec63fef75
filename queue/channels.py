"""Channels: one row for each way to the outside, its breaker kept by the rules of ``breaker.py``. Nothing is dropped.

Every change is one locked read, a pure step and one write with its event, in the caller's unit. Calls ask ``admit``
before they go and tell ``happened`` what became of them; work of a channel that is not closed is not claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from .breaker import Breaker, BreakerSettings, ChannelState, Happening, Moment, after, unsteady
from .messages import Channel, ChannelEvent, Lane, Waiting
from .port import Connection, wake_later
from .statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Leave for one call. ``troubled``: failures are being counted, so a success must be told as well."""

    channel: str
    generation: int
    troubled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``at_once``: kinds of work that do not wait for their own next attempt once the channel closes."""

    settings: BreakerSettings
    chance: float
    at_once: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What happened, who says so and why (Vietnamese); ``error``: what to show as the channel's last error."""

    happening: Happening
    actor: str
    reason: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The states before and after; ``counted``: it had an effect, ``recorded``: there is an event of it.

    ``unsteady``: see ``breaker.py``; what fails then fails by the fault of the way.
    """

    channel: str
    before: ChannelState
    after: ChannelState
    counted: bool
    recorded: bool
    unsteady: bool


async def admit(connection: Connection, name: str) -> Passage | None:
    """Leave for a call that starts now; None while the channel is not closed."""
    row = await statements().channel_admission(connection, name=name)
    if row is None:
        return Passage(channel=name, generation=0, troubled=False)
    if row["state"] != ChannelState.CLOSED:
        return None
    return Passage(channel=name, generation=row["generation"], troubled=row["troubled"])


async def happened(
    connection: Connection, name: str, told: Told, rules: Rules, *, generation: int | None = None
) -> Change:
    """Take a happening in. Outcomes of calls name the ``generation`` of their passage, people name none."""
    await know(connection, [name])
    row = await statements().channel_lock(connection, name=name)
    moment = Moment(now=row["now"], chance=rules.chance, settings=rules.settings)
    return await _step(connection, name, row, told, rules, moment, generation)


async def take_probe(connection: Connection, name: str, rules: Rules, *, process: str, lease: float) -> Passage | None:
    """The one probe, when it is due: for ``lease`` seconds nobody else gets it. None: not due, or just taken.

    Names of processes are unique, and each probes a channel once at a time: when it asks while the row says that it
    has the probe, it was killed or cut off from the database, and gets it again.
    """
    row = await statements().channel_lock_due(connection, name=name, process=process)
    if row is None:
        return None
    moment = Moment(now=row["now"], chance=rules.chance, settings=rules.settings, process=process, lease=lease)
    reason = "Đến giờ thăm dò." if row["state"] == ChannelState.OPEN else "Lần thăm dò trước không có kết quả."
    told = Told(happening=Happening.TAKEN, actor=process, reason=reason)
    change = await _step(connection, name, row, told, rules, moment, None)
    if not change.counted:
        return None
    return Passage(channel=name, generation=row["generation"] + 1, troubled=True)


async def probe_is_due(connection: Connection, name: str, *, process: str) -> bool:
    """A look that locks nothing."""
    return bool(await statements().channel_probe_due(connection, name=name, process=process))


async def know(connection: Connection, names: Sequence[str]) -> None:
    """Give channels a row, closed, where they have none."""
    await statements().channel_know(connection, names=list(names))


async def list_channels(connection: Connection) -> list[Channel]:
    """Every known channel with the work that needs it."""
    waits: dict[str, list[Waiting]] = {}
    async for row in statements().channel_waiting(connection):
        one = Waiting(kind=row["kind"], lane=Lane(row["lane"]), rows=row["rows"], oldest=row["oldest"])
        waits.setdefault(row["channel"], []).append(one)
    known = [row async for row in statements().channel_list(connection)]
    return [_channel(row, waits.get(row["name"], [])) for row in known]


async def not_closed(connection: Connection) -> list[tuple[str, ChannelState]]:
    """The channels over which nothing goes now."""
    return [(row["name"], ChannelState(row["state"])) async for row in statements().channel_not_closed(connection)]


async def events_of(connection: Connection, name: str, *, limit: int = 100) -> list[ChannelEvent]:
    """The latest changes of a channel, newest first."""
    rows = statements().channel_events(connection, name=name, limit=limit)
    states = ("from_state", "to_state")
    return [ChannelEvent(**{**dict(row), **{key: ChannelState(row[key]) for key in states}}) async for row in rows]


_KEPT: Final = tuple(field.name for field in fields(Breaker))
# What stands beside the state is why it opened or was paused; a probe on its way changes nothing about that.
_SAYS_WHY: Final = frozenset({Happening.FAILED, Happening.REFUSED, Happening.STOPPED})


async def _step(
    connection: Connection, name: str, row: Any, told: Told, rules: Rules, moment: Moment, generation: int | None
) -> Change:
    before = Breaker(**{**{key: row[key] for key in _KEPT}, "state": ChannelState(row["state"])})
    now = after(before, told.happening, moment, generation=generation)
    change = Change(
        channel=name,
        before=before.state,
        after=(now or before).state,
        counted=now is not None,
        recorded=now is not None and _is_told(before, now, told.happening),
        unsteady=unsteady(now or before, moment),
    )
    if now is not None:
        await _write(connection, row, now, told, change)
        if now.state is ChannelState.CLOSED and before.state is not now.state:
            await statements().channel_hurry(connection, name=name, kinds=list(rules.at_once))
            wake_later(connection, "work", "")
    return change


def _is_told(before: Breaker, now: Breaker, happening: Happening) -> bool:
    return now.generation != before.generation or happening is Happening.HURRIED


async def _write(connection: Connection, row: Any, now: Breaker, told: Told, change: Change) -> None:
    why = told.reason if told.happening in _SAYS_WHY else row["reason"]
    await statements().channel_write(
        connection,
        name=change.channel,
        **{key: getattr(now, key) for key in _KEPT},
        reason=None if now.state is ChannelState.CLOSED else why,
        changed_by=told.actor if change.recorded else row["changed_by"],
        actor=told.actor,
        event=told.reason if change.recorded else None,
        error=told.error,
    )


def _channel(row: Any, waits: Sequence[Waiting]) -> Channel:
    return Channel(**{**dict(row), "state": ChannelState(row["state"]), "waits": tuple(waits)})
