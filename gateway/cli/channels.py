"""``lienthong channel``: the ways to the axes, and what an operator does about one. A reason is mandatory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer

from ...queue.messages import Channel, ChannelEvent, Lane
from .. import channels
from ..axis_alarms import Alarm
from .context import Actor, Invocation, Json, Reason, invocation
from .database import opened_node
from .printing import moment, say, say_json, table

group = typer.Typer(help="Kênh nối tới các trục: tình trạng, ngắt mạch, tạm dừng.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Tên kênh, như channel list in ra.")]
KINDS: Final = {"dispatch": "gửi", "fetch": "nhận", "acknowledge": "báo đã nhận", "follow": "theo dõi"}


@group.command("list")
def list_channels(context: typer.Context, as_json: Json = False) -> None:
    """Liệt kê các kênh: tình trạng, việc chờ, lỗi gần nhất, lần thăm dò kế tiếp."""
    found, alarms = asyncio.run(_list(invocation(context)))
    if as_json:
        say_json(found)
        return
    rows = [
        [c.name, channels.LABELS[c.state], c.since, c.failures, c.next_probe_at, _waits(c), c.reason or c.last_error]
        for c in found
    ]
    table(["Kênh", "Tình trạng", "Từ lúc", "Lỗi liên tiếp", "Thăm dò lúc", "Việc chờ", "Lý do, lỗi gần nhất"], rows)
    for alarm in alarms:
        say(f"Cảnh báo, trục {alarm.axis}, từ {moment(alarm.since)}, {alarm.times} lần: {alarm.message}")


async def _list(call: Invocation) -> tuple[list[Channel], list[Alarm]]:
    async with opened_node(call.settings()) as node:
        alarms = await channels.alarms(node)
        return await channels.list_channels(node), [one for of_one in alarms.values() for one in of_one]


def _waits(channel: Channel) -> str:
    """Each kind with its count; the urgent apart; since when the oldest."""
    if not channel.waits:
        return "0"
    parts = [
        f"{KINDS.get(one.kind, one.kind)}{' (khẩn)' if one.lane is Lane.URGENT else ''} {one.rows}"
        for one in channel.waits
    ]
    return f"{', '.join(parts)}; cũ nhất {moment(min(one.oldest for one in channel.waits))}"


@group.command("history")
def show_history(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Xem các lần kênh đổi trạng thái: ai, vì sao."""
    found = asyncio.run(_history(invocation(context), name))
    if as_json:
        say_json(found)
        return
    labels = channels.LABELS
    rows = [[e.at, f"{labels[e.from_state]} → {labels[e.to_state]}", e.actor, e.reason] for e in found]
    table(["Lúc", "Thay đổi", "Ai", "Lý do"], rows)


async def _history(call: Invocation, name: str) -> list[ChannelEvent]:
    async with opened_node(call.settings()) as node:
        return await channels.history(node, name)


@group.command("pause")
def pause(context: typer.Context, name: Name, reason: Reason, actor: Actor) -> None:
    """Tạm dừng một kênh; việc của kênh nằm chờ."""
    asyncio.run(_decide(invocation(context), channels.pause, name, reason, actor))
    say(f"Kênh {name} tạm dừng; việc của kênh nằm chờ đến khi có người cho chạy lại.")


@group.command("resume")
def resume(context: typer.Context, name: Name, reason: Reason, actor: Actor) -> None:
    """Cho một kênh tạm dừng hoặc ngắt mạch chạy lại."""
    asyncio.run(_decide(invocation(context), channels.resume, name, reason, actor))
    say(f"Kênh {name} chạy lại; các việc đang chờ đi tiếp.")


@group.command("try")
def try_now(context: typer.Context, name: Name, reason: Reason, actor: Actor) -> None:
    """Thăm dò ngay một kênh đang ngắt mạch."""
    asyncio.run(_decide(invocation(context), channels.try_now, name, reason, actor))
    say(f"Kênh {name} sẽ được thăm dò ngay; xem kết quả bằng channel list.")


async def _decide(call: Invocation, decide: Callable[..., Awaitable[None]], name: str, reason: str, actor: str) -> None:
    async with opened_node(call.settings()) as node:
        await decide(node, name, actor=actor, reason=reason)
