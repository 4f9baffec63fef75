"""Identifiers of QCVN 102:2016 (13 characters), QĐ 20/2020/QĐ-TTg and the irregular codes seen in the field.

Codes are opaque here: which code is which agency is data with validity dates (the directory), never arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .errors import EdxmlError

# QCVN 102:2016: V1V2V3.Z1Z2.Y1Y2.MX1X2, read from right to left.
QCVN102 = re.compile(r"[0-9A-Z]{3}\.[0-9A-Z]{2}\.[0-9A-Z]{2}\.[A-Z][0-9]{2}")
# QĐ 20/2020/QĐ-TTg Điều 4: groups from left to right, level 1 first, at most 35 characters.
QD20 = re.compile(r"[A-Z][0-9]{2}(\.[0-9A-Z]+)*")
# What the strict writer may write (SĐ1:2022: String, max 35).
WRITABLE = re.compile(r"[0-9A-Z]+(\.[0-9A-Z]+)*")
MAX_READ = 64
MAX_WRITE = 35


class CodeSystem(StrEnum):
    """Which rule a code follows."""

    QCVN102 = "qcvn102"
    QD20 = "qd20"
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class OrganCode:
    """Mã định danh cơ quan, exactly as it stood on the wire (edxml.md row 25)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> OrganCode:
        """Accept any non-empty token of at most 64 characters; raise EDXML_ORGAN_CODE otherwise."""
        value = text.strip()
        if not value or len(value) > MAX_READ or len(value.split()) != 1 or not value.isprintable():
            raise EdxmlError("EDXML_ORGAN_CODE", f"Mã định danh cơ quan không hợp lệ: {text[:MAX_READ]!r}.")
        return cls(value)

    @property
    def key(self) -> str:
        """Upper-case copy for look-up; the original is echoed back in replies."""
        return self.value.upper()

    @property
    def system(self) -> CodeSystem:
        if QCVN102.fullmatch(self.value):
            return CodeSystem.QCVN102
        if len(self.value) <= MAX_WRITE and QD20.fullmatch(self.value):
            return CodeSystem.QD20
        return CodeSystem.IRREGULAR

    @property
    def writable(self) -> bool:
        """Whether the strict writer may put it on the wire."""
        return len(self.value) <= MAX_WRITE and WRITABLE.fullmatch(self.value) is not None

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class DocumentId:
    """Mã định danh văn bản on the wire: opaque when read, ``OrganId,yyyy/MM/dd,Number/Notation`` when made."""

    value: str

    @classmethod
    def make(cls, organ: OrganCode, on: date, number: str, notation: str) -> DocumentId:
        return cls(f"{organ.value},{on:%Y/%m/%d},{number}/{notation}")

    def __str__(self) -> str:
        return self.value
