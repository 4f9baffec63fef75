"""Where number, date and signatures stand: what the job says, else what the page's words say, else the defaults.

Defaults are the ô positions of Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, IV on an A4 page with the margins of I.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .report import Warning  # noqa: A004 - the report's own word
from .sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    INITIALS_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    Box,
    PlacedField,
    PrepareJob,
    SignerBlock,
)
from .stamps import POINTS_PER_MM, seal_box

MM: Final = POINTS_PER_MM
A4: Final = (210 * MM, 297 * MM)
LAST: Final = -1
# Number gap 15 mm (TN-14.3); leader at least 40 mm high (TN-14.2).
NUMBER: Final = PlacedField(name=NUMBER_FIELD, page=0, box=(52 * MM, 252 * MM, 67 * MM, 258 * MM))
DATE: Final = PlacedField(name=DATE_FIELD, page=0, box=(116 * MM, 252 * MM, 195 * MM, 258 * MM))
LEADER: Final = PlacedField(name=LEADER_FIELD, page=LAST, box=(122 * MM, 35 * MM, 187 * MM, 75 * MM))
CORNER_WIDTH: Final = 80 * MM
CORNER_GAP: Final = 5 * MM


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    fields: tuple[PlacedField, ...]
    block: SignerBlock | None = None
    warnings: tuple[Warning, ...] = ()


def place_fields(job: PrepareJob) -> Placed:
    given = {field.name: field for field in job.places}
    default = {field.name: field for field in (NUMBER, DATE, LEADER, *job.fallback)}
    fields = {**default, **given}
    leader = fields[LEADER_FIELD]
    if AGENCY_FIELD not in fields:
        seal = seal_box(leader.box, job.seal_diameter_mm)
        fields[AGENCY_FIELD] = PlacedField(name=AGENCY_FIELD, page=leader.page, box=seal)
    for number in range(1, job.initials + 1):
        name = INITIALS_FIELD.format(number)
        fields.setdefault(name, PlacedField(name=name, page=leader.page, box=_initials(leader.box, number)))
    return Placed(fields=tuple(fields.values()))


def _initials(leader: Box, number: int) -> Box:
    top = leader[3] + 8 * MM
    left = leader[0] - number * 22 * MM
    return (left, top, left + 20 * MM, top + 8 * MM)


def corner_box(width: float, height: float, lines: int, size: float) -> Box:
    """Ô 14: in the top margin, at the far right (cases D and E)."""
    top, right = height - CORNER_GAP, width - CORNER_GAP
    return (right - CORNER_WIDTH, top - max(1, lines) * size * 1.25, right, top)
