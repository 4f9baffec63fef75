"""The content digest of a package: equal for two deliveries of one package (edxml.md row 28).

An axis re-serialises what it carries and adds a TraceHeader, so the bytes of two deliveries differ. The digest is
taken over the header's values without TraceHeaders (NFC, trimmed) and the SHA-256 of the unwrapped attachments.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

from .model import Package

_LEFT_OUT = {"traces", "path", "content_type", "content_id"}


def content_digest(package: Package) -> str:
    """Lower-case hex SHA-256 over canonical JSON of the values."""
    canonical = json.dumps(_canonical(package), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return None
    if dataclasses.is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _canonical(item) for name, item in named if name not in _LEFT_OUT and item is not None}
    return value
