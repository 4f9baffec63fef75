"""Channels: the breaker of each way to the outside. A paused channel keeps its work waiting, nothing is dropped."""

from __future__ import annotations

from .messages import Channel, ChannelState
from .port import Connection, wake_later
from .statements import statements


async def pause_channel(connection: Connection, name: str, *, reason: str, actor: str) -> None:
    """Stop claiming work of this channel until somebody resumes it."""
    await statements().channel_pause(connection, name=name, reason=reason, actor=actor)


async def resume_channel(connection: Connection, name: str, *, actor: str) -> bool:
    """Go on at once with everything that waits; False when the channel was not paused."""
    resumed = bool(await statements().channel_resume(connection, name=name, actor=actor))
    wake_later(connection, "work", "")
    return resumed


async def channel_failed(connection: Connection, name: str, *, reason: str, threshold: int, actor: str) -> ChannelState:
    """Count a failure in a row; the ``threshold``-th pauses the channel. The state it is in now."""
    state = await statements().channel_failed(connection, name=name, reason=reason, threshold=threshold, actor=actor)
    return ChannelState(state)


async def channel_succeeded(connection: Connection, name: str) -> None:
    """A call went through: failures count anew. A channel a person paused stays paused."""
    await statements().channel_succeeded(connection, name=name)


async def list_channels(connection: Connection) -> list[Channel]:
    """Every channel that was ever paused or failed."""
    rows = statements().channel_list(connection)
    return [Channel(**{**dict(row), "state": ChannelState(row["state"])}) async for row in rows]
