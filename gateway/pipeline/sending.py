"""Dispatch: write the attempt and commit; send; record the outcome (axis.md 8.1, 13).

UNKNOWN is asked about first (asking.py); an attempt without an outcome (a crash in between) is UNKNOWN. Whether a
package goes again is read from the ``SendOutcome`` value alone (DESIGN.md, decision 18). Nothing goes over a channel
that is not closed, and what failed because the way was away is not counted against the package (passing.py).
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from ...adapters.axis import MessageKind, OutcomeKind, SendOutcome
from ...queue.backoff import Backoff
from ...queue.backoff import delay as backoff_delay
from ...queue.channels import Passage
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete, retry
from ..exchanges import Delivery, Outgoing, Subject, require
from ..files.errors import FileError
from ..node import Node
from .asking import ask
from .finishing import finish_sending
from .handover import announce, channel_of, lane_of, trace_of
from .holding import hold_package
from .holding import tell as tell_sender
from .moves import NODE, move_package
from .passing import Says, put_back, says_outcome, tell
from .splitting import freeze_rest, queue_rest
from .taken import on_the_wire, settle_exchange, take_over, taken

_OVER: Final = (
    Outgoing.ACCEPTED,
    Outgoing.REJECTED,
    Outgoing.DELIVERED,
    Outgoing.DELIVERY_FAILED,
    Outgoing.CANCELLED,
    Outgoing.HELD,
)
_MAY_GO: Final = [Outgoing.QUEUED, Outgoing.RETRY_WAIT, Outgoing.SUSPENDED]
# So many times the attempts of the settings, and no excuse counts any more: it may be the package that breaks the axis.
_EXCUSES_END: Final = 10


async def dispatch(node: Node, work: Work) -> None:
    """One step of one package: send it, or ask what became of it."""
    package_id, attempt_id = UUID(work.payload["package_id"]), node.new_id()
    async with node.db.single() as conn:
        package = await node.db.queries.begin_attempt(
            conn,
            id=package_id,
            from_states=_MAY_GO,
            attempt_id=attempt_id,
            actor=NODE,
            channel=channel_of(work.payload["axis"]),
        )
    if package is not None:
        await _send(node, work, package, attempt_id)
        return
    async with node.db.unit(None) as conn:
        package = await node.db.queries.package_by_id(conn, id=package_id)
        if package["state"] in _OVER:
            await complete(conn, work)
            return
        if package["state"] in _MAY_GO:
            await put_back(conn, work)
            return
        if package["state"] == Outgoing.SENDING:
            await _record_crash(node, conn, package)
            package = await node.db.queries.package_by_id(conn, id=package_id)
    if package["state"] == Outgoing.UNKNOWN:
        await ask(node, work, package)


async def _send(node: Node, work: Work, package: Any, attempt_id: UUID) -> None:
    """The attempt is written and committed: a crash from here on leaves it without an outcome."""
    outcome = await _give(node, package)
    passage, says = _passage(package), says_outcome(outcome)
    if outcome.kind is OutcomeKind.ACCEPTED and await finish_sending(
        node, work, package, attempt_id, outcome, [taken(node, work, package)]
    ):
        if passage.troubled:
            async with node.db.unit(None) as conn:
                await tell(node, conn, passage, says, "")
        return
    rest = await freeze_rest(node, package, outcome)
    async with node.db.unit(package["agency_id"]) as conn:
        await _end_attempt(node, conn, attempt_id, outcome)
        if rest is not None:
            await queue_rest(node, conn, package, rest, trace=trace_of(work))
        change = await tell(node, conn, passage, says, outcome.message)
        if says is Says.FAILED and change is not None and change.unsteady:
            package = await _excused(node, conn, package)
        await OUTCOMES[outcome.kind](node, conn, work, package, outcome)


async def _give(node: Node, package: Any) -> SendOutcome:
    """Bytes that are not at hand were certainly not sent: an error of our store is no outcome of the axis."""
    try:
        async with node.files.at_hand(package["agency_id"], package["sha256"]) as path:
            return await node.axes[package["axis"]].send(on_the_wire(package, path))
    except FileError as error:
        return SendOutcome(kind=OutcomeKind.RETRY, code=error.code, message=error.message)


def _passage(package: Any) -> Passage:
    return Passage(
        channel=channel_of(package["axis"]),
        generation=package["channel_generation"],
        troubled=package["channel_troubled"],
    )


async def _excused(node: Node, conn: Connection, package: Any) -> dict[str, Any]:
    """An attempt that opened the channel, or met it away, does not count: days without an axis use nothing up."""
    await node.db.queries.excuse_attempt(conn, id=package["id"])
    return {**dict(package), "excused": package["excused"] + 1}


async def _end_attempt(node: Node, conn: Connection, attempt_id: UUID, outcome: SendOutcome) -> None:
    await node.db.queries.end_attempt(
        conn,
        attempt_id=attempt_id,
        outcome=outcome.kind,
        code=outcome.code,
        message=outcome.message,
        raw=outcome.raw[:2000],
    )


async def _record_crash(node: Node, conn: Connection, package: Any) -> None:
    """The node died between the attempt and its outcome: nobody knows whether the axis has the package."""
    attempt = await node.db.queries.open_attempt(conn, package_id=package["id"])
    message = "Nút dừng đột ngột khi đang gửi; chưa rõ trục đã nhận hay chưa."
    if attempt is not None:
        outcome = SendOutcome(kind=OutcomeKind.UNKNOWN, code="CRASH", message=message)
        await _end_attempt(node, conn, attempt["id"], outcome)
    await move_package(node, conn, package["id"], Outgoing.SENDING, Outgoing.UNKNOWN, reason=message)


# Outcomes -----------------------------------------------------------------------------------------------------------


async def _accepted(node: Node, conn: Connection, work: Work, package: Any, outcome: SendOutcome) -> None:
    await take_over(node, conn, work, package, Outgoing.SENDING, outcome.axis_doc_id or "")
    await complete(conn, work)


async def _rejected(node: Node, conn: Connection, work: Work, package: Any, outcome: SendOutcome) -> None:
    """Those whom the axis named are undeliverable; so are the others, unless they wait in a package of their own."""
    reason = outcome.message or f"Trục từ chối gói tin (mã {outcome.code})."
    await move_package(node, conn, package["id"], Outgoing.SENDING, Outgoing.REJECTED, reason=reason)
    if package["kind"] == MessageKind.DOCUMENT:
        require(Subject.DELIVERY, Delivery.WAITING, Delivery.UNDELIVERABLE)
        await node.db.queries.refuse_deliveries(
            conn,
            package_id=package["id"],
            named=[code.upper() for code in outcome.refused or package["receiver_codes"]],
            reason=reason,
            with_others=f"Chưa gửi cho nơi này: trục không nhận cả gói tin. {reason}",
            actor=NODE,
        )
        await settle_exchange(node, conn, package["exchange_id"])
    detail = {
        "package_id": str(package["id"]),
        "code": outcome.code,
        "reason": reason,
        "status": package["status_code"],
        "refused": list(outcome.refused),
    }
    await tell_sender(
        node, conn, package["agency_id"], package["exchange_id"], kind="status", label="Trục từ chối", detail=detail
    )
    await complete(conn, work)


async def _retry(node: Node, conn: Connection, work: Work, package: Any, outcome: SendOutcome) -> None:
    policy = node.settings.retry
    await move_package(node, conn, package["id"], Outgoing.SENDING, Outgoing.RETRY_WAIT, reason=outcome.message)
    attempts = package["attempts"] - package["excused"]
    if attempts >= policy.attempts or package["attempts"] >= _EXCUSES_END * policy.attempts:
        reason = f"Đã thử gửi {package['attempts']} lần không được: {outcome.message}"
        await hold_package(node, conn, package, Outgoing.RETRY_WAIT, code="SEND_ATTEMPTS", reason=reason)
        await complete(conn, work)
        return
    waits = Backoff(base=policy.base_seconds, ceiling=policy.cap_seconds)
    delay = backoff_delay(waits, max(attempts, 1), node.random())
    await retry(conn, work, delay=delay, error=f"{outcome.code}: {outcome.message}")


async def _suspended(node: Node, conn: Connection, work: Work, package: Any, outcome: SendOutcome) -> None:
    """The key or the system id is wrong: the whole channel is paused by now, everything queued stays (F07)."""
    await move_package(node, conn, package["id"], Outgoing.SENDING, Outgoing.SUSPENDED, reason=outcome.message)
    await retry(conn, work, delay=0.0, error=outcome.message)


async def _unknown(node: Node, conn: Connection, work: Work, package: Any, outcome: SendOutcome) -> None:
    await move_package(node, conn, package["id"], Outgoing.SENDING, Outgoing.UNKNOWN, reason=outcome.message)
    await retry(conn, work, delay=node.settings.retry.unknown_wait_seconds, error=outcome.message)


OUTCOMES: Final = {
    OutcomeKind.ACCEPTED: _accepted,
    OutcomeKind.REJECTED: _rejected,
    OutcomeKind.RETRY: _retry,
    OutcomeKind.SUSPENDED: _suspended,
    OutcomeKind.UNKNOWN: _unknown,
}


async def requeue(node: Node, conn: Connection, package: Any, *, trace: str | None, actor: str, reason: str) -> None:
    """A person lets a held package go again: the same bytes, the same id."""
    await move_package(node, conn, package["id"], Outgoing.HELD, Outgoing.QUEUED, actor=actor, reason=reason)
    payload = {"package_id": str(package["id"]), "axis": package["axis"]}
    lane = lane_of(package["lane"] == 0)
    await announce(node, conn, "lienthong.package.queued.v1", package["exchange_id"], payload, lane, trace=trace)
