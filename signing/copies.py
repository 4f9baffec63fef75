"""Copies of documents: the three forms, which medium may become which, number and legend. Values only.

Source: Nghị định 30/2020/NĐ-CP, Điều 25 (hình thức bản sao), Điều 26 (giá trị pháp lý), Phụ lục I Phần II, Phụ lục
III mục I (chữ viết tắt); registers.md 3.1 and C10.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .errors import SigningError


class CopyForm(StrEnum):
    """Hình thức sao; the value is what stands on the copy."""

    TRUE_COPY = "SAO Y"
    COPY_OF_COPY = "SAO LỤC"  # made of a bản sao y
    EXTRACT = "TRÍCH SAO"

    @property
    def abbreviation(self) -> str:
        """For the copy's ký hiệu; told apart from others by case and diacritics (registers.md 3.1)."""
        return _ABBREVIATIONS[self]


class Medium(StrEnum):
    PAPER = "paper"
    ELECTRONIC = "electronic"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyKind:
    """One way to copy. Raises SIG_COPY_FORM where Điều 25 knows no such copy."""

    form: CopyForm
    source: Medium
    target: Medium

    def __post_init__(self) -> None:
        if (self.source, self.target) not in _WAYS[self.form]:
            raise SigningError(
                "SIG_COPY_FORM",
                f"Không có hình thức {self.form.value} từ {_WORDS[self.source]} sang {_WORDS[self.target]} "
                "(Nghị định 30/2020/NĐ-CP, Điều 25)",
            )

    @property
    def legend(self) -> str:
        """The words on the copy; on paper made of an electronic original as ST-10.2 has them."""
        if (self.source, self.target) == (Medium.ELECTRONIC, Medium.PAPER) and self.form in _ORIGINAL_LEGENDS:
            return _ORIGINAL_LEGENDS[self.form]
        return self.form.value


def copy_number(number: int, form: CopyForm) -> str:
    """Số, ký hiệu bản sao: one series for all three forms, from 01 each year (Phần II mục II.1.c)."""
    if number < 1:
        raise SigningError("SIG_COPY_NUMBER", f"Số bản sao phải từ 1 trở lên, không phải {number}")
    return f"{number:02}/{form.abbreviation}"


_ABBREVIATIONS: Final = {CopyForm.TRUE_COPY: "SY", CopyForm.COPY_OF_COPY: "SL", CopyForm.EXTRACT: "TrS"}
_WORDS: Final = {Medium.PAPER: "văn bản giấy", Medium.ELECTRONIC: "văn bản điện tử"}
_ORIGINAL_LEGENDS: Final = {
    CopyForm.TRUE_COPY: "Sao y bản gốc văn bản điện tử",
    CopyForm.EXTRACT: "Trích sao bản gốc văn bản điện tử",
}
_PAPER, _ELECTRONIC = Medium.PAPER, Medium.ELECTRONIC
_THREE_WAYS: Final = frozenset({(_PAPER, _PAPER), (_ELECTRONIC, _PAPER), (_PAPER, _ELECTRONIC)})
_WAYS: Final = {
    CopyForm.TRUE_COPY: _THREE_WAYS,
    CopyForm.COPY_OF_COPY: _THREE_WAYS,
    CopyForm.EXTRACT: _THREE_WAYS | {(_ELECTRONIC, _ELECTRONIC)},
}
