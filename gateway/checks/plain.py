"""Values of the house as plain JSON: absent fields are left out, wire spellings kept."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from ...edxml.model import DocumentPackage, Package


def plain(value: Any) -> Any:
    """``value`` and everything inside as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        items = {field.name: getattr(value, field.name) for field in fields(value)}
        if set(items) == {"value"}:  # OrganCode, DocumentId
            return items["value"]
        return {name: plain(inner) for name, inner in items.items() if inner is not None}
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Path) else value


def package_json(package: Package) -> dict[str, Any]:
    """Every field that was read; where an attachment lay while it was read is nobody's business."""
    value: dict[str, Any] = plain(package)
    for attachment in value.get("attachments", ()):
        attachment.pop("path")
    return {"type": "edoc" if isinstance(package, DocumentPackage) else "status", **value}
