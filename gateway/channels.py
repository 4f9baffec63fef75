"""Channels for an operator: how each way to the outside is, and what he may do. The rows belong to the queue.

Every decision names its actor and reason, both recorded with the change for good.
"""

from __future__ import annotations

from typing import Final

from ..queue import channels as rows
from ..queue.breaker import ChannelState, Happening
from ..queue.channels import Told
from ..queue.messages import Channel, ChannelEvent
from ..queue.port import Connection
from .axis_alarms import Alarm, open_alarms
from .errors import GatewayError
from .node import Node
from .pipeline.handover import channel_of
from .pipeline.passing import note, rules

LABELS: Final[dict[ChannelState, str]] = {
    ChannelState.CLOSED: "đang chạy",
    ChannelState.OPEN: "ngắt mạch",
    ChannelState.HALF_OPEN: "đang thăm dò",
    ChannelState.PAUSED: "tạm dừng",
}
_EVENTS_MAX: Final = 200


async def list_channels(node: Node) -> list[Channel]:
    """Every channel of the node's axes, also those that never failed, and those of axes that were given up."""
    async with node.db.unit(None) as conn:
        await rows.know(conn, [channel_of(name) for name in node.axes])
        return await rows.list_channels(conn)


async def alarms(node: Node) -> dict[str, list[Alarm]]:
    """What an operator should know of the axes of these channels, by the channel's name."""
    async with node.db.unit(None) as conn:
        found: dict[str, list[Alarm]] = {}
        for alarm in await open_alarms(node, conn):
            found.setdefault(channel_of(alarm.axis), []).append(alarm)
    return found


async def warnings(node: Node, conn: Connection) -> list[str]:
    """A line for each channel over which nothing goes now, and each alarm. The node itself is ready all the same."""
    stopped = await rows.not_closed(conn)
    lines = [f"Kênh {name} {LABELS[state]}; xem /v1/operations/channels." for name, state in stopped]
    return lines + [f"Trục {alarm.axis}: {alarm.message}" for alarm in await open_alarms(node, conn)]


async def history(node: Node, name: str) -> list[ChannelEvent]:
    """The latest changes of a channel, newest first. Raise CHANNEL_UNKNOWN."""
    async with node.db.unit(None) as conn:
        events = await rows.events_of(conn, name, limit=_EVENTS_MAX)
    if not events:
        await _require_known(node, name)
    return events


async def pause(node: Node, name: str, *, actor: str, reason: str) -> None:
    """Let nothing go until somebody resumes it; calls in hand end. Raise REASON_MISSING, CHANNEL_UNKNOWN."""
    await _decide(node, name, Happening.STOPPED, actor, reason)


async def resume(node: Node, name: str, *, actor: str, reason: str) -> None:
    """Go on at once with everything that waits. Raise REASON_MISSING, CHANNEL_UNKNOWN, CHANNEL_NOT_PAUSED."""
    await _decide(node, name, Happening.RESUMED, actor, reason)


async def try_now(node: Node, name: str, *, actor: str, reason: str) -> None:
    """Have the probe go at the next look. Raise REASON_MISSING, CHANNEL_UNKNOWN, CHANNEL_NOT_OPEN."""
    await _decide(node, name, Happening.HURRIED, actor, reason)


_IN_VAIN: Final = {
    Happening.RESUMED: ("CHANNEL_NOT_PAUSED", "Kênh “{name}” đang chạy, không có gì để mở lại."),
    Happening.HURRIED: ("CHANNEL_NOT_OPEN", "Kênh “{name}” {label}; chỉ kênh ngắt mạch mới có lần thăm dò."),
}


async def _decide(node: Node, name: str, happening: Happening, actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise GatewayError("REASON_MISSING", "Phải nêu lý do và người quyết định về kênh.")
    await _require_known(node, name)
    told = Told(happening=happening, actor=actor.strip(), reason=reason.strip())
    async with node.db.unit(None) as conn:
        change = await rows.happened(conn, name, told, rules(node))
    if not change.counted:
        code, message = _IN_VAIN[happening]
        raise GatewayError(code, message.format(name=name, label=LABELS[change.before]))
    note(change, told.reason)


async def _require_known(node: Node, name: str) -> None:
    if not any(channel.name == name for channel in await list_channels(node)):
        raise GatewayError("CHANNEL_UNKNOWN", f"Không có kênh “{name}”.")
