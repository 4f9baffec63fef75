"""Signing cases, sessions and tickets as every surface shows them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from ...signing.sign_job import SignStep
from ...signing.tokens import TokenInfo
from ..desk.external import ToSign
from ..desk.numbering import number_text
from ..desk.orders import files_of_step, step_of
from ..desk.records import CaseView
from ..desk.signing import Outcome
from ..desk.states import LABELS
from ..desk.tickets import Issued, Ticket
from ..identifiers import Noun, show
from .calls import moment

STEP_LABELS = {
    "received": "Đã nhận",
    "prepared": "Đã đặt ô chữ ký, số và ngày",
    "number": "Đã ghi số và ngày",
    SignStep.INITIALS: "Ký nháy",
    SignStep.LEADER: "Người có thẩm quyền ký",
    SignStep.AGENCY: "Cơ quan ký",
    SignStep.ANNEX: "Cơ quan ký tệp kèm theo",
    SignStep.COPY: "Cơ quan ký bản sao",
    SignStep.DIGITISED: "Cơ quan ký bản số hóa",
}
ROLES = {"leader": "Người có thẩm quyền", "clerk": "Văn thư", "initials": "Người ký nháy"}


def case_summary(row: Any) -> dict[str, Any]:
    number = row["number"]
    return {
        "id": show(Noun.SIGNING_CASE, row["id"]),
        "state": row["state"],
        "state_label": LABELS[row["state"]],
        "flow": row["flow"],
        "book": row["book"],
        "number": None if number is None else number_text(number),
        "notation": row["notation"],
        "document_date": None if row["document_date"] is None else row["document_date"].isoformat(),
        "reservation": None if row["reservation"] is None else str(row["reservation"]),
        "type_name": row["type_name"],
        "subject": row["subject"],
        "document": None if row["exchange_id"] is None else show(Noun.EXCHANGE, row["exchange_id"]),
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
    }


def case_view(
    case: CaseView,
    *,
    revisions: Sequence[Any] = (),
    signatures: Sequence[Any] = (),
    events: Sequence[Any] = (),
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    row = case.row
    return {
        **case_summary(row),
        "profile": row["profile"],
        "initials": row["initials"],
        "initials_made": row["initials_made"],
        "form_checked_by": row["form_checked_by"],
        "files": [_file(file) for file in case.files],
        "revisions": [_revision(one) for one in revisions],
        "signatures": [_signature(one) for one in signatures],
        "events": [_event(one) for one in events],
        "warnings": list(warnings),
    }


def _file(row: Any) -> dict[str, Any]:
    return {
        "position": row["position"],
        "kind": row["kind"],
        "name": row["name"],
        "sha256": row["sha256"],
        "size": row["size"],
        "revision": row["revision"],
        "agency_signed": row["agency_signed"],
        "overall": (row["report"] or {}).get("overall"),
    }


def _revision(row: Any) -> dict[str, Any]:
    return {
        "position": row["position"],
        "revision": row["revision"],
        "step": row["step"],
        "step_label": STEP_LABELS[row["step"]],
        "sha256": row["sha256"],
        "size": row["size"],
        "actor": row["actor"],
        "at": moment(row["at"]),
    }


def _signature(row: Any) -> dict[str, Any]:
    return {
        "position": row["position"],
        "step": row["step"],
        "step_label": STEP_LABELS[row["step"]],
        "holder": row["holder"],
        "certificate": row["certificate_sha256"],
        "capacity": row["capacity"],
        "level": row["level"],
        "attended_by": "session" if row["session_id"] is not None else "ticket",
        "before_sha256": row["before_sha256"],
        "after_sha256": row["after_sha256"],
        "signing_time": moment(row["signing_time"]),
    }


def _event(row: Any) -> dict[str, Any]:
    return {
        "at": moment(row["at"]),
        "from": row["from_state"],
        "to": row["to_state"],
        "label": LABELS[row["to_state"]],
        "actor": row["actor"],
        "reason": row["reason"],
    }


def token_view(token: TokenInfo) -> dict[str, Any]:
    return {
        "module": token.module,
        "serial": token.serial,
        "label": token.label,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "pin": token.pin,
        "pin_label": token.pin.words,
        "tries_left": token.pin.tries_left,
        "keys": [
            {"label": key.label, "algorithm": key.algorithm, "bits": key.bits, "certificate": key.sha256}
            for key in token.keys
        ],
    }


def session_view(row: Any, cases: Sequence[Any]) -> dict[str, Any]:
    return {
        "id": show(Noun.SIGNING_SESSION, row["id"]),
        "role": row["role"],
        "role_label": ROLES[row["role"]],
        "holder": row["holder"],
        "certificate": row["certificate_sha256"],
        "opened_at": moment(row["opened_at"]),
        "expires_at": moment(row["expires_at"]),
        "closed_at": moment(row["closed_at"]),
        "closing": row["closing"],
        "cases": [case_summary(case) for case in cases],
    }


def outcome_view(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": show(Noun.SIGNING_CASE, outcome.case_id),
        "signed": outcome.code is None,
        "state": outcome.state,
        "state_label": None if outcome.state is None else LABELS[outcome.state],
        "code": outcome.code,
        "message": outcome.message,
        "warnings": list(outcome.warnings),
    }


def issued_view(issued: Issued, base: str) -> dict[str, Any]:
    return {
        "ticket": issued.ticket,
        "channel": issued.channel,
        "expires_at": moment(issued.expires_at),
        "url": base,
        "files": [{"position": position, "url": f"{base}/{position}"} for position in issued.positions],
    }


def ticket_view(ticket: Ticket) -> dict[str, Any]:
    """What the holder reads before the PIN is asked for: what exactly will be signed, and as whom."""
    row, waiting = ticket.case.row, {file["position"] for file in files_of_step(ticket.ready)}
    return {
        "agency": ticket.ready.agency_name,
        "role": ticket.ready.role,
        "role_label": ROLES[ticket.ready.role],
        "holder": ticket.row["holder"],
        "certificate": ticket.row["certificate_sha256"],
        "type_name": row["type_name"],
        "notation": row["notation"],
        "number": None if row["number"] is None else number_text(row["number"]),
        "subject": row["subject"],
        "expires_at": moment(ticket.row["expires_at"]),
        "files": [
            {
                "position": file["position"],
                "name": file["name"],
                "sha256": file["sha256"],
                "size": file["size"],
                "step": step_of(ticket.ready, file),
                "step_label": STEP_LABELS[step_of(ticket.ready, file)],
                "done": file["state"] == "done" or file["position"] not in waiting,
            }
            for file in ticket.files
        ],
    }


def start_view(start: ToSign) -> dict[str, Any]:
    return {
        "signed_attributes": b64encode(start.signed_attributes).decode(),
        "digest": start.digest,
        "algorithm": start.algorithm,
        "gap": list(start.gap),
    }
