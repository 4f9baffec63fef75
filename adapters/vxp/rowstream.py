"""Reading a long list row by row while it arrives: a nationwide directory has 111,000 rows, no paging.

Strategy: the standard decoder's ``raw_decode`` over a buffer that never holds more than the rows of one block. Success
or failure may stand behind the rows, so whoever uses them must not trust them before ``finish`` was passed.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from .answers import Answer, answer_of, refused, unreadable

BLANK = re.compile(r"[ \t\r\n]*")
MAX_ROW = 1 << 16  # characters of one row, or of one field beside the list


class _Place(Enum):
    START = auto()  # before the outer brace
    FIELDS = auto()
    ROWS = auto()  # inside "data"
    END = auto()


class RowStream:
    """Feed blocks, take rows; ``finish`` says whether the whole was a successful answer."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._place = _Place.START
        self._fields: dict[str, Any] = {}
        self._listed = False

    def feed(self, block: bytes) -> Iterator[dict[str, Any]]:
        """The rows that are complete now. Raises AxisError ``AXIS_UNREADABLE``."""
        try:
            self._text = self._text[self._at :] + self._decode.decode(block)
        except UnicodeDecodeError as error:
            raise unreadable("không phải UTF-8") from error
        self._at = 0
        yield from self._rows()
        if len(self._text) - self._at > MAX_ROW:
            raise unreadable("không phải danh sách JSON")

    def finish(self) -> Answer:
        """Call when the body is at its end. Raises AxisError for a cut, incomplete or unfavourable answer."""
        if self._place is not _Place.END:
            raise unreadable("danh sách bị cắt giữa chừng")
        answer = answer_of(self._fields)
        if not answer.ok:
            raise refused(answer)
        if not self._listed:
            raise unreadable("thiếu danh sách data")
        return answer

    def _rows(self) -> Iterator[dict[str, Any]]:
        while True:
            start = self._at
            self._skip_blank()
            if self._place is _Place.END or self._at >= len(self._text):
                return
            if self._place is _Place.ROWS:
                row = self._row()
                if row is not None:
                    yield row
            else:
                self._field()
            if self._at == start:  # needs more bytes
                return

    def _row(self) -> dict[str, Any] | None:
        mark = self._text[self._at]
        if mark in "],":
            self._at += 1
            self._place = _Place.FIELDS if mark == "]" else _Place.ROWS
            return None
        if mark != "{":
            raise unreadable("dòng của danh sách không phải đối tượng")
        scanned = self._value(self._at)
        if scanned is None:
            return None
        row, self._at = scanned
        return row if isinstance(row, dict) else None

    def _field(self) -> None:
        mark = self._text[self._at]
        if mark in "{,}":
            if (mark == "{") != (self._place is _Place.START):
                raise unreadable("không phải đối tượng JSON")
            self._place = _Place.END if mark == "}" else _Place.FIELDS
            self._at += 1
        elif mark == '"' and self._place is _Place.FIELDS:
            self._named()
        else:
            raise unreadable("không phải đối tượng JSON")

    def _named(self) -> None:
        """One ``"name": value``; stays where it is until the value is complete."""
        scanned = self._value(self._at)
        if scanned is None:
            return
        name, at = scanned
        at = _after_blank(self._text, at)
        if self._text[at : at + 1] not in {":", ""}:
            raise unreadable("không phải đối tượng JSON")
        at = _after_blank(self._text, at + 1)
        if name == "data" and self._text[at : at + 1] == "[":
            self._place, self._at, self._listed = _Place.ROWS, at + 1, True
            return
        value = self._value(at)
        # A number may go on in the next block: only what is followed by something is complete.
        if value is not None and value[1] < len(self._text):
            self._fields[name], self._at = value

    def _value(self, at: int) -> tuple[Any, int] | None:
        """None while the value is not complete."""
        try:
            return self._scan(self._text, at)
        except ValueError:
            return None
        except RecursionError as error:
            raise unreadable("JSON lồng quá sâu") from error

    def _skip_blank(self) -> None:
        self._at = _after_blank(self._text, self._at)


def _after_blank(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return found.end() if found else at
