"""Calls to an axis through its channel: leave is asked before, and what became of it is told to the breaker after.

Whether an outcome speaks against the way (and not against one package, or ourselves) is read from the value of the
outcome by one table. Work whose way is not open goes back as it was and waits; no attempt is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

import structlog

from ...adapters.axis import OutcomeKind, SendOutcome
from ...adapters.errors import AxisError
from ...queue.backoff import Backoff
from ...queue.backoff import delay as backoff_delay
from ...queue.breaker import BreakerSettings, ChannelState, Happening
from ...queue.channels import Change, Passage, Rules, Told, admit, happened
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import retry
from ..node import Node
from .handover import channel_of
from .moves import NODE

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)
# Work that would otherwise wait out its own distance once the channel is closed; looks at accepted packages can wait.
_AT_ONCE: Final = ("dispatch", "fetch", "acknowledge")
_WITHOUT_CHANNEL: Final = 10.0  # seconds; rows that name no channel are claimed whatever its state


class Says(StrEnum):
    """What an outcome says of the way it took."""

    WORKS = "works"
    FAILED = "failed"
    REFUSED = "refused"  # the key or the system id: nothing will go before a person acted
    NOTHING = "nothing"  # speaks of one package, or of ourselves


# By code, without the prefix AXIS_: codes of SendOutcome and of AxisError (axis.md 13, F01 to F07).
_BY_CODE: Final[Mapping[str, Says]] = {
    "CONNECT": Says.FAILED,
    "TIMEOUT": Says.FAILED,
    "BROKEN": Says.FAILED,
    "HTTP": Says.FAILED,
    "UNREADABLE": Says.FAILED,
    "20": Says.FAILED,  # lỗi hệ thống của trục
    "15": Says.REFUSED,
    "KEY": Says.REFUSED,
    "CLOCK": Says.FAILED,  # heals by itself when the clock is set: probed, not paused (F08)
    "HTTP_401": Says.REFUSED,
    "HEADER_TEXT": Says.NOTHING,  # rejected by ourselves, the axis was not asked
    "HTTP_400": Says.NOTHING,
    "HTTP_414": Says.NOTHING,
    "HTTP_431": Says.NOTHING,
}
# Where no code says more. RETRY and UNKNOWN with another code speak of the package (no DocId, a file of ours …).
_BY_KIND: Final[Mapping[OutcomeKind, Says]] = {
    OutcomeKind.ACCEPTED: Says.WORKS,
    OutcomeKind.REJECTED: Says.WORKS,
    OutcomeKind.SUSPENDED: Says.REFUSED,
}
_HAPPENINGS: Final[Mapping[Says, Happening]] = {
    Says.WORKS: Happening.SUCCEEDED,
    Says.FAILED: Happening.FAILED,
    Says.REFUSED: Happening.REFUSED,
}


def says_outcome(outcome: SendOutcome) -> Says:
    """What a send says of the way."""
    code = outcome.code or ""
    if code in _BY_CODE:
        return _BY_CODE[code]
    by_kind = _BY_KIND.get(outcome.kind)
    if by_kind is not None:
        return by_kind
    return Says.FAILED if code.startswith("HTTP_") else Says.NOTHING


def says_error(error: AxisError, *, item: bool = False) -> Says:
    """What a failed call says of the way. ``item``: it was about one package, whose bytes may be what is unreadable."""
    code = error.code.removeprefix("AXIS_")
    if code == "REFUSED" and error.transient:  # the axis's own system error (20)
        return Says.FAILED
    if code == "UNREADABLE" and item:
        return Says.NOTHING
    return _BY_CODE.get(code, Says.NOTHING)


def rules(node: Node) -> Rules:
    """How the breakers of this node behave."""
    policy = node.settings.retry
    cooling = Backoff(base=policy.breaker_base_seconds, ceiling=policy.breaker_cap_seconds)
    settings = BreakerSettings(failures=policy.breaker_failures, cooling=cooling)
    return Rules(settings=settings, chance=node.random(), at_once=_AT_ONCE)


async def tell(node: Node, conn: Connection, passage: Passage, says: Says, message: str) -> Change | None:
    """Tell the breaker in this unit. None when there is nothing to tell."""
    if says is Says.NOTHING or (says is Says.WORKS and not passage.troubled):
        return None
    told = Told(
        happening=_HAPPENINGS[says],
        actor=NODE,
        reason=message if says is not Says.WORKS else "Trục trả lời bình thường.",
        error=message if says is not Says.WORKS else None,
    )
    change = await happened(conn, passage.channel, told, rules(node), generation=passage.generation)
    note(change, message)
    return change


def note(change: Change, reason: str) -> None:
    """A line in the log when the state became another one."""
    if change.before is change.after:
        return
    say = _log.info if change.after in (ChannelState.CLOSED, ChannelState.HALF_OPEN) else _log.warning
    say(f"channel-{change.after.replace('_', '-')}", channel=change.channel, before=change.before, reason=reason)


async def asked(node: Node, axis: str, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """A call that the clock makes; None when the channel is not closed. Raises AxisError."""
    async with node.db.single() as conn:
        passage = await admit(conn, channel_of(axis))
    return None if passage is None else await _called(node, passage, call, item=False)


async def through(node: Node, work: Work, axis: str, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """A call that work needs; None when the way is closed to it or failed: the work waits. Raises other AxisErrors."""
    async with node.db.single() as conn:
        passage = await admit(conn, channel_of(axis))
    if passage is None:
        async with node.db.unit(None) as conn:
            await put_back(conn, work)
        return None
    try:
        return await _called(node, passage, call, item=True)
    except AxisError as error:
        if says_error(error, item=True) is Says.NOTHING:
            raise
        policy = node.settings.retry
        waits = Backoff(base=policy.base_seconds, ceiling=policy.cap_seconds)
        delay = backoff_delay(waits, work.attempts, node.random())
        async with node.db.unit(None) as conn:
            await retry(conn, work, delay=delay, error=f"{error.code}: {error.message}")
        return None


async def _called(node: Node, passage: Passage, call: Callable[[], Awaitable[Answer]], *, item: bool) -> Answer:
    try:
        answer = await call()
    except AxisError as error:
        async with node.db.unit(None) as conn:
            await tell(node, conn, passage, says_error(error, item=item), error.message)
        raise
    if passage.troubled:
        async with node.db.unit(None) as conn:
            await tell(node, conn, passage, Says.WORKS, "")
    return answer


async def put_back(conn: Connection, work: Work) -> None:
    """The way closed between the claim and the call: as if it had not been claimed. Raises LeaseLost."""
    delay = 0.0 if work.channel is not None else _WITHOUT_CHANNEL
    await retry(conn, work, delay=delay, error="Kênh đang ngắt hoặc tạm dừng; việc này chờ kênh.")
