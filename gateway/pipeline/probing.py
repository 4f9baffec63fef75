"""Probes: what finds out whether an open channel carries again. One look for mail, by one process, when it is due.

A look for mail reads only, so a probe whose answer is lost leaves nothing to clear up; a document is never the probe.
Every process with workers or pollers stands ready; the row of the channel gives the probe to one, with a lease that
outlives the call. A process that is killed or cut off meanwhile takes its own probe again, or lets the lease run out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from ...adapters.axis import Axis
from ...adapters.errors import AxisError
from ...queue.breaker import Happening
from ...queue.channels import Passage, Told, happened, probe_is_due, take_probe
from ..node import Node
from .handover import channel_of
from .inward import poll
from .passing import Says, note, rules, says_error, tell
from .routine import repeat

_log = structlog.get_logger(__name__)
_LOOK: Final = 1.0  # seconds, at most, between two looks whether a probe is due
_USUAL_LIMIT: Final = 60.0  # seconds for a probe of an axis without settings of its own
_MARGIN: Final = 15.0  # the lease is longer than the call by this


async def probe_channels(node: Node, stop: asyncio.Event) -> None:
    """Probe the channels of all axes until the stop."""
    async with asyncio.TaskGroup() as group:
        for axis in node.axes.values():
            group.create_task(_watch(node, axis, stop), name=f"probe {axis.name}")


async def _watch(node: Node, axis: Axis, stop: asyncio.Event) -> None:
    async def once() -> None:
        await probe(node, axis, stop)

    await repeat(f"probe {axis.name}", once, stop, min(_LOOK, node.settings.queue.poll_seconds))


async def probe(node: Node, axis: Axis, stop: asyncio.Event) -> bool:
    """Take the probe if it is due, and tell what came of it; whether it was ours."""
    name, limit, process = channel_of(axis.name), _limit(node, axis.name), node.settings.instance
    async with node.db.single() as conn:
        if not await probe_is_due(conn, name, process=process):
            return False
    async with node.db.unit(None) as conn:
        passage = await take_probe(conn, name, rules(node), process=process, lease=limit + _MARGIN)
    if passage is None:
        return False
    _log.info("channel-probe", channel=name, limit=limit)
    if not await _unless(stop, _ask(node, axis, passage, limit)):
        await _give_back(node, passage)
    return True


def _limit(node: Node, name: str) -> float:
    """Seconds for the whole probe: an axis that needs longer than its own time limits is not well."""
    for axis in node.settings.axes:
        if axis.name == name:
            return axis.connect_timeout_s + axis.read_timeout_s + _MARGIN
    return _USUAL_LIMIT


async def _ask(node: Node, axis: Axis, passage: Passage, limit: float) -> None:
    says, message = Says.WORKS, "Thăm dò thành công."
    try:
        async with asyncio.timeout(limit):
            await poll(node, axis)
    except AxisError as error:  # an answer that says nothing of the way is no sign that it works, either
        refused = says_error(error) is Says.REFUSED
        says, message = (Says.REFUSED if refused else Says.FAILED), error.message
    except TimeoutError:
        says, message = Says.FAILED, f"Thăm dò không xong trong {limit:.0f} giây."
    async with node.db.unit(None) as conn:
        await tell(node, conn, passage, says, message)


async def _give_back(node: Node, passage: Passage) -> None:
    told = Told(happening=Happening.GIVEN_BACK, actor=node.settings.instance, reason="Tiến trình dừng khi thăm dò.")
    async with node.db.unit(None) as conn:
        change = await happened(conn, passage.channel, told, rules(node), generation=passage.generation)
    note(change, told.reason)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless the stop comes first; whether it was done."""
    doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((doing, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        if not doing.done():
            doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing
    if doing.cancelled():
        return False
    doing.result()
    return True
