"""Strings from outside: NFC (TCVN 6909:2001), nothing in them that misleads a reader or breaks XML or PostgreSQL."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

from ..errors import GatewayError, InputFault
from .faults import pointer

# Control characters but tab and line ends, zero width and bidi overrides, surrogates, non-characters.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def clean(value: Any, *, place: str = "") -> tuple[Any, list[InputFault]]:
    """The value with every string in NFC, and a fault for each string that may not come in."""
    faults: list[InputFault] = []
    return _clean(value, place, faults), faults


def _clean(value: Any, place: str, faults: list[InputFault]) -> Any:
    if isinstance(value, str):
        if _FORBIDDEN.search(value):
            faults.append(
                InputFault(code="FIELD_CHARACTERS", place=place, message="Chứa ký tự điều khiển hoặc ký tự ẩn.")
            )
            return ""
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_clean(key, place, faults): _clean(inner, place + pointer(key), faults) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, f"{place}/{position}", faults) for position, inner in enumerate(value)]
    return value


def parse_object(content: bytes, *, what: str) -> dict[str, Any]:
    """A JSON object. Raise JSON_INVALID; a key that stands twice is refused: which one counts would be a guess."""
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_no_doubles, parse_constant=_no_constant, parse_float=_whole
        )
    except (ValueError, RecursionError) as error:
        raise GatewayError("JSON_INVALID", f"{what} không phải JSON hợp lệ: {_reason(error)}.") from error
    if not isinstance(value, dict):
        raise GatewayError("JSON_INVALID", f"{what} phải là một đối tượng JSON.")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"sai cú pháp ở dòng {error.lineno}, cột {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "không phải UTF-8"
    if isinstance(error, RecursionError):
        return "lồng quá sâu"
    return str(error)


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("một trường xuất hiện hai lần")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"không nhận giá trị {name}")


def _whole(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value
