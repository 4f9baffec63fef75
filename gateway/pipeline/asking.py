"""A send of unknown outcome: the axis is asked before anything goes again (axis.md 8.1, 13).

FOUND ends it, NOT_FOUND after enough looks lets the same bytes go again with the same id, CANNOT_TELL is held for a
person. A look waits for its channel like a send.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from ...adapters.axis import FindAnswer, FindResult, MessageKind
from ...adapters.errors import AxisError
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete, retry
from ..exchanges import Outgoing
from ..node import Node
from .holding import hold_package
from .moves import move_package
from .passing import through
from .taken import on_the_wire, take_over

# The window in which an unknown send is looked for: clocks differ, and the axis writes the time it took the package.
_SLACK: Final = timedelta(minutes=10)
_NOWHERE: Final = Path()  # what is only asked about needs no bytes


async def ask(node: Node, work: Work, package: Any) -> None:
    """One look for a package of unknown outcome, and what follows from it."""
    async with node.db.unit(None) as conn:
        since = await node.db.queries.first_attempt_at(conn, package_id=package["id"])
    axis = node.axes[package["axis"]]

    def look() -> Awaitable[FindResult]:
        return axis.find(on_the_wire(package, _NOWHERE), since=since - _SLACK, until=node.clock() + _SLACK)

    try:
        found = await through(node, work, axis.name, look)
    except AxisError as error:  # the list could not be read: still unknown, asked again without counting
        async with node.db.unit(package["agency_id"]) as conn:
            await retry(conn, work, delay=node.settings.retry.unknown_wait_seconds, error=error.message)
        return
    if found is None:
        return
    async with node.db.unit(package["agency_id"]) as conn:
        if found.answer is FindAnswer.FOUND:
            await take_over(node, conn, work, package, Outgoing.UNKNOWN, found.axis_doc_id or "")
            await complete(conn, work)
        elif found.answer is FindAnswer.NOT_FOUND:
            await _not_found(node, conn, work, package)
        else:
            reason = f"Không xác định được trục đã nhận gói tin hay chưa: {found.reason}"
            await hold_package(node, conn, package, Outgoing.UNKNOWN, code="SEND_CANNOT_TELL", reason=reason)
            await complete(conn, work)


async def _not_found(node: Node, conn: Connection, work: Work, package: Any) -> None:
    """The axis may show a package late: look several times before the same bytes go again."""
    policy = node.settings.retry
    checks = await node.db.queries.count_unknown_check(conn, id=package["id"])
    # A status that arrives twice is absorbed by every receiver (axis.md 11): no need to wait for it.
    if checks < policy.unknown_checks and package["kind"] == MessageKind.DOCUMENT:
        await retry(conn, work, delay=policy.unknown_wait_seconds, error="Trục chưa thấy gói tin, sẽ hỏi lại.")
        return
    await node.db.queries.reset_unknown_checks(conn, id=package["id"])
    reason = f"Trục không có gói tin sau {checks} lần hỏi; gửi lại đúng các byte cũ."
    await move_package(node, conn, package["id"], Outgoing.UNKNOWN, Outgoing.QUEUED, reason=reason)
    await retry(conn, work, delay=0.0, error=reason)
