"""Documents that wait for revocation data are judged again when the trust store has changed; nobody need ask for it.

Only holds whose reason better data may remove are looked at. A verdict that is final by now ends the hold as a person's
release would, or says what is wrong; one that is still open leaves everything as it is. Never returned by itself
(signatures.md 3.3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import structlog

from ...edxml.identifiers import OrganCode
from ...edxml.model import BusinessType
from ...queue import outbox
from ...queue.port import Connection
from ...signing.errors import SigningError
from ...signing.report import Overall
from ...signing.trust import evidence_key
from ..exchanges import Inward, Outward
from ..node import Node
from .arrivals import Decision, decide_by_files, label_of, put_into_mailbox
from .examination import Examination, Rules, examine_files, files_at_hand, rules_for
from .holding import tell
from .judging import LACKING
from .moves import NODE, move_inward, move_outward
from .outward import examined_message, refusal_of, save_examination

BATCH: Final = 20
WORDS: Final = "Đã có dữ liệu thu hồi; nút xét lại chữ ký: hợp lệ."
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Reexamination:
    """``tried``: with which evidence a held exchange was judged last; the same evidence says the same."""

    tried: dict[UUID, str] = field(default_factory=dict)

    async def round(self, node: Node) -> int:
        """Judge again what may have an answer now; how many holds ended or changed."""
        try:
            key = evidence_key(str(node.trust_folder), node.settings.signing.trust_store)
        except SigningError:
            return 0
        async with node.db.unit(None) as conn:
            rows = node.db.queries.holds_to_judge_again(conn, codes=sorted(LACKING), limit=1000)
            held = [row async for row in rows]
        waiting = [row for row in held if self.tried.get(row["exchange_id"]) != key][:BATCH]
        settled = 0
        for row in waiting:
            settled += await _again(node, row)
            self.tried[row["exchange_id"]] = key
        open_ones = {row["exchange_id"] for row in held}
        self.tried = {one: with_key for one, with_key in self.tried.items() if one in open_ones}
        return settled


async def _again(node: Node, row: Any) -> bool:
    async with node.db.unit(None) as conn:
        exchange = await node.db.queries.exchange_in_hand(conn, id=row["exchange_id"])
        rules = await rules_for(
            node,
            conn,
            sender=OrganCode.parse(exchange["sender_code"]),
            sender_name=exchange["sender_name"] or exchange["agency_name"],
            on=exchange["promulgation_date"],
            received_at=row["received_at"],
        )
    inward = exchange["direction"] == "inward"
    rules = replace(rules, appearance=inward)
    rules = rules.for_digitised() if exchange["digitised"] else rules
    async with files_at_hand(node, exchange["agency_id"], exchange["files"]) as files:
        examination = await examine_files(node, files, rules)
    if examination.overall is Overall.UNDETERMINED:
        return False
    async with node.db.unit(exchange["agency_id"]) as conn:
        hold = await node.db.queries.lock_hold(conn, id=row["id"])
        exchange = await node.db.queries.lock_exchange(conn, id=row["exchange_id"])
        if hold["closed_at"] is not None:
            return False  # a person decided meanwhile
        await save_examination(node, conn, exchange, examination, rules)
        await _ENDINGS[exchange["direction"]](node, conn, hold, exchange, examination, rules)
    _log.info("held-document-judged-again", exchange=str(exchange["id"]), overall=str(examination.overall))
    return True


async def _end_outward(
    node: Node, conn: Connection, hold: Any, exchange: Any, examination: Examination, _rules: Rules
) -> None:
    refusal = refusal_of(examination)
    if refusal is not None:
        await _say_why(node, conn, hold, exchange, Decision(label="Đang giữ", code=refusal[0], reason=refusal[1]))
        return
    await _close(node, conn, hold)
    await move_outward(node, conn, exchange["id"], Outward.HELD, Outward.EXAMINED, reason=WORDS)
    await _tell(node, conn, exchange, "Đã cho gửi", {"actor": NODE, "reason": WORDS})
    await outbox.append(conn, [examined_message(node, exchange)])


async def _end_inward(
    node: Node, conn: Connection, hold: Any, exchange: Any, examination: Examination, rules: Rules
) -> None:
    decision = decide_by_files(examination, strict=rules.strict)
    if decision.held:
        await _say_why(node, conn, hold, exchange, decision)
        return
    await _close(node, conn, hold)
    await move_inward(node, conn, exchange["id"], Inward.HELD, Inward.DELIVERED, reason=WORDS)
    await put_into_mailbox(node, conn, exchange, label=label_of(BusinessType(exchange["business_type"]), decision))


async def _close(node: Node, conn: Connection, hold: Any) -> None:
    await node.db.queries.close_hold(conn, id=hold["id"], actor=NODE, closing="release", reason=WORDS)


async def _say_why(node: Node, conn: Connection, hold: Any, exchange: Any, decision: Decision) -> None:
    """Still held, for a reason that is final: a person decides."""
    await node.db.queries.restate_hold(
        conn, id=hold["id"], code=decision.code, reason=decision.reason, proposal=decision.proposal
    )
    if exchange["direction"] == "outward":
        await _tell(node, conn, exchange, "Đang giữ", {"code": decision.code, "reason": decision.reason})


async def _tell(node: Node, conn: Connection, exchange: Any, label: str, detail: dict[str, object]) -> None:
    await tell(node, conn, exchange["agency_id"], exchange["id"], kind="hold", label=label, detail=detail)


_Ending = Callable[[Node, Connection, Any, Any, Examination, Rules], Awaitable[None]]
_ENDINGS: Final[dict[str, _Ending]] = {"outward": _end_outward, "inward": _end_inward}
