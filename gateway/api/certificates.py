"""The delivery certificate of an outgoing document: facts out of the read model, drawn on a worker thread."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from ...signing.report import Overall, SignerRole
from ..exchanges import Delivery, Subject, label
from ..identifiers import Noun, show
from ..monitoring.certificate import render_certificate
from ..monitoring.certificate_facts import CertificateFacts, FileFact, RecipientFact, StepFact
from .calls import VIETNAM, Call
from .documents import find_exchange
from .stored import disposition
from .views import SUBJECTS

_STEPS: Final = 200  # events read; the page shows fewer and says where the rest is
_PROBLEMS: Final = frozenset({Delivery.REFUSED, Delivery.UNDELIVERABLE, Delivery.CANCELLED})
_ROLES: Final = {
    SignerRole.LEADER: "người có thẩm quyền",
    SignerRole.AGENCY: "cơ quan",
    SignerRole.INITIALS: "ký nháy",
    SignerRole.OTHER: "khác",
}


async def show_certificate(call: Call) -> web.Response:
    facts = await _facts(call)
    target = io.BytesIO()
    await asyncio.to_thread(render_certificate, facts, target)
    headers = {"Content-Disposition": disposition(f"giay-xac-nhan-{facts.id}.pdf"), "Cache-Control": "no-store"}
    return web.Response(body=target.getvalue(), content_type="application/pdf", headers=headers)


async def _facts(call: Call) -> CertificateFacts:
    node, queries = call.node, call.node.db.queries
    async with node.db.unit(call.agency.agency_id) as conn:
        exchange = await find_exchange(node, conn, call.agency.agency_id, call.identifier(Noun.EXCHANGE), "outward")
        key = {"exchange_id": exchange["id"]}
        files = [row async for row in queries.files_of_exchange(conn, **key)]
        deliveries = [row async for row in queries.deliveries_of_exchange(conn, **key)]
        sent = {row["id"]: row["sent_at"] async for row in queries.packages_of_exchange(conn, **key)}
        arrived = {row["subject_id"]: row["at"] async for row in queries.arrivals_of_exchange(conn, **key)}
        events = [row async for row in queries.timeline_page(conn, **key, after=0, limit=_STEPS)]
    shown = show(Noun.EXCHANGE, exchange["id"])
    return CertificateFacts(
        id=shown,
        node=f"Nút liên thông văn bản {node.settings.province_name}".strip(),
        issued_at=node.clock(),
        sender_code=exchange["sender_code"],
        sender_name=exchange["sender_name"] or exchange["sender_code"],
        code=f"{exchange['code_number']}/{exchange['code_notation']}",
        day=exchange["promulgation_date"],
        subject=exchange["subject"],
        document_id=exchange["document_id"],
        files=tuple(_file(row) for row in files),
        recipients=tuple(_recipient(row, sent, arrived) for row in deliveries),
        steps=_steps(events),
        list_at=f"/v1/documents/{shown}",
    )


def _file(row: Any) -> FileFact:
    report = row["report"] or {}
    # Other formats carry no signature of NĐ 30/2020; a PDF without report was not looked at.
    silent = Overall.UNDETERMINED if row["content_type"] == "application/pdf" else Overall.NOT_APPLICABLE
    return FileFact(
        name=row["name"],
        size=row["size"],
        sha256=row["sha256"],
        overall=Overall(report.get("overall", silent)),
        signers=tuple(_signer(signature) for signature in report.get("signatures", ())),
    )


def _signer(signature: dict[str, Any]) -> str:
    role = _ROLES[SignerRole(signature["role"])]
    text = f"{signature['signer_name']} ({role})"
    if signature["signing_time"] is None:
        return text
    at = datetime.fromisoformat(signature["signing_time"]).astimezone(VIETNAM)
    return f"{text}, {at:%H:%M:%S %d/%m/%Y}"


def _recipient(row: Any, sent: dict[UUID, datetime], arrived: dict[UUID, datetime]) -> RecipientFact:
    return RecipientFact(
        code=row["recipient_code"],
        name=row["recipient_name"],
        state=label(Subject.DELIVERY, row["state"]),
        problem=row["state"] in _PROBLEMS,
        sent_at=sent.get(row["package_id"]),
        arrived_at=arrived.get(row["id"]),
        changed_at=row["state_time"],
        reason=row["reason"],
    )


def _steps(events: Sequence[Any]) -> tuple[StepFact, ...]:
    """What happened to the document and its packages; the recipients have their own table."""
    return tuple(
        StepFact(
            at=row["at"],
            text=f"{SUBJECTS[Subject(row['subject'])]}: {label(Subject(row['subject']), row['to_state'])}"
            + (f" ({row['reason']})" if row["reason"] else ""),
        )
        for row in events
        if row["subject"] != Subject.DELIVERY
    )
