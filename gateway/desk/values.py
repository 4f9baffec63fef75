"""What a signing case asks for: values only, already well-formed against the OpenAPI schema ``SigningRequest``.

Delegation hands over authority, never a key: who signs KT., TL. or TUQ. signs with the own certificate (registers.md
C22; NĐ 30/2020/NĐ-CP Điều 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from ...signing.copies import CopyForm
from ...signing.sign_job import Box, Capacity, Flow, Level, PlacedField, SignerBlock, Subfilter

BOOK = "van-ban-di"


class Appearance(StrEnum):
    ND30 = "ND30"  # NĐ 30/2020 Phụ lục I
    TT01_2019 = "TT01_2019"  # seal with the agency's name and the time (C7, C8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """From whom the signer's authority comes; a written one is limited in time (Điều 13.4)."""

    principal: str  # chức vụ, or the collective for TM.
    by: str | None = None  # họ tên người giao
    document: str | None = None  # văn bản ủy quyền
    since: date | None = None
    until: date | None = None

    def covers(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    position: str
    full_name: str | None = None  # absent where the agency's documents carry no typed name (TN-14.2)
    capacity: Capacity | None = None
    delegation: Delegation | None = None

    @property
    def block(self) -> SignerBlock:
        principal = self.delegation.principal if self.delegation else None
        return SignerBlock(title=self.position, capacity=self.capacity, principal=principal, name=self.full_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRequest:
    """Absent stays absent: what is not asked for comes from the agency's rules or the node's settings."""

    notation: str
    type_name: str
    subject: str
    signer: Signer
    secrecy: str = "thường"
    book: str = BOOK
    flow: Flow | None = None
    appearance: Appearance | None = None
    subfilter: Subfilter | None = None
    level: Level | None = None
    initials: int = 0
    place: str | None = None  # địa danh before the date
    seal_diameter_mm: float | None = None
    source_files: tuple[str, ...] = ()  # names of attachments that are the editable source, not released
    reservation: UUID | None = None  # a number that was reserved before
    document_date: date | None = None
    places: tuple[PlacedField, ...] = ()
    copy_form: CopyForm = CopyForm.TRUE_COPY  # hình thức sao of a paper's scan (NĐ 30/2020, Điều 25)


def request_from_json(value: Mapping[str, Any]) -> CaseRequest:
    """The metadata part; its types were checked against the contract."""
    return CaseRequest(
        notation=value["notation"],
        type_name=value["type_name"],
        subject=value["subject"],
        signer=_signer(value["signer"]),
        secrecy=value.get("secrecy", "thường"),
        book=value.get("book", BOOK),
        flow=_one(Flow, value.get("flow")),
        appearance=_one(Appearance, value.get("appearance")),
        subfilter=_one(Subfilter, value.get("subfilter")),
        level=_one(Level, value.get("level")),
        initials=value.get("initials", 0),
        place=value.get("place"),
        seal_diameter_mm=value.get("seal_diameter_mm"),
        source_files=tuple(value.get("source_files", ())),
        reservation=UUID(value["reservation"]) if value.get("reservation") else None,
        document_date=_day(value.get("document_date")),
        copy_form=CopyForm(value.get("copy_form", CopyForm.TRUE_COPY)),
        places=tuple(_place(item) for item in value.get("places", ())),
    )


def _one(kind: Any, text: str | None) -> Any:
    return None if text is None else kind(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _signer(value: Mapping[str, Any]) -> Signer:
    return Signer(
        position=value["position"],
        full_name=value.get("full_name"),
        capacity=_one(Capacity, value.get("capacity")),
        delegation=_delegation(value.get("delegation")),
    )


def _delegation(value: Mapping[str, Any] | None) -> Delegation | None:
    if value is None:
        return None
    return Delegation(
        principal=value["principal"],
        by=value.get("by"),
        document=value.get("document"),
        since=_day(value.get("from")),
        until=_day(value.get("to")),
    )


def _place(value: Mapping[str, Any]) -> PlacedField:
    left, bottom, right, top = (float(number) for number in value["box"])
    box: Box = (left, bottom, right, top)
    return PlacedField(name=value["name"], page=value["page"], box=box)
