"""The words that a visible signature shows, written to the letter, and read back as they are met in practice.

Source: Nghị định 30/2020/NĐ-CP, Phụ lục I, Phần I, II.8.b, III.1.d, Phần II, I.3 and the sample forms of Phụ lục III;
Thông tư 01/2019/TT-BNV for the seal with words (registers.md C7, C8); signatures.md 8.2. ``+07:00`` stands
behind the time because the law asks for "múi giờ Việt Nam theo tiêu chuẩn ISO 8601" and gives no example.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from .copies import CopyForm

VIETNAM: Final = timezone(timedelta(hours=7))
LONGEST: Final = 2000  # characters of a visible text that are read


class Clock(StrEnum):
    """How the time of signing is spelt."""

    FORMS = "forms"  # Phụ lục III with the offset: 05/03/2020; 10:20:30 +07:00
    ISO = "iso"  # 2020-03-05T10:20:30+07:00


class StampKind(StrEnum):
    ANNEX = "annex"  # case D
    COPY = "copy"  # case E
    ISSUED = "issued"  # words beside a signature of an issued document


@dataclass(frozen=True, slots=True, kw_only=True)
class StampText:
    """What a visible text says. ``at`` is aware; ``offset_shown`` False: Vietnamese time was taken for granted."""

    kind: StampKind
    at: datetime
    offset_shown: bool
    number: str | None = None
    form: CopyForm | None = None
    agency: str | None = None
    signer: str | None = None


def annex_text(number: str, at: datetime, *, clock: Clock = Clock.FORMS) -> str:
    """Case D, on each separate annex file. ``number``: số và ký hiệu, e.g. ``12/QĐ-STTTT``."""
    return f"Số: {_composed(number)}; {_time(at, clock)}"


def copy_text(form: CopyForm, agency: str, at: datetime, *, clock: Clock = Clock.FORMS) -> str:
    """Case E, on copies and digitised paper."""
    return f"{form.value}; {_composed(agency)}; {_time(at, clock)}"


def sealed_lines(agency: str, at: datetime, *, clock: Clock = Clock.FORMS) -> tuple[str, str]:
    """Profile TT01_2019: agency and time beside the picture of the seal (ST-4.2.đ, ST-8.2.b)."""
    return (_composed(agency), _time(at, clock).replace(";", ""))


def read_stamp_text(text: str) -> StampText | None:
    """Read any of the strings of signatures.md 8.2 and our own; None for words of another kind."""
    flat = _composed(text[:LONGEST])
    found = _MOMENT.search(flat)
    moment = _moment(found) if found else None
    if found is None or moment is None:
        return None
    before = flat[: found.start()].strip(" ;,")
    before = _TIME_LABEL.sub("", before).strip(" ;,")
    shown = bool(found["offset"])
    if annex := _ANNEX.fullmatch(before):
        return StampText(kind=StampKind.ANNEX, at=moment, offset_shown=shown, number=annex["number"].strip())
    if copy := _COPY.fullmatch(before):
        form = CopyForm(copy["form"].upper())
        return StampText(kind=StampKind.COPY, at=moment, offset_shown=shown, form=form, agency=copy["agency"].strip())
    return _issued(before, moment, offset_shown=shown)


def _issued(before: str, at: datetime, *, offset_shown: bool) -> StampText | None:
    labelled = _LABELLED.fullmatch(before)
    if labelled is None and (not before or ":" in before):
        return None
    agency = labelled["agency"] if labelled else before
    return StampText(
        kind=StampKind.ISSUED,
        at=at,
        offset_shown=offset_shown,
        signer=(labelled["signer"].strip() or None) if labelled else None,
        agency=(agency or "").strip() or None,
    )


def _time(at: datetime, clock: Clock) -> str:
    local = at.astimezone(VIETNAM).replace(microsecond=0)
    return local.isoformat() if clock is Clock.ISO else f"{local:%d/%m/%Y; %H:%M:%S} +07:00"


def _moment(found: re.Match[str]) -> datetime | None:
    part = {name: int(value) for name, value in found.groupdict().items() if value and value.isdecimal()}
    year, month, day = (part.get(n) or part.get(f"{n}_iso") or 0 for n in ("year", "month", "day"))
    try:
        zone = timezone(_offset(found["offset"])) if found["offset"] else VIETNAM
        return datetime(year, month, day, part["hour"], part["minute"], part["second"], tzinfo=zone)
    except ValueError:
        return None


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "").ljust(4, "0")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def _composed(text: str) -> str:
    """NFC, each run of white space one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


_MOMENT: Final = re.compile(
    r"(?:(?P<year_iso>\d{4})-(?P<month_iso>\d\d)-(?P<day_iso>\d\d)[T ;]{1,3}"
    r"|(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})[ ;,]{1,3})"
    r"(?P<hour>\d{1,2}): ?(?P<minute>\d\d): ?(?P<second>\d\d)(?:\.\d{1,6})? ?(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?"
)
_TIME_LABEL: Final = re.compile(r"(?:Thời gian ký|Ngày ký|Ký ngày) ?:?$", re.IGNORECASE)
_ANNEX: Final = re.compile(r"(?:Số(?: và ký hiệu)?|Số, ký hiệu) ?: ?(?P<number>[^;]{1,80})", re.IGNORECASE)
_COPY: Final = re.compile(r"(?P<form>SAO Y|SAO LỤC|TRÍCH SAO)[;:,. ]{1,3}(?P<agency>.{1,300}?)", re.IGNORECASE)
_LABELLED: Final = re.compile(
    r"(?:Người ký|Ký bởi) ?: ?(?P<signer>.{0,200}?)(?: Email ?: ?(?P<email>\S{0,200}))?"
    r"(?: (?:Cơ quan|Tổ chức) ?: ?(?P<agency>.{0,300}?))?",
    re.IGNORECASE,
)
