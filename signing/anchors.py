"""Number and date: the words "Số:" and "ngày … tháng … năm …" of the first page, and the gaps they leave. Pure.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.3 (ô 3), II.4 (ô 4); TN-14.3: a gap of 15 mm after "Số:".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .page_text import PageText, Run
from .sign_job import DATE_FIELD, NUMBER_FIELD, Box, PlacedField
from .stamps import BASELINE, POINTS_PER_MM

MM: Final = POINTS_PER_MM
HEAD: Final = 0.55  # of the page's height from the top, where the head of a document ends
NUMBER_WIDTH: Final = 15 * MM  # TN-14.3
NUMBER_NARROW: Final = 13 * MM
NUMBER_ROOM: Final = 40 * MM  # where no symbol follows, number and symbol go into the field
DATE_WIDTH: Final = 56 * MM  # "ngày 00 tháng 00 năm 0000", 13 pt
CLEAR: Final = 0.5  # points between words and a field
LEAST: Final = 2.0  # points a field is wide where there is no gap at all; a person is warned
SAME_LINE: Final = 4.0  # points
BESIDE: Final = 5 * MM  # the date stands on the line of the number (II.4.c)
DESCENT: Final = 0.22  # of a letter's full box, Times-like faces
LOWEST: Final = 17.0  # points a field needs for 13 pt with marks over the capitals
_NUMBER: Final = re.compile(r"^Số\s*:(?P<rest>.*)$", re.IGNORECASE)
_BLANK: Final = r"[\s.…_]*"
_DATE: Final = re.compile(
    rf"ngày(?P<day>{_BLANK}\d*{_BLANK})tháng(?P<month>{_BLANK}\d*{_BLANK})năm(?P<year>{_BLANK}\d*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """``field`` absent: the words are there and complete. ``narrow``: less room than the rules ask for."""

    anchor: str
    field: PlacedField | None = None
    narrow: bool = False


def number_anchor(page: PageText) -> Anchored | None:
    """The gap after "Số:"; None when the page has no such words."""
    found = next(((run, match) for run in _head(page) if (match := _NUMBER.match(run.text))), None)
    if found is None:
        return None
    run, match = found
    if re.match(r"[\s.…_]*\d", match["rest"]):
        return Anchored(anchor=run.text)
    left = run.edges[run.text.index(":")][1]
    slash = _slash(page, run)
    if slash is not None:  # the gap begins after the space of "Số: "
        right = slash - CLEAR
        left = max(left + CLEAR, min(left + 1 * MM, right - NUMBER_WIDTH))
    else:
        left += 1 * MM
        right = min(left + NUMBER_ROOM, _next_left(page, run) or page.width) - CLEAR
    box = _heights(run, left, max(right, left + LEAST))
    field = PlacedField(name=NUMBER_FIELD, page=page.number, box=box, anchor=run.text, centred=slash is not None)
    return Anchored(anchor=run.text, field=field, narrow=right - left < NUMBER_NARROW)


def date_anchor(page: PageText) -> Anchored | None:
    """The gaps between "ngày", "tháng" and "năm", or the room behind the name of the place."""
    number = next((run for run in _head(page) if _NUMBER.match(run.text)), None)
    for line in _lines(page):
        below = number is not None and line.box[1] < number.box[1] - BESIDE  # a date of the text, not of the document
        if not below and (match := _DATE.search(line.text)):
            return _dated(page, line, match)
    for run in _head(page):
        beside = number is not None and abs(run.box[1] - number.box[1]) < SAME_LINE and run.box[0] > number.box[2]
        if beside and run.text.endswith(","):
            left = run.box[2] + 3.0
            box = _heights(run, left, max(min(left + DATE_WIDTH, page.width - 5 * MM), left + LEAST))
            field = PlacedField(name=DATE_FIELD, page=page.number, box=box, anchor=run.text)
            return Anchored(anchor=run.text, field=field, narrow=box[2] - box[0] < DATE_WIDTH * 0.8)
    return None


def _dated(page: PageText, run: Run, match: re.Match[str]) -> Anchored:
    missing = [part for part in ("day", "month", "year") if not re.search(r"\d", match[part])]
    if not missing:
        return Anchored(anchor=run.text)
    gaps = [_gap(run, match, part) for part in missing]
    left, right = min(gap[0] for gap in gaps), max(gap[1] for gap in gaps)
    field = PlacedField(
        name=DATE_FIELD,
        page=page.number,
        box=_heights(run, left, right),
        anchor=run.text,
        gaps=tuple((part, gap[0] - left, gap[1] - left) for part, gap in zip(missing, gaps, strict=True)),
    )
    return Anchored(anchor=run.text, field=field, narrow=any(gap[1] - gap[0] < 4 * MM for gap in gaps))


def _gap(run: Run, match: re.Match[str], part: str) -> tuple[float, float]:
    """From the word before to the word behind; "năm" may be the last word."""
    start, end = match.span(part)
    left = run.edges[start - 1][1] + CLEAR
    right = run.edges[end][0] - CLEAR if end < len(run.edges) else left + 12 * MM
    return (left, max(right, left + LEAST))


def _head(page: PageText) -> Sequence[Run]:
    return [run for run in page.runs if run.box[1] > page.height * (1 - HEAD)]


def _lines(page: PageText) -> Iterator[Run]:
    """Runs of one base line put together: blanks between "ngày" and "tháng" part them."""
    line: list[Run] = []
    for run in _head(page):
        if line and abs(run.box[1] - line[-1].box[1]) > SAME_LINE:
            yield _joined(line)
            line = []
        line.append(run)
    if line:
        yield _joined(line)


def _joined(line: list[Run]) -> Run:
    line = sorted(line, key=lambda run: run.box[0])
    text, edges = line[0].text, line[0].edges
    for before, run in pairwise(line):
        text, edges = f"{text} {run.text}", (*edges, (before.box[2], run.box[0]), *run.edges)
    box = (line[0].box[0], min(r.box[1] for r in line), line[-1].box[2], max(r.box[3] for r in line))
    return Run(text=text, box=box, edges=edges)


def _slash(page: PageText, number: Run) -> float | None:
    """Where the symbol begins: "/QĐ-UBND", in the same run or in the next one of the line."""
    if "/" in number.text:
        return number.edges[number.text.index("/")][0]
    others = [r for r in page.runs if abs(r.box[1] - number.box[1]) < SAME_LINE and r.box[0] > number.box[2]]
    nearest = min(others, key=lambda run: run.box[0], default=None)
    return nearest.box[0] if nearest is not None and nearest.text.startswith("/") else None


def _next_left(page: PageText, run: Run) -> float | None:
    return min(
        (r.box[0] for r in page.runs if abs(r.box[1] - run.box[1]) < SAME_LINE and r.box[0] > run.box[2]),
        default=None,
    )


def _heights(run: Run, left: float, right: float) -> Box:
    """As high as the line; text in a field stands BASELINE above its lower edge, so the base lines meet."""
    base = run.box[1] + run.height * DESCENT
    bottom = base - BASELINE
    return (left, bottom, right, bottom + max(run.height + BASELINE, LOWEST))
