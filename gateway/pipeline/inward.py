"""The inward flow, read top to bottom: look (poll), receive (fetch), acknowledge, examine, then the clerk's answers.

"done" to the axis means safely stored, not accepted; "fail" is never said of anything stored. Duplicates are known in
examine: by the transport key (axis, receiverDocId) and by the business key of DESIGN.md, section 2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ...adapters.axis import AckWord, Axis, MessageKind, ReceivedItem
from ...edxml.errors import EdxmlError
from ...edxml.findings import Finding, Severity
from ...edxml.model import DocumentPackage, StatusPackage
from ...edxml.reader import Reading, read_package
from ...queue.messages import Work
from ...queue.port import Connection
from ...queue.work import complete, enqueue
from ...signing.envelope_keys import value_holds
from ..axis_alarms import Listed, watch_others
from ..directory import own_agencies_named
from ..envelopes import FALSE_SENDERS, judged
from ..exchanges import Incoming
from ..files.layout import NODE_FILES
from ..node import Node
from ..tracing import traceparent
from .arrivals import Arrival, deliver
from .duplicates import had_already, without_it
from .examination import FileToExamine, examine_files, rules_for
from .finishing import finish_acknowledging, finish_fetching
from .handover import channel_of, message, trace_of
from .holding import hold_incoming
from .packaging import scratch_folder
from .passing import through
from .statuses import settle

# 1. Look ------------------------------------------------------------------------------------------------------------


async def poll(node: Node, axis: Axis) -> int:
    """Ask the axis what waits, open a fetch for each new item; the number of new ones. Raises AxisError."""
    new = 0
    for kind in MessageKind:
        asked_at = node.clock()
        items = await axis.list_received(kind)
        first_seen: list[str] = []
        if items:
            async with node.db.unit(None) as conn:
                unknown, first_seen = await _open_fetches(node, conn, axis, kind, items)
                new += unknown
        async with node.db.single() as conn:
            seen = Listed(asked_at=asked_at, kind=kind, items=items, first_seen=first_seen)
            await watch_others(node, conn, axis, seen)
    return new


async def _open_fetches(
    node: Node, conn: Connection, axis: Axis, kind: MessageKind, listed: Sequence[ReceivedItem]
) -> tuple[int, list[str]]:
    """A fetch for each item that is not stored, "done" once more for what has been acknowledged.

    How many are not stored, and which of them were never listed before.
    """
    items = {item.receiver_doc_id: item for item in listed}
    rows = node.db.queries.known_items(conn, axis=axis.name, receiver_doc_ids=list(items))
    known = {row["receiver_doc_id"]: row async for row in rows}
    again = [_again(node, axis, row) for row in known.values() if row["acknowledged_at"] is not None]
    unknown = [item for item in items.values() if item.receiver_doc_id not in known]
    fetches = {
        item.receiver_doc_id: _fetch_work(node, axis, item.receiver_doc_id, kind, item.sender_code, item.receiver_code)
        for item in unknown
    }
    opened = await enqueue(conn, *again, *fetches.values())
    return len(unknown), [receiver_doc_id for receiver_doc_id, work in fetches.items() if work.id in opened]


def _fetch_work(
    node: Node, axis: Axis, receiver_doc_id: str, kind: MessageKind, sender: str | None, receiver: str | None
) -> Work:
    key = f"fetch:{axis.name}:{receiver_doc_id}"
    payload = {
        "axis": axis.name,
        "receiver_doc_id": receiver_doc_id,
        "kind": kind.value,
        "sender": sender,
        "receiver": receiver,
    }
    return Work(id=node.new_id(), kind="fetch", key=key, once=key, channel=channel_of(axis.name), payload=payload)


def _again(node: Node, axis: Axis, row: Any) -> Work:
    """Listed again although acknowledged: our "done" was lost (F16), it is said again."""
    key = f"ack:{row['id']}"
    payload = {"incoming_id": str(row["id"]), "axis": axis.name}
    return Work(id=node.new_id(), kind="acknowledge", key=key, once=key, channel=channel_of(axis.name), payload=payload)


# 2. Receive ---------------------------------------------------------------------------------------------------------


async def fetch(node: Node, work: Work) -> None:
    """Stream the raw bytes to the file store, then row and message in one transaction; only then acknowledge."""
    order = work.payload
    temporary = await node.files.new_temporary()
    try:
        axis = node.axes[order["axis"]]
        if await through(node, work, axis.name, lambda: axis.fetch(order["receiver_doc_id"], temporary)) is None:
            return
        stored = await node.files.adopt(NODE_FILES, temporary)
    finally:
        temporary.unlink(missing_ok=True)
    incoming_id = node.new_id()
    payload = {"incoming_id": str(incoming_id), "axis": order["axis"]}
    trace = traceparent(None, node.new_id())  # a package brings no trace along: one begins here
    said = [message(node, "lienthong.package.received.v1", incoming_id, payload, trace=trace)]
    await finish_fetching(node, work, incoming_id, stored, said)


async def acknowledge(node: Node, work: Work) -> None:
    """Say "done": safely stored. Said again whenever the axis lists the item again."""
    incoming_id = UUID(work.payload["incoming_id"])
    async with node.db.single() as conn:
        incoming = await node.db.queries.incoming_by_id(conn, id=incoming_id)
    axis = node.axes[incoming["axis"]]

    async def say() -> bool:
        await axis.ack(incoming["receiver_doc_id"], AckWord.DONE)
        return True

    if await through(node, work, axis.name, say):
        await finish_acknowledging(node, work, incoming_id)


# 3. Examine ---------------------------------------------------------------------------------------------------------


async def examine_incoming(node: Node, work: Work) -> None:
    """Read tolerantly, unwrap, inspect, verify; then give the document to each of our agencies it names."""
    incoming_id = UUID(work.payload["incoming_id"])
    async with node.db.single() as conn:
        incoming = await node.db.queries.incoming_by_id(conn, id=incoming_id)
    if incoming["state"] not in (Incoming.RECEIVED, Incoming.PARKED):
        async with node.db.unit(None) as conn:
            await complete(conn, work)
        return
    with scratch_folder(node.scratch / f"in-{incoming_id}") as folder:
        try:
            async with node.files.at_hand(NODE_FILES, incoming["sha256"]) as path:
                reading = await asyncio.to_thread(_read, node, path, folder)
        except EdxmlError as error:
            await _hold_unreadable(node, work, incoming, error)
            return
        if isinstance(reading.package, StatusPackage):
            false = next((one for one in reading.findings if one.code in FALSE_SENDERS), None)
            if false is not None:
                reason = EdxmlError(false.code, false.message, findings=(false,))
                await _hold_unreadable(node, work, incoming, reason)
                return
            async with node.db.unit(None) as conn:
                await complete(conn, work)
                await settle(node, conn, incoming, reading.package)
            return
        await _examine_document(node, work, incoming, reading, reading.package)


def _read(node: Node, path: Path, folder: Path) -> Reading:
    reading = read_package(path, folder, limits=node.settings.limits, valid=value_holds)
    return judged(reading, node.settings.envelope_peers)


async def _hold_unreadable(node: Node, work: Work, incoming: Any, error: EdxmlError) -> None:
    findings = [findings_json(finding) for finding in error.findings]
    reason = error.message if error.code in FALSE_SENDERS else f"Không đọc được gói tin: {error.message}"
    async with node.db.unit(None) as conn:
        await complete(conn, work)
        await hold_incoming(
            node,
            conn,
            incoming["id"],
            Incoming.RECEIVED,
            code=error.code,
            reason=reason,
            proposal="02",
            findings=findings,
        )


async def _examine_document(node: Node, work: Work, incoming: Any, reading: Reading, package: DocumentPackage) -> None:
    async with node.db.single() as conn:
        named = await own_agencies_named(node, conn, [receiver.code for receiver in package.receivers])
        agencies = await without_it(node, conn, package, reading.content_digest, named)
        rules = await rules_for(
            node,
            conn,
            sender=package.sender.code,
            sender_name=package.sender.name,
            on=package.promulgation_date,
            received_at=incoming["received_at"],
        )
    if named and not agencies:
        async with node.db.unit(None) as conn:
            await complete(conn, work)
            await had_already(node, conn, incoming, reading)
        return
    files = [
        FileToExamine(path=one.path, name=one.name, content_type=one.content_type, sha256=one.sha256)
        for one in package.attachments
    ]
    examination = await examine_files(node, files, replace(rules, appearance=True))
    for agency in agencies:  # durable before the commit that names them; the last agency's move would empty the folder
        for one in package.attachments:
            await node.files.keep(agency.id, one.path, sha256=one.sha256)
    async with node.db.unit(None) as conn:
        await complete(conn, work)
        arrival = Arrival(
            incoming=incoming,
            reading=reading,
            package=package,
            examination=examination,
            rules=rules,
            traceparent=trace_of(work),
        )
        await deliver(node, conn, arrival, agencies)


def findings_json(finding: Finding) -> dict[str, object]:
    return {key: str(value) if isinstance(value, Severity) else value for key, value in asdict(finding).items()}


STEPS: Final[dict[str, Callable[[Node, Work], Awaitable[None]]]] = {
    "fetch": fetch,
    "acknowledge": acknowledge,
    "examine_incoming": examine_incoming,
}
