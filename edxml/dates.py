"""Dates of the envelope: read in every form seen in the field, written in one (edxml.md row 7).

Packages carry local time without an offset; it is GMT+7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
FIRST_YEAR = 1900  # below it stands a client's "no date", such as 0001-01-01

_DAY = re.compile(r"(\d{1,4})([/-])(\d{1,2})\2(\d{1,4})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE)
_STRICT_DAY = re.compile(r"\d{4}/\d{2}/\d{2}", re.ASCII)
_STRICT_MOMENT = re.compile(r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Day:
    """A date as read; ``exact`` when it stood in the form of the axis."""

    value: date | None
    exact: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as read, aware in +07:00; ``exact`` when it stood in the form of the axis."""

    value: datetime | None
    exact: bool


def read_day(text: str) -> Day:
    """A date with or without a time; the part of four digits is the year. Impossible dates have no value."""
    stripped = text.strip()
    moment = _moment(stripped)
    return Day(moment.date() if moment else None, _STRICT_DAY.fullmatch(stripped) is not None)


def read_moment(text: str) -> Moment:
    """A time, or a date alone as its midnight; an offset is converted to +07:00."""
    stripped = text.strip()
    return Moment(_moment(stripped), _STRICT_MOMENT.fullmatch(stripped) is not None)


def format_day(day: date) -> str:
    """``yyyy/MM/dd``, zero-padded."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def format_moment(moment: datetime) -> str:
    """``yyyy/MM/dd HH:mm:ss`` in GMT+7 without offset; ``moment`` is aware."""
    local = moment.astimezone(VIETNAM)
    return f"{format_day(local)} {local:%H:%M:%S}"


def _moment(text: str) -> datetime | None:
    found = _DAY.match(text)
    if found is None:
        return None
    day = _day(found[1], found[3], found[4])
    rest = text[found.end() :].lstrip("Tt ")
    if day is None:
        return None
    if not rest:
        return datetime.combine(day, time(), VIETNAM)
    clock = _TIME.fullmatch(rest)
    if clock is None:
        return None
    return _combine(day, clock)


def _day(first: str, middle: str, last: str) -> date | None:
    """Of yyyy/MM/dd and dd/MM/yyyy the part of four digits decides."""
    if (len(first) == 4) == (len(last) == 4) or max(len(first), len(last)) != 4 or 3 in (len(first), len(last)):
        return None
    year, day = (first, last) if len(first) == 4 else (last, first)
    if int(year) < FIRST_YEAR:
        return None
    try:
        return date(int(year), int(middle), int(day))
    except ValueError:  # 2014/02/30 is in a vendor's sample
        return None


def _combine(day: date, clock: re.Match[str]) -> datetime | None:
    try:
        local = datetime.combine(day, time(int(clock[1]), int(clock[2]), int(clock[3] or 0)), _zone(clock[4]))
        return local.astimezone(VIETNAM)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return VIETNAM
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if offset[0] == "-" else shift)
