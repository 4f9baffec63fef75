"""Frozen dataclasses as JSON and back, by their declared types: datetimes, enums, tuples and nested values.

For values that travel to a worker or wait in a file between two steps. No I/O.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import SigningError

V = TypeVar("V")


def to_json(value: object) -> Any:
    """Dataclasses become objects, tuples arrays, times ISO 8601 text, bytes base64; what is absent stays ``null``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[V], value: Mapping[str, Any]) -> V:
    """Raises SigningError SIG_JOB_MALFORMED for unknown or missing names and for values of another kind."""
    try:
        made: V = _object(kind, value)
    except (TypeError, ValueError, AttributeError) as cause:
        raise SigningError("SIG_JOB_MALFORMED", f"Mô tả việc ký không đọc được: {cause}") from cause
    return made


def _object(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints.get(name, object), part) for name, part in value.items()})


def _value(kind: Any, part: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if part is None:
            return None
        return _value(next(k for k in get_args(kind) if k is not type(None)), part)
    if origin is tuple:
        kinds = get_args(kind)
        each = [kinds[0]] * len(part) if kinds[-1] is Ellipsis else kinds
        return tuple(_value(k, p) for k, p in zip(each, part, strict=True))
    if is_dataclass(kind):
        return _object(kind, part)
    if kind is bytes:
        return base64.b64decode(part, validate=True)
    if kind in (datetime, date):
        return kind.fromisoformat(part)
    return kind(part) if isinstance(kind, type) and issubclass(kind, Enum) else part
