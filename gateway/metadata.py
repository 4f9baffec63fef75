"""The metadata part of a submission: canonical JSON <-> ``Metadata``. The shape is the OpenAPI schema ``Metadata``.

The JSON was validated against that schema before it comes here, so types are trusted; it is kept with the exchange as
it was, and read again by the later steps. Absent stays absent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from ..edxml.codes import code_lists
from ..edxml.identifiers import DocumentId, OrganCode
from ..edxml.model import (
    Business,
    BusinessType,
    DocumentType,
    OtherInfo,
    Priority,
    ReceiverChange,
    Replacement,
    ResponseFor,
    Signer,
    StaffInfo,
    UpdateInfo,
)
from .submissions import Metadata


def canonical(value: Mapping[str, Any]) -> bytes:
    """One byte form for one meaning: what the idempotency hash is computed over."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def metadata_from_json(value: Mapping[str, Any]) -> Metadata:
    """Raise EdxmlError for a code that cannot be one; every other rule is checked in pipeline/intake.py."""
    return Metadata(
        recipients=tuple(OrganCode.parse(code) for code in value["recipients"]),
        number=value.get("number"),
        reservation=UUID(value["reservation"]) if value.get("reservation") else None,
        notation=value["notation"],
        promulgation_date=date.fromisoformat(value["promulgation_date"]),
        document_type=_document_type(value["type_name"]),
        subject=value["subject"],
        signer=_signer(value["signer"]),
        business=_business(value.get("business") or {}),
        document_id=DocumentId(value["document_id"]) if value.get("document_id") else None,
        secrecy=value.get("secrecy", "thường"),
        place=value.get("place"),
        content=value.get("content"),
        due_date=_date(value.get("due_date")),
        other=_other(value),
        responses=tuple(_response(item) for item in value.get("responses", ())),
        steering=value.get("steering", 0),
        to_places=tuple(value.get("to_places", ())),
        book=value.get("book", "van-ban-di"),
        keeper=value.get("keeper"),
        note=value.get("note"),
    )


def _document_type(name: str) -> DocumentType:
    """By the lists of SĐ1:2022; a name that no list has keeps no number, and is refused by the quick checks."""
    kind = code_lists().kind_named(name)
    return DocumentType(type=kind.type, detail=kind.number, name=name) if kind else DocumentType(name=name)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _signer(value: Mapping[str, Any]) -> Signer:
    return Signer(competence=value.get("competence"), position=value.get("position"), full_name=value.get("full_name"))


def _other(value: Mapping[str, Any]) -> OtherInfo:
    return OtherInfo(
        priority=Priority(value.get("priority", 0)),
        sphere=value.get("sphere"),
        typist_notation=value.get("typist_notation"),
        copies=value.get("copies"),
        pages=value.get("pages"),
        appendixes=tuple(value.get("appendixes", ())),
    )


def _response(value: Mapping[str, Any]) -> ResponseFor:
    return ResponseFor(
        organ=OrganCode.parse(value["organ"]) if value.get("organ") else None,
        code=value.get("code"),
        document_id=DocumentId(value["document_id"]) if value.get("document_id") else None,
        promulgation_date=_date(value.get("promulgation_date")),
    )


def _business(value: Mapping[str, Any]) -> Business:
    kind = BusinessType(value.get("type", 0))
    return Business(
        type=kind,
        reason=value.get("reason") or code_lists().business_reasons[kind],
        document_id=DocumentId(value["document_id"]) if value.get("document_id") else None,
        paper=value.get("paper", False),
        update=_update(value["update"]) if value.get("update") else None,
        replacements=tuple(_replacement(item) for item in value.get("replacements", ())),
        staff=_staff(value["staff"]) if value.get("staff") else None,
    )


def _update(value: Mapping[str, Any]) -> UpdateInfo:
    return UpdateInfo(
        document_changed=value["document_changed"],
        receivers_changed=value["receivers_changed"],
        receivers=tuple(
            ReceiverChange(organ=OrganCode.parse(item["organ"]), added=item["added"])
            for item in value.get("receivers", ())
        ),
    )


def _replacement(value: Mapping[str, Any]) -> Replacement:
    return Replacement(
        document_id=DocumentId(value["document_id"]),
        organs=tuple(OrganCode.parse(code) for code in value.get("organs", ())),
    )


def _staff(value: Mapping[str, Any]) -> StaffInfo:
    return StaffInfo(
        department=value.get("department"),
        staff=value.get("staff"),
        email=value.get("email"),
        mobile=value.get("mobile"),
    )
