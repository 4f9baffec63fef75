"""Schema errors as Vietnamese faults: every one at once, each with its place as a JSON pointer.

One table from the JSON Schema keyword to code and sentence, at the end of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from ..errors import InputFault

MAX_FAULTS: Final = 100  # a hostile body must not make an endless answer

_TYPES: Final = {
    "string": "chuỗi ký tự",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "true hoặc false",
    "array": "danh sách",
    "object": "đối tượng",
    "null": "null",
}
_FORMATS: Final = {"date": "một ngày có thật, dạng yyyy-MM-dd", "uuid": "một định danh UUID"}


def check(validator: Draft202012Validator, value: object, *, place: str = "") -> list[InputFault]:
    """All faults of ``value``, in the order of the schema; ``place`` stands before every pointer."""
    faults: list[InputFault] = []
    for error in validator.iter_errors(value):
        for fault in _faults(error, place):
            if len(faults) >= MAX_FAULTS:
                return faults
            faults.append(fault)
    return faults


def pointer(*steps: object) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _faults(error: ValidationError, place: str) -> Iterator[InputFault]:
    # Draft 2020-12 validators are what compile() makes, so these attributes are plain JSON values.
    where = place + pointer(*error.absolute_path)
    keyword = str(error.validator)
    if keyword == "required":
        missing = next(name for name in error.validator_value if error.message.startswith(repr(name)))
        yield InputFault(code="FIELD_REQUIRED", place=where + pointer(missing), message="Thiếu trường bắt buộc này.")
        return
    if keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield InputFault(code="FIELD_UNKNOWN", place=where + pointer(name), message="Không có trường này.")
        return
    code, sentence = SENTENCES.get(keyword, ("FIELD_INVALID", lambda _: "Giá trị không hợp lệ."))
    yield InputFault(code=code, place=where, message=sentence(error.validator_value))


def _type_sentence(value: Any) -> str:
    kinds = value if isinstance(value, list) else [value]
    return f"Phải là {' hoặc '.join(_TYPES.get(kind, str(kind)) for kind in kinds)}."


def _enum_sentence(value: Any) -> str:
    return f"Phải là một trong: {', '.join(str(item) for item in value)}."


def _format_sentence(value: Any) -> str:
    return f"Phải là {_FORMATS.get(value, f'giá trị dạng {value}')}."


SENTENCES: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "type": ("FIELD_TYPE", _type_sentence),
    "enum": ("FIELD_VALUE", _enum_sentence),
    "const": ("FIELD_VALUE", lambda v: f"Phải là {v}."),
    "format": ("FIELD_FORMAT", _format_sentence),
    "pattern": ("FIELD_FORMAT", lambda v: f"Sai dạng; phải khớp {v}" if v != "\\S" else "Không được để trống."),
    "minLength": ("FIELD_LENGTH", lambda v: "Không được để trống." if v == 1 else f"Phải có ít nhất {v} ký tự."),
    "maxLength": ("FIELD_LENGTH", lambda v: f"Không được dài quá {v} ký tự."),
    "minimum": ("FIELD_RANGE", lambda v: f"Phải từ {v} trở lên."),
    "maximum": ("FIELD_RANGE", lambda v: f"Không được quá {v}."),
    "minItems": ("FIELD_LENGTH", lambda v: f"Phải có ít nhất {v} mục."),
    "maxItems": ("FIELD_LENGTH", lambda v: f"Không được quá {v} mục."),
    "uniqueItems": ("FIELD_DUPLICATE", lambda _: "Có mục lặp lại."),
    "maxProperties": ("FIELD_LENGTH", lambda v: f"Không được quá {v} trường."),
}
