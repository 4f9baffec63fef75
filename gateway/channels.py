"""Channels for an operator: which are paused and why, and going on. The rows belong to the queue."""

from __future__ import annotations

from ..queue import channels as rows
from ..queue.messages import Channel, ChannelState
from .errors import GatewayError
from .node import Node
from .pipeline.handover import channel_of


async def list_channels(node: Node) -> list[Channel]:
    """Every channel of the node's axes, also those that never stopped."""
    async with node.db.unit(None) as conn:
        known = {channel.name: channel for channel in await rows.list_channels(conn)}
    now = node.clock()
    for name in map(channel_of, node.axes):
        quiet = Channel(
            name=name, state=ChannelState.ACTIVE, reason=None, since=now, failures=0, changed_by="node", waiting=0
        )
        known.setdefault(name, quiet)
    return [known[name] for name in sorted(known)]


async def resume(node: Node, name: str, *, actor: str, reason: str) -> None:
    """Go on with everything that waits. Raise REASON_MISSING, CHANNEL_NOT_PAUSED."""
    if not actor.strip() or not reason.strip():
        raise GatewayError("REASON_MISSING", "Phải nêu lý do và người cho chạy lại kênh.")
    async with node.db.unit(None) as conn:
        if not await rows.resume_channel(conn, name, actor=f"{actor.strip()}: {reason.strip()}"):
            raise GatewayError("CHANNEL_NOT_PAUSED", f"Kênh “{name}” không có hoặc không tạm dừng.")
