"""Number and date written into their fields, between the leader's signature and the agency's, never later (C6).

Adapter of pyHanko's writer. Source: Nghị định 30/2020/NĐ-CP, Điều 15; signatures.md 4, #7 to #9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pyhanko.sign.fields import FieldMDPSpec

from .document import entry
from .errors import SigningError
from .preparing import fill
from .report import SignerRole
from .sign_job import AGENCY_FIELD, DATE_FIELD, NUMBER_FIELD, FillJob
from .sources import Source, open_source

LONGEST: Final = 200  # characters


def fill_fields(content: bytes, job: FillJob) -> tuple[bytes, tuple[str, ...]]:
    """The document with its fields filled as a new revision, and their names.

    Raises SigningError SIG_NUMBER_AFTER_AGENCY, SIG_NUMBER_LOCKED, SIG_FIELD_MISSING, SIG_FIELD_TEXT.
    """
    source = open_source(content, job.registry)
    values = {NUMBER_FIELD: job.number, DATE_FIELD: job.date}
    given = {name: value for name, value in values.items() if value is not None}
    _refuse_late(source, given)
    _refuse_values(source, given)
    return fill(content, given, text_size=job.text_size), tuple(given)


def _refuse_late(source: Source, given: Mapping[str, str]) -> None:
    if SignerRole.AGENCY in source.roles or AGENCY_FIELD in source.signed:
        raise SigningError("SIG_NUMBER_AFTER_AGENCY", "Không ghi số, ngày sau khi cơ quan đã ký", blame="peer")
    for lock in _locks(source):
        locked = [name for name in given if lock.is_locked(name)]
        if locked:
            raise SigningError(
                "SIG_NUMBER_LOCKED", f"Chữ ký đã có khóa ô {', '.join(locked)}; không ghi được nữa", blame="peer"
            )


def _locks(source: Source) -> Iterator[FieldMDPSpec]:
    for field in source.document.signed_fields:
        for reference in entry(entry(field.node, "/V"), "/Reference") or ():
            if entry(reference.get_object(), "/TransformMethod") == "/FieldMDP":
                yield FieldMDPSpec.from_pdf_object(entry(reference.get_object(), "/TransformParams"))


def _refuse_values(source: Source, given: Mapping[str, str]) -> None:
    present = {field.name for field in source.document.fields if field.kind == "/Tx"}
    for name, value in given.items():
        if name not in present:
            raise SigningError("SIG_FIELD_MISSING", f"Văn bản không có ô {name}", blame="document")
        if not value.strip() or len(value) > LONGEST or not value.isprintable():
            raise SigningError("SIG_FIELD_TEXT", f"Nội dung ô {name} không hợp lệ", blame="peer")
