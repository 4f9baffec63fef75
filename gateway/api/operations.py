"""The operators' part: what waits for a person and the channels to the outside. Handlers only translate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from ...queue.messages import Channel, ChannelEvent, Lane
from .. import channels, holds
from ..axis_alarms import Alarm
from ..holds import HoldView
from ..identifiers import Noun, show
from .calls import Call, moment, reply


async def list_holds(call: Call) -> web.Response:
    limit: int = call.parameters["limit"]
    rows = await holds.list_open(call.node, after=call.cursor(Noun.HOLD), limit=limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    return reply({"items": [_hold(row) for row in rows], "next": show(Noun.HOLD, rows[-1].id) if more else None})


async def show_hold(call: Call) -> web.Response:
    return reply(_hold(await holds.show(call.node, call.identifier(Noun.HOLD))))


async def release_hold(call: Call) -> web.Response:
    decided = await holds.release(
        call.node, call.identifier(Noun.HOLD), actor=call.operator.actor, reason=call.body["reason"]
    )
    return reply(_hold(decided))


async def cancel_hold(call: Call) -> web.Response:
    decided = await holds.cancel(
        call.node, call.identifier(Noun.HOLD), actor=call.operator.actor, reason=call.body["reason"]
    )
    return reply(_hold(decided))


async def show_channels(call: Call) -> web.Response:
    return reply({"items": await _channels(call)})


async def resume_channel(call: Call) -> web.Response:
    return await _decided(call, channels.resume)


async def pause_channel(call: Call) -> web.Response:
    return await _decided(call, channels.pause)


async def try_channel(call: Call) -> web.Response:
    return await _decided(call, channels.try_now)


async def _decided(call: Call, decide: Callable[..., Awaitable[None]]) -> web.Response:
    await decide(call.node, call.parameters["name"], actor=call.operator.actor, reason=call.body["reason"])
    return reply({"items": await _channels(call)})


async def show_channel_events(call: Call) -> web.Response:
    events = await channels.history(call.node, call.parameters["name"])
    return reply({"items": [_event(event) for event in events]})


def _event(event: ChannelEvent) -> dict[str, Any]:
    return {
        "at": moment(event.at),
        "from_state": event.from_state,
        "to_state": event.to_state,
        "label": channels.LABELS[event.to_state],
        "actor": event.actor,
        "reason": event.reason,
    }


async def _channels(call: Call) -> list[dict[str, Any]]:
    alarms = await channels.alarms(call.node)
    return [_channel(channel, alarms.get(channel.name, [])) for channel in await channels.list_channels(call.node)]


def _channel(channel: Channel, alarms: Sequence[Alarm]) -> dict[str, Any]:
    return {
        "name": channel.name,
        "state": channel.state,
        "label": channels.LABELS[channel.state],
        "reason": channel.reason,
        "since": moment(channel.since),
        "failures": channel.failures,
        "openings": channel.openings,
        "next_probe_at": moment(channel.next_probe_at),
        "last_error": channel.last_error,
        "last_error_at": moment(channel.last_error_at),
        "changed_by": channel.changed_by,
        "waiting": channel.waiting,
        "waits": [
            {"kind": one.kind, "urgent": one.lane is Lane.URGENT, "rows": one.rows, "oldest": moment(one.oldest)}
            for one in channel.waits
        ],
        "alarms": [
            {
                "kind": one.kind,
                "message": one.message,
                "since": moment(one.since),
                "last_at": moment(one.last_at),
                "times": one.times,
            }
            for one in alarms
        ],
    }


def _hold(view: HoldView) -> dict[str, Any]:
    return {
        "id": show(Noun.HOLD, view.id),
        "subject": view.subject,
        "code": view.code,
        "reason": view.reason,
        "proposal": view.proposal,
        "since": moment(view.since),
        "may": view.may,
        "exchange": show(Noun.EXCHANGE, view.exchange_id) if view.exchange_id else None,
        "package": show(Noun.PACKAGE, view.package_id) if view.package_id else None,
        "document_id": view.document_id,
        "title": view.title,
        "sender_code": view.sender_code,
        "closed_at": moment(view.closed_at),
        "closed_by": view.closed_by,
        "closing": view.closing,
        "closing_reason": view.closing_reason,
    }
