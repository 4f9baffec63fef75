"""Code lists of the envelope with their Vietnamese names; the data is ``schemas/codes/edxml.toml``."""

from __future__ import annotations

import functools
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from .model import BusinessType, DocumentType, Priority

LEGAL = 1  # Type: văn bản quy phạm pháp luật, danh mục A
ADMINISTRATIVE = 2  # Type: văn bản hành chính, danh mục B
OTHER_KIND = "Khác"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKind:
    """A row of list A or B of Sửa đổi 1:2022."""

    type: int  # 1 quy phạm pháp luật, 2 hành chính
    number: int
    name: str
    certain: bool  # whether the number was read in the text itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status of QĐ 28/2018/QĐ-TTg."""

    code: str
    name: str
    description: str
    sent_by: str  # "receiver" or "sender" of the document
    needs_reason: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    kinds: tuple[DocumentKind, ...]
    kinds_by_name: Mapping[str, tuple[DocumentKind, ...]]  # folded, in the order of ``kinds``
    statuses: Mapping[str, Status]
    priorities: Mapping[Priority, str]
    business_types: Mapping[BusinessType, str]
    business_reasons: Mapping[BusinessType, str]
    steering: Mapping[int, str]

    def kind(self, type_: int | None, number: int | None) -> DocumentKind | None:
        return next((kind for kind in self.kinds if (kind.type, kind.number) == (type_, number)), None)

    def kind_named(self, name: str, type_: int = ADMINISTRATIVE) -> DocumentKind | None:
        """By name without regard to case and to "(cá biệt)", first in the list of ``type_``."""
        named = self.kinds_by_name.get(_folded(name), ())
        return next((kind for kind in named if kind.type == type_), named[0] if named else None)


def _kinds_by_name(kinds: tuple[DocumentKind, ...]) -> Mapping[str, tuple[DocumentKind, ...]]:
    found: dict[str, tuple[DocumentKind, ...]] = {}
    for kind in kinds:
        folded = _folded(kind.name)
        found[folded] = (*found.get(folded, ()), kind)
    return MappingProxyType(found)


@functools.cache
def code_lists() -> CodeLists:
    raw = tomllib.loads((files("lienthong") / "schemas/codes/edxml.toml").read_text("utf-8"))
    kinds = tuple(
        DocumentKind(type=row["class"], number=row["number"], name=row["name"], certain=row.get("certain", True))
        for row in raw["document_type"]
    )
    return CodeLists(
        kinds=kinds,
        kinds_by_name=_kinds_by_name(kinds),
        statuses=MappingProxyType({row["code"]: _status(row) for row in raw["status"]}),
        priorities=MappingProxyType({Priority(int(key)): name for key, name in raw["priority"].items()}),
        business_types=MappingProxyType({BusinessType(int(key)): name for key, name in raw["business_type"].items()}),
        business_reasons=MappingProxyType(
            {BusinessType(int(key)): name for key, name in raw["business_reason"].items()}
        ),
        steering=MappingProxyType({int(key): name for key, name in raw["steering"].items()}),
    )


def kind_name(kind: DocumentType) -> str:
    """Row 6: the name first, then Type 1 or 2 with its number, then Type as a number of list B, else "Khác"."""
    if kind.name:
        return kind.name
    lists = code_lists()
    found = lists.kind(kind.type, kind.detail) or lists.kind(ADMINISTRATIVE, kind.type)
    return found.name if found else OTHER_KIND


def _status(row: Mapping[str, str]) -> Status:
    return Status(
        code=row["code"],
        name=row["name"],
        description=row["description"],
        sent_by=row["sent_by"],
        needs_reason=bool(row.get("needs_reason", False)),
    )


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFC", name).casefold().partition("(")[0]
    return " ".join(text.split())
