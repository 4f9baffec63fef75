"""How a step ends when nothing is out of the ordinary: in one statement, which is its transaction (``steps.sql``).

The statement holds everything that must happen together: the lease is still ours, the state is still the one the step
began with, what the step made, the events, the message that opens the next step. Each function answers False when the
statement found another state or lost the lease, and nothing happened: the caller then goes the long way, which finds
out why and says so; where nothing but the lease can be lost, LeaseLost is raised at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from ...adapters.axis import SendOutcome
from ...queue import outbox
from ...queue.messages import Message, Work
from ...queue.work import completed, held, lease
from ..evidence import rows_of
from ..exchanges import Delivery, Outgoing, Outward, Subject, require
from ..files.layout import StoredFile
from ..node import Node
from .examination import Examination, Rules
from .moves import NODE


async def finish_examination(
    node: Node, work: Work, exchange_id: UUID, examination: Examination, rules: Rules, said: Sequence[Message]
) -> bool:
    """ACCEPTED to EXAMINED with the reports and the verdict."""
    require(Subject.OUTWARD, Outward.ACCEPTED, Outward.EXAMINED)
    reports = examination.as_json()
    async with node.db.single() as conn:
        row = await node.db.queries.finish_examination(
            conn,
            **lease(work),
            exchange_id=exchange_id,
            overall=examination.overall,
            legal_value=examination.legal_value,
            policy_id=rules.main.id,
            positions=list(range(len(reports))),
            reports=reports,
            evidence=rows_of(examination.evidence),
            actor=NODE,
            messages=outbox.rows(said),
        )
        return _ended(conn, row, said)


async def finish_packaging(
    node: Node,
    work: Work,
    exchange_id: UUID,
    packages: Sequence[dict[str, Any]],
    entry: dict[str, Any],
    said: Sequence[Message],
) -> bool:
    """EXAMINED to PACKAGED with the packages and the register entry; also False when the number is taken."""
    require(Subject.OUTWARD, Outward.EXAMINED, Outward.PACKAGED)
    try:
        async with node.db.single() as conn:
            row = await node.db.queries.finish_packaging(
                conn,
                **lease(work),
                exchange_id=exchange_id,
                packages=list(packages),
                lane=said[0].lane,
                actor=NODE,
                messages=outbox.rows(said),
                **entry,
            )
            return _ended(conn, row, said)
    except UniqueViolationError:
        return False


async def finish_sending(
    node: Node, work: Work, package: Any, attempt_id: UUID, outcome: SendOutcome, said: Sequence[Message]
) -> bool:
    """SENDING to ACCEPTED, with the deliveries and the document where this is its only package."""
    require(Subject.OUTGOING_PACKAGE, Outgoing.SENDING, Outgoing.ACCEPTED)
    require(Subject.DELIVERY, Delivery.WAITING, Delivery.SENT)
    require(Subject.OUTWARD, Outward.PACKAGED, Outward.SENT)
    async with node.db.single() as conn:
        row = await node.db.queries.finish_sending(
            conn,
            **lease(work),
            package_id=package["id"],
            axis_doc_id=outcome.axis_doc_id or "",
            attempt_id=attempt_id,
            code=outcome.code,
            message=outcome.message,
            raw=outcome.raw[:2000],
            actor=NODE,
            messages=outbox.rows(said),
        )
        return _ended(conn, row, said)


async def finish_fetching(
    node: Node, work: Work, incoming_id: UUID, stored: StoredFile, said: Sequence[Message]
) -> None:
    """The received package, once for each item of the axis. Raises LeaseLost."""
    order = work.payload
    async with node.db.single() as conn:
        row = await node.db.queries.finish_fetching(
            conn,
            **lease(work),
            id=incoming_id,
            axis=order["axis"],
            receiver_doc_id=order["receiver_doc_id"],
            kind=order["kind"],
            listed_sender=order["sender"],
            listed_receiver=order["receiver"],
            sha256=stored.sha256,
            size=stored.size,
            actor=NODE,
            messages=outbox.rows(said),
        )
        completed(conn, held(row, work))
        outbox.written(conn, said)


async def finish_acknowledging(node: Node, work: Work, incoming_id: UUID) -> None:
    """The axis was told that the package is stored. Raises LeaseLost."""
    async with node.db.single() as conn:
        row = await node.db.queries.finish_acknowledging(conn, **lease(work), id=incoming_id)
        completed(conn, held(row, work))


def _ended(conn: Any, row: Any, said: Sequence[Message]) -> bool:
    if row is None:
        return False
    completed(conn, row)
    outbox.written(conn, said)
    return True
