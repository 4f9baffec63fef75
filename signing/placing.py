"""Where number, date and signatures stand: what the job says, else what the page's words say, else the defaults.

Defaults are the ô positions of Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, IV on an A4 page with the margins of I.3.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from .anchors import Anchored, date_anchor, number_anchor
from .answers import warning
from .looks import picture_ratio, read_picture
from .page_text import PageText, read_pages
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
from .signer_anchors import SignerPlace, end_of_content, signer_place
from .stamps import POINTS_PER_MM, box_with_words, seal_box

MM: Final = POINTS_PER_MM
READ: Final = (0, -3, -2, -1)  # pages whose words are looked at
# Number gap 15 mm (TN-14.3); leader at least 40 mm high (TN-14.2).
NUMBER: Final = PlacedField(name=NUMBER_FIELD, page=0, box=(52 * MM, 252 * MM, 67 * MM, 258 * MM))
DATE: Final = PlacedField(name=DATE_FIELD, page=0, box=(116 * MM, 252 * MM, 195 * MM, 258 * MM))
LEADER: Final = PlacedField(name=LEADER_FIELD, page=-1, box=(122 * MM, 35 * MM, 187 * MM, 75 * MM))
CORNER_WIDTH: Final = 80 * MM
CORNER_GAP: Final = 5 * MM


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    fields: tuple[PlacedField, ...]
    block: SignerBlock | None = None
    warnings: tuple[Warning, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Places:
    """``given`` and ``fallback`` by field name; what is found out goes into ``fields`` and ``warnings``."""

    given: dict[str, PlacedField]
    fallback: dict[str, PlacedField]
    fields: list[PlacedField]
    warnings: list[Warning]

    def put(self, name: str, anchored: Anchored | None) -> None:
        """What is printed already needs no field."""
        if name in self.given:
            self.fields.append(self.given[name])
        elif anchored is None:
            self.fields.append(self.fallback[name])
            self.warnings.append(warning("SIG_WARN_PLACED_BY_DEFAULT", name))
        elif anchored.field is not None:
            self.fields.append(anchored.field)
            if anchored.narrow:
                self.warnings.append(warning("SIG_WARN_NARROW_GAP", anchored.anchor))


def place_fields(job: PrepareJob) -> Placed:
    """Raises SigningError SIG_SOURCE_UNREADABLE or SIG_PICTURE_UNSUITABLE."""
    places = _Places(
        given={field.name: field for field in job.places},
        fallback={field.name: field for field in (NUMBER, DATE, LEADER, *job.fallback)},
        fields=[],
        warnings=[],
    )
    count, pages = read_pages(Path(job.source), READ)
    first = next((page for page in pages if page.number == 0 and not page.turned), None)
    # 1. number and date
    places.put(NUMBER_FIELD, number_anchor(first) if first else None)
    places.put(DATE_FIELD, date_anchor(first) if first else None)
    # 2. who signs
    ratio = picture_ratio(read_picture(job.leader_picture)) if job.leader_picture else None
    signer = signer_place(pages, ratio)
    leader = _leader(places, signer)
    _compare_blocks(places, job.signer_block, signer)
    # 3. initials at the end of the content, and last the agency
    _initials(places, job, pages, leader)
    places.fields.append(leader)
    places.fields.append(places.given.get(AGENCY_FIELD) or _agency(job, leader))
    fields = tuple(_from_the_front(field, count) for field in places.fields)
    return Placed(fields=fields, block=signer.block if signer else None, warnings=tuple(places.warnings))


def _from_the_front(field: PlacedField, pages: int) -> PlacedField:
    return replace(field, page=field.page % pages) if -pages <= field.page < 0 else field


def _leader(places: _Places, signer: SignerPlace | None) -> PlacedField:
    if LEADER_FIELD in places.given:
        return places.given[LEADER_FIELD]
    if signer is None:
        places.warnings.append(warning("SIG_WARN_PLACED_BY_DEFAULT", LEADER_FIELD))
        return places.fallback[LEADER_FIELD]
    if signer.tight:
        places.warnings.append(warning("SIG_WARN_LEADER_SPACE", signer.anchor))
    return PlacedField(name=LEADER_FIELD, page=signer.page, box=signer.box, anchor=signer.anchor)


def _compare_blocks(places: _Places, expected: SignerBlock | None, found: SignerPlace | None) -> None:
    """A name need not be typed (TN-14.2); what is typed must be the signer's (NĐ 30/2020, Phụ lục I, II.7)."""
    if expected is None or found is None:
        return
    block = found.block
    same = block.capacity is expected.capacity and _alike(block.title, expected.title)
    if not same or (block.name and expected.name and not _alike(block.name, expected.name)):
        places.warnings.append(warning("SIG_WARN_SIGNER_BLOCK", f"{block.text} {block.name or ''}".strip()))


def _alike(one: str, other: str) -> bool:
    """Titles are printed in capitals, whatever the register writes."""
    flat = [" ".join(unicodedata.normalize("NFC", text).casefold().split()) for text in (one, other)]
    return flat[0] == flat[1]


def _initials(places: _Places, job: PrepareJob, pages: list[PageText], leader: PlacedField) -> None:
    wanted = [INITIALS_FIELD.format(n) for n in range(1, job.initials + 1)]
    found = end_of_content(pages, len(wanted)) if wanted else []
    for index, name in enumerate(wanted):
        if name in places.given:
            places.fields.append(places.given[name])
        elif found:
            page, box = found[index]
            places.fields.append(PlacedField(name=name, page=page, box=box, anchor="./."))
        else:
            box = _above(leader.box, index + 1)
            places.fields.append(places.fallback.get(name, PlacedField(name=name, page=leader.page, box=box)))
            places.warnings.append(warning("SIG_WARN_PLACED_BY_DEFAULT", name))


def _above(leader: Box, number: int) -> Box:
    top = leader[3] + 8 * MM
    left = leader[0] - number * 22 * MM
    return (left, top, left + 20 * MM, top + 8 * MM)


def _agency(job: PrepareJob, leader: PlacedField) -> PlacedField:
    seal = seal_box(leader.box, job.seal_diameter_mm)
    box = box_with_words(seal, job.seal_words) if job.seal_words else seal
    return PlacedField(name=AGENCY_FIELD, page=leader.page, box=box, anchor=leader.anchor)


def corner_seal(width: float, height: float, diameter_mm: float, lines: int) -> Box:
    """The same corner for a seal with words, profile TT01_2019 (ST-8.2.b)."""
    size, top, right = diameter_mm * MM, height - CORNER_GAP, width - CORNER_GAP
    return box_with_words((right - size, top - size, right, top), lines)


def corner_box(width: float, height: float, lines: int, size: float) -> Box:
    """Ô 14: in the top margin, at the far right (cases D and E)."""
    top, right = height - CORNER_GAP, width - CORNER_GAP
    return (right - CORNER_WIDTH, top - max(1, lines) * size * 1.25, right, top)
