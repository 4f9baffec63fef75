"""What the node does by the clock: look for mail, synchronise the directory, match parked statuses, tidy up.

Each is a loop that ends with the stop; an axis that does not answer is told in the log and asked again. The guard is
the poller's per-item guard of STYLE.md, habit 18: a fault of one round never ends the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ...adapters.axis import Axis
from ...adapters.errors import AxisError
from ...queue import inbox, outbox, public_feed
from ...queue import work as work_rows
from ...queue.messages import Work
from ...signing.errors import SigningError
from .. import expiry, idempotency
from ..axis_alarms import watch_clock
from ..desk import sessions, tickets
from ..directory import synchronise
from ..errors import GatewayError
from ..exchanges import Incoming
from ..files.errors import FileError
from ..node import Node
from ..upkeep.clockwork import scrub_when_due, sweep_when_due
from .inward import poll
from .passing import asked
from .reexamining import Reexamination

_HOUR: Final = 3600.0
_TEN_MINUTES: Final = 600.0
_SURVEY: Final = 6 * _HOUR  # a day is the unit, but a node may be off at night
_KEEP_SETTLED: Final = 3 * 24 * _HOUR  # messages and work rows that are over
_KEEP_INBOX: Final = 2 * _KEEP_SETTLED  # inbox rows outlive the messages they absorbed
_log = structlog.get_logger(__name__)


async def look_for_mail(node: Node, axis: Axis, stop: asyncio.Event, *, every: float) -> None:
    """Poll one axis until the stop; not while its channel is open or paused (axis.md F07)."""

    async def once() -> None:
        try:
            await asked(node, axis.name, lambda: poll(node, axis))
        except AxisError:  # not in a finally: whoever is told to end must not begin with the database again
            await watch_clock(node, axis)
            raise
        await watch_clock(node, axis)

    await repeat(f"mail {axis.name}", once, stop, every)


async def synchronise_directory(node: Node, axis: Axis, stop: asyncio.Event, *, every: float) -> None:
    """Take over the axis's directory now and then. A first failure is tried again soon."""
    done = False

    async def once() -> None:
        nonlocal done
        count = await asked(node, axis.name, lambda: synchronise(node, axis))
        if count is None:
            return
        done = True
        _log.info("directory-synchronised", axis=axis.name, agencies=count)

    while not stop.is_set():
        await guarded(f"directory {axis.name}", once)
        await _wait(stop, every if done else min(every, 5.0))


async def match_parked(node: Node, stop: asyncio.Event) -> None:
    """Statuses that came before their document was known are matched again."""

    async def once() -> None:
        async with node.db.unit(None) as conn:
            rows = [row async for row in node.db.queries.orphans_to_match(conn)]
            works = [
                Work(
                    id=node.new_id(),
                    kind="examine_incoming",
                    key=str(row["incoming_package_id"]),
                    once=f"match:{row['incoming_package_id']}",
                    payload={"incoming_id": str(row["incoming_package_id"]), "axis": row["axis"]},
                )
                for row in rows
            ]
            await work_rows.enqueue(conn, *works)

    await repeat(f"{Incoming.PARKED} statuses", once, stop, 5.0)


async def watch_sessions(node: Node, stop: asyncio.Event) -> None:
    """Sessions of holders end when their time is over, when their token is lost, and with the node."""

    async def once() -> None:
        await sessions.close_expired(node)
        await sessions.close_lost(node)

    await repeat("signing sessions", once, stop, sessions.LOOK)
    await sessions.close_all(node)


async def keep_revocation_data(node: Node, stop: asyncio.Event) -> None:
    """Fetch revocation lists and OCSP answers ahead of their expiry (gateway/revocation/)."""
    desk = node.revocation

    async def once() -> None:
        if desk is not None:
            await desk.refresh()

    await repeat("revocation", once, stop, node.settings.revocation.check_seconds)


async def watch_expiries(node: Node, stop: asyncio.Event) -> None:
    """Say what will expire, at each number of days once (gateway/expiry.py)."""

    async def once() -> None:
        now = node.clock()
        found = await expiry.survey(node.db, node.settings, run=node.verifier.run, now=now)
        await expiry.tell(node.db, found, now=now)

    await repeat("expiries", once, stop, _SURVEY)


async def judge_again(node: Node, stop: asyncio.Event) -> None:
    """Documents held for want of revocation data, as soon as there are new ones."""
    work = Reexamination()

    async def once() -> None:
        await work.round(node)

    await repeat("judge again", once, stop, node.settings.revocation.retry_held_seconds)


async def housekeeping(node: Node, stop: asyncio.Event) -> None:
    """Forget what no promise needs any more; never a document, an event or a register entry."""

    async def once() -> None:
        async with node.db.unit(None) as conn:
            await outbox.purge(conn, older_seconds=_KEEP_SETTLED)
            await work_rows.purge(conn, older_seconds=_KEEP_SETTLED)
            await inbox.purge(conn, older_seconds=_KEEP_INBOX)
            await public_feed.purge(conn, older_seconds=_KEEP_SETTLED)
        await idempotency.purge(node)
        await tickets.sweep_workplace(node)

    await repeat("housekeeping", once, stop, _HOUR)


async def make_room_for_events(node: Node, stop: asyncio.Event) -> None:
    """The next piece of the table of events, before the one in use is full (schemas/postgres/0011.sql)."""

    async def once() -> None:
        async with node.db.unit(None) as conn:
            piece = await node.db.queries.event_room_ahead(conn)
        if piece is not None:
            _log.info("event-piece-made", piece=piece)

    await repeat("room for events", once, stop, _TEN_MINUTES)


async def keep_files(node: Node, stop: asyncio.Event) -> None:
    """Take away what nothing names, slowly; see gateway/upkeep/."""

    async def once() -> None:
        await sweep_when_due(node)

    await repeat("file sweep", once, stop, _TEN_MINUTES)


async def scrub_files(node: Node, stop: asyncio.Event) -> None:
    """Read everything again from time to time, slowly."""

    async def once() -> None:
        await scrub_when_due(node, stop)

    await repeat("file scrub", once, stop, _TEN_MINUTES)


async def repeat(name: str, once: Callable[[], Awaitable[None]], stop: asyncio.Event, every: float) -> None:
    """Do it again and again, ``every`` seconds after it ended, until the stop."""
    while not stop.is_set():
        await guarded(name, once)
        await _wait(stop, every)


async def guarded(name: str, once: Callable[[], Awaitable[None]]) -> None:
    """Do it once; whatever goes wrong is told in the log."""
    try:
        await once()
    except (AxisError, FileError, GatewayError, SigningError) as error:
        _log.warning("round-failed", task=name, code=error.code, error=error.message)
    except Exception as error:  # noqa: BLE001 - the guard of the pollers
        _log.exception("round-broken", task=name, error=repr(error))


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
