"""The agencies of a province as values: who there is, how much each writes, how it is called.

Two levels since 01/7/2025 (xã, phường; no districts). The counts and the weights are assumptions of this bench, written
down in docs/scaling.md: no public statistic says how many documents an agency sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PROVINCE = "H99"  # the sample province of this project
OUTSIDE_UNITS = 60  # ministries, other provinces, units of theirs that this province writes to


class Level(StrEnum):
    """``weight``: how many documents one agency of the level writes beside the others."""

    PROVINCE = "UBND tỉnh, Văn phòng"
    DEPARTMENT = "sở, ban, ngành"
    COMMUNE = "UBND xã, phường"
    BUREAU = "phòng của xã, đơn vị thuộc sở"
    UNIT = "đơn vị sự nghiệp"
    OUTSIDE = "ngoài tỉnh"


WEIGHTS = {Level.PROVINCE: 60.0, Level.DEPARTMENT: 14.0, Level.COMMUNE: 4.0, Level.BUREAU: 1.2, Level.UNIT: 0.5}
# Shares of 700: 2 + 18 + 100 + 330 + 250.
SHARES = ((Level.DEPARTMENT, 18), (Level.COMMUNE, 100), (Level.BUREAU, 330), (Level.UNIT, 250))
WHOLE = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    code: str
    name: str
    level: Level

    @property
    def weight(self) -> float:
        return WEIGHTS.get(self.level, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    agencies: Sequence[Agency]  # on the node; the first is UBND tỉnh
    outside: Sequence[Agency]  # on the national axis

    @property
    def chair(self) -> Agency:
        """Who broadcasts to everybody."""
        return self.agencies[0]

    def agency(self, code: str) -> Agency:
        """Raises KeyError for a code that is neither inside nor outside."""
        found = {one.code: one for one in (*self.agencies, *self.outside)}
        return found[code]


def make_province(agencies: int = WHOLE, outside: int = OUTSIDE_UNITS) -> Province:
    """So many agencies in the shares above; at least four, one of each level."""
    levels = [Level.PROVINCE] * max(1, 2 * agencies // WHOLE)
    for level, share in SHARES[:-1]:
        levels += [level] * max(1, share * agencies // WHOLE)
    levels += [Level.UNIT] * (agencies - len(levels))
    inside = [_agency(number, level) for number, level in enumerate(levels)]
    beyond = [
        Agency(code=_code(number, f"G{90 + number % 10}"), name=f"Cơ quan ngoài tỉnh số {number}", level=Level.OUTSIDE)
        for number in range(1, outside + 1)
    ]
    return Province(agencies=tuple(inside), outside=tuple(beyond))


def _agency(number: int, level: Level) -> Agency:
    kinds = {
        Level.PROVINCE: "Ủy ban nhân dân tỉnh Mẫu" if number == 0 else "Văn phòng Ủy ban nhân dân tỉnh Mẫu",
        Level.DEPARTMENT: f"Sở Mẫu số {number}",
        Level.COMMUNE: f"Ủy ban nhân dân xã Mẫu số {number}",
        Level.BUREAU: f"Phòng Mẫu số {number}",
        Level.UNIT: f"Đơn vị sự nghiệp Mẫu số {number}",
    }
    return Agency(code=_code(number, PROVINCE), name=kinds[level], level=level)


def _code(number: int, end: str) -> str:
    """As QCVN 102:2016 writes them: 13 characters, the province or ministry at the end."""
    first, second = divmod(number, 100)
    return f"000.{first:02d}.{second:02d}.{end}"
