"""Reading a long list row by row while it arrives: a nationwide directory has 111,000 rows, no paging.

The JSON is the library's to parse; here is which of its events make a row. Success or failure may stand behind the
rows, so whoever uses them must not trust them before ``finish`` was passed.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, Final

import ijson
from ijson.common import ObjectBuilder

from .answers import Answer, answer_of, refused, unreadable

MAX_ROW: Final = 1 << 16  # bytes that may arrive without a row, or a field beside the list, being complete
_OPENS: Final = ("start_map", "start_array")
_CLOSES: Final = ("end_map", "end_array")


class RowStream:
    """Feed blocks, take rows; ``finish`` says whether the whole was a successful answer."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Any]] = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events)
        self._head = b""  # the first bytes, while they may be a byte order mark
        self._begun = False
        self._unfinished = 0  # bytes since something was complete
        self._depth = 0
        self._name = ""  # of the field that comes
        self._listing = self._listed = False  # inside "data"; it was there
        self._value: ObjectBuilder | None = None  # a row or a field of several parts
        self._fields: dict[str, Any] = {}

    def feed(self, block: bytes) -> Iterator[dict[str, Any]]:
        """The rows that are complete now. Raises AxisError ``AXIS_UNREADABLE``."""
        self._unfinished += len(block)
        self._parse(self._without_mark(block))
        events = list(self._events)
        self._events.clear()
        for event, value in events:
            row = self._row(event, value)
            if row is not None:
                yield row
        if self._unfinished > MAX_ROW:
            raise unreadable("không phải danh sách JSON")

    def finish(self) -> Answer:
        """Call when the body is at its end. Raises AxisError for a cut, incomplete or unfavourable answer."""
        try:
            self._parser.close()
        except ijson.JSONError as error:
            raise unreadable("danh sách bị cắt giữa chừng") from error
        answer = answer_of(self._fields)
        if not answer.ok:
            raise refused(answer)
        if not self._listed:
            raise unreadable("thiếu danh sách data")
        return answer

    def _without_mark(self, block: bytes) -> bytes:
        if self._begun:
            return block
        self._head += block
        if len(self._head) < len(BOM_UTF8) and BOM_UTF8.startswith(self._head):
            return b""
        self._begun = True
        return self._head.removeprefix(BOM_UTF8)

    def _parse(self, block: bytes) -> None:
        if not block:  # the library takes it for the end
            return
        try:
            self._parser.send(block)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise unreadable("không phải JSON") from error

    def _row(self, event: str, value: Any) -> dict[str, Any] | None:
        """Take one event; the row that it completes."""
        self._depth += (event in _OPENS) - (event in _CLOSES)
        if self._value is not None:
            self._value.event(event, value)
            return self._completed() if self._depth == 1 + self._listing else None
        if self._listing:
            self._between_rows(event, value)
        elif event == "map_key":
            self._name = value
        elif event in _OPENS and self._depth > 1:
            self._opened(event, value)
        elif self._depth == 1 and event != "start_map":
            self._fields[self._name] = value
            self._unfinished = 0
        elif event not in ("start_map", "end_map"):
            raise unreadable("không phải đối tượng JSON")
        return None

    def _opened(self, event: str, value: Any) -> None:
        if self._name == "data" and event == "start_array":
            self._listing = self._listed = True
            return
        self._value = ObjectBuilder()
        self._value.event(event, value)

    def _between_rows(self, event: str, value: Any) -> None:
        if event == "end_array":
            self._listing = False
        elif event == "start_map":
            self._value = ObjectBuilder()
            self._value.event(event, value)
        else:
            raise unreadable("dòng của danh sách không phải đối tượng")

    def _completed(self) -> dict[str, Any] | None:
        """Of the object that was being built: a row, or nothing when it was a field."""
        whole: Any = self._value.value if self._value is not None else None
        self._value, self._unfinished = None, 0
        if self._listing:
            row: dict[str, Any] = whole
            return row
        self._fields[self._name] = whole
        return None
