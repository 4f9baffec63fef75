"""Rows as the JSON of the contract. Pure; the shapes stand in schemas/api/openapi.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from ...edxml.codes import code_lists
from ...edxml.model import BusinessType, Priority
from ...signing.report import LegalValue, Overall
from ..exchanges import Subject, label
from ..identifiers import Noun, show
from .calls import moment

SUBJECTS: Final = {
    Subject.OUTWARD: "Văn bản đi",
    Subject.INWARD: "Văn bản đến",
    Subject.OUTGOING_PACKAGE: "Gói tin gửi",
    Subject.INCOMING_PACKAGE: "Gói tin nhận",
    Subject.DELIVERY: "Nơi nhận",
}
_NOUNS: Final = {
    Subject.OUTWARD: Noun.EXCHANGE,
    Subject.INWARD: Noun.EXCHANGE,
    Subject.OUTGOING_PACKAGE: Noun.PACKAGE,
    Subject.INCOMING_PACKAGE: Noun.PACKAGE,
    Subject.DELIVERY: Noun.DELIVERY,
}
LEGAL_LABELS: Final = {
    LegalValue.ORIGINAL: "Đủ giá trị bản gốc",
    LegalValue.BY_SENDER_RULES: "Đủ theo quy chế của bên gửi",
    LegalValue.REFERENCE: "Chỉ tham khảo",
}


def overall_label(overall: str | None) -> str:
    """The verdict in the words of the report; before the check it says that it is pending."""
    return Overall(overall).label if overall else "CHƯA KIỂM TRA"


def summary_view(row: Any) -> dict[str, Any]:
    """An exchange, outgoing or incoming."""
    subject = Subject(row["direction"])
    number = [part for part in (row["code_number"], row["code_notation"]) if part]
    lists = code_lists()
    return {
        "id": show(Noun.EXCHANGE, row["id"]),
        "state": row["state"],
        "state_label": label(subject, row["state"]),
        "document_id": row["document_id"],
        "sender": {"code": row["sender_code"], "name": row["sender_name"]},
        "code": "/".join(number) or None,
        "promulgation_date": _day(row["promulgation_date"]),
        "type_name": row["type_name"],
        "subject": row["subject"],
        "priority": row["priority"],
        "priority_label": lists.priorities[Priority(row["priority"])],
        "business": row["business_type"],
        "business_label": lists.business_types[BusinessType(row["business_type"])],
        "verdict": verdict_view(row),
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
    }


def verdict_view(row: Any) -> dict[str, Any]:
    legal = row["legal_value"]
    return {
        "overall": row["overall"],
        "label": overall_label(row["overall"]),
        "legal_value": legal,
        "legal_label": LEGAL_LABELS[LegalValue(legal)] if legal else None,
    }


def document_view(
    exchange: Any,
    *,
    deliveries: Sequence[Any],
    packages: Sequence[Any],
    files: Sequence[Any],
    holds: Sequence[Any],
    entry: Any,
) -> dict[str, Any]:
    return {
        **summary_view(exchange),
        "recipients": [_delivery(row) for row in deliveries],
        "packages": [_package(row) for row in packages if row["kind"] == "edoc"],
        "files": [file_view(row) for row in files],
        "register_entry": entry_view(entry),
        "holds": [hold_view(row) for row in holds],
        "metadata": exchange["metadata"],
    }


def incoming_view(
    exchange: Any,
    *,
    package: Any,
    files: Sequence[Any],
    statuses: Sequence[Any],
    holds: Sequence[Any],
    entry: Any,
    recall: Any,
) -> dict[str, Any]:
    envelope = dict(exchange["metadata"])
    return {
        **summary_view(exchange),
        "label": envelope.pop("label", None) or overall_label(exchange["overall"]),
        "files": [file_view(row) for row in files],
        "register_entry": entry_view(entry),
        "holds": [hold_view(row) for row in holds],
        "statuses": [
            {
                "status": row["status_code"],
                "state": row["state"],
                "state_label": label(Subject.OUTGOING_PACKAGE, row["state"]),
                "created_at": moment(row["created_at"]),
            }
            for row in statuses
        ],
        "package": {
            "axis": package["axis"],
            "receiver_doc_id": package["receiver_doc_id"],
            "sha256": package["sha256"],
            "size": package["size"],
            "received_at": moment(package["received_at"]),
            "findings": package["findings"],
        },
        "envelope": envelope,
        "recall": recall_view(recall),
    }


def recall_view(row: Any) -> dict[str, Any] | None:
    """The last request of the sender to give it back, and the answer."""
    if row is None:
        return None
    return {
        "route": row["route"],
        "from_code": row["sender_code"],
        "reason": row["reason"],
        "asked_at": moment(row["asked_at"]),
        "answer": row["answer"],
        "answer_reason": row["answer_reason"],
        "answered_at": moment(row["answered_at"]),
    }


def file_view(row: Any) -> dict[str, Any]:
    report = row["report"]
    overall = report.get("overall") if report else None
    return {
        "position": row["position"],
        "name": row["name"],
        "description": row["description"],
        "content_type": row["content_type"],
        "sha256": row["sha256"],
        "size": row["size"],
        "overall": overall,
        "overall_label": overall_label(overall),
        "report": report,
    }


def entry_view(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "book": row["book"],
        "year": row["year"],
        "number": row["number_text"],
        "arrival_date": _day(row["arrival_date"]),
        "entered_at": moment(row["entered_at"]),
    }


def hold_view(row: Any) -> dict[str, Any]:
    """A hold as the sender sees it: the reasons, never the name of the operator."""
    return {
        "id": show(Noun.HOLD, row["id"]),
        "code": row["code"],
        "reason": row["reason"],
        "proposal": row["proposal"],
        "since": moment(row["since"]),
        "closed_at": moment(row["closed_at"]),
        "closing": row["closing"],
        "closing_reason": row["closing_reason"],
    }


def timeline_view(row: Any) -> dict[str, Any]:
    subject = Subject(row["subject"])
    return {
        "cursor": row["id"],
        "at": moment(row["at"]),
        "subject": str(subject),
        "subject_label": SUBJECTS[subject],
        "subject_id": show(_NOUNS[subject], row["subject_id"]),
        "recipient": row["recipient_code"],
        "from": row["from_state"],
        "from_label": label(subject, row["from_state"]) or None,
        "to": row["to_state"],
        "to_label": label(subject, row["to_state"]),
        "actor": row["actor"],
        "reason": row["reason"],
    }


def mailbox_view(row: Any) -> dict[str, Any]:
    return {
        "cursor": row["sequence"],
        "kind": row["kind"],
        "id": show(Noun.EXCHANGE, row["exchange_id"]),
        "label": row["label"],
        "detail": row["detail"],
        "created_at": moment(row["created_at"]),
    }


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "code": row["recipient_code"],
        "name": row["recipient_name"],
        "axis": row["axis"],
        "state": row["state"],
        "state_label": label(Subject.DELIVERY, row["state"]),
        "state_time": moment(row["state_time"]),
        "reason": row["reason"],
        "receiver_doc_id": row["receiver_doc_id"],
        "transport_state": row["transport_state"],
    }


def _package(row: Any) -> dict[str, Any]:
    return {
        "id": show(Noun.PACKAGE, row["id"]),
        "axis": row["axis"],
        "state": row["state"],
        "state_label": label(Subject.OUTGOING_PACKAGE, row["state"]),
        "recipients": list(row["receiver_codes"]),
        "sha256": row["sha256"],
        "size": row["size"],
        "axis_doc_id": row["axis_doc_id"],
        "attempts": row["attempts"],
        "sent_at": moment(row["sent_at"]),
    }


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
