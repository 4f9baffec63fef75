"""multipart/form-data (RFC 7578) as events, without I/O: feed pieces, get parts, however the pieces are cut.

A file's bytes pass through in windows: between two calls at most one unfinished line of the body is kept. Searches are
plain ``bytes.find``: a regular expression for each request's own boundary costs more than all the rest of its parsing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from ..errors import GatewayError

_PREAMBLE_LIMIT: Final = 64 * 1024  # bytes before the first boundary
_HEADER_LIMIT: Final = 16 * 1024  # bytes of a part's headers
_BOUNDARY_LIMIT: Final = 70  # RFC 2046, section 5.1.1
_PADDING_LIMIT: Final = 128  # white space after a boundary

# name=value or name="value" of a header; a quote inside is written \" (RFC 822) or %22 (browsers).
_OPTION: Final = re.compile(r';\s*([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))\s*')


@dataclass(frozen=True, slots=True)
class PartStart:
    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    content: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    pass


PartEvent = PartStart | PartData | PartEnd


class _State(Enum):
    PREAMBLE = auto()
    HEADERS = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class MultipartReader:
    """One body. Raise MULTIPART_INVALID for what is none, or has more than ``most_parts`` parts."""

    def __init__(self, boundary: bytes, *, most_parts: int) -> None:
        self._mark = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # so that a body may begin with its boundary
        self._searched = 0  # no mark begins before this place of the buffer
        self._state = _State.PREAMBLE
        self._parts_left = most_parts

    def feed(self, piece: bytes) -> list[PartEvent]:
        """The events that this piece completes."""
        if self._state is _State.EPILOGUE:
            return []
        self._buffer += piece
        events: list[PartEvent] = []
        while self._step(events):
            pass
        return events

    def end(self) -> None:
        """The body is over; raise MULTIPART_INVALID when it is not whole."""
        if self._state is not _State.EPILOGUE:
            raise _invalid("Thân yêu cầu không phải multipart/form-data đầy đủ.")

    def _step(self, events: list[PartEvent]) -> bool:
        """Take one thing out of the buffer; False when more must come first."""
        if self._state is _State.HEADERS:
            return self._read_headers(events)
        if self._state is _State.EPILOGUE:
            self._buffer.clear()
            return False
        found, after, last = self._find_mark()
        if self._state is _State.PREAMBLE:
            if found < 0 and len(self._buffer) > _PREAMBLE_LIMIT:
                raise _invalid("Phần trước boundary đầu tiên quá dài.")
        else:
            self._pass_on(found if found >= 0 else self._searched, events)
            if found >= 0:
                events.append(PartEnd())
                after -= found
        if found < 0:
            return False
        del self._buffer[:after]
        self._searched = 0
        self._state = _State.EPILOGUE if last else _State.HEADERS
        return True

    def _find_mark(self) -> tuple[int, int, bool]:
        """Where the next boundary stands, where what follows it begins, whether it is the last; -1 if not yet known."""
        while True:
            found = self._buffer.find(self._mark, self._searched)
            if found < 0:
                self._searched = max(self._searched, len(self._buffer) - len(self._mark) + 1)
                return -1, 0, False
            self._searched = found
            behind = found + len(self._mark)
            rest = bytes(self._buffer[behind : behind + _PADDING_LIMIT])
            if rest.startswith(b"--"):
                return found, behind + 2, True
            line = rest.lstrip(b" \t")
            if line.startswith(b"\r\n"):
                return found, behind + len(rest) - len(line) + 2, False
            if len(rest) < _PADDING_LIMIT and line in (b"", b"\r", b"-"):
                return -1, 0, False
            self._searched = found + 1  # only looks like it: content

    def _pass_on(self, until: int, events: list[PartEvent]) -> None:
        if until > 0:
            events.append(PartData(bytes(self._buffer[:until])))
            del self._buffer[:until]
            self._searched -= until

    def _read_headers(self, events: list[PartEvent]) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) <= _HEADER_LIMIT:
            return False
        if end < 0 or end > _HEADER_LIMIT:
            raise _invalid("Phần đầu của một phần quá dài.")
        if self._parts_left == 0:
            raise _invalid("Thân yêu cầu có quá nhiều phần.")
        self._parts_left -= 1
        events.append(_start(bytes(self._buffer[:end])))
        del self._buffer[: end + 4]
        self._state = _State.CONTENT
        return True


def _start(head: bytes) -> PartStart:
    """What Content-Disposition says of the part."""
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise _invalid("Phần đầu của một phần không phải UTF-8.") from error
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            options = {key.lower(): _unquoted(quoted, plain) for key, quoted, plain in _OPTION.findall(value)}
            if value.partition(";")[0].strip().lower() == "form-data" and "name" in options:
                return PartStart(options["name"], _filename(options))
    raise _invalid("Một phần thiếu Content-Disposition: form-data với tên.")


def _unquoted(quoted: str, plain: str) -> str:
    return quoted.replace('\\"', '"').replace("%22", '"') if quoted else plain


def _filename(options: dict[str, str]) -> str | None:
    extended = options.get("filename*")
    if extended is not None:
        charset, _, rest = extended.partition("'")
        if charset.lower() == "utf-8" and "'" in rest:
            try:
                return unquote_to_bytes(rest.partition("'")[2]).decode("utf-8")
            except UnicodeDecodeError as error:
                raise _invalid("Tên tệp (filename*) không phải UTF-8.") from error
    plain = options.get("filename")
    return None if plain is None else decoded_name(plain)


def decoded_name(filename: str) -> str:
    """RFC 7578, section 4.2: some clients percent-encode the whole name; a name with letters as they are stays."""
    if "%" not in filename or not filename.isascii():
        return filename
    try:
        return unquote(filename, errors="strict")
    except UnicodeDecodeError:
        return filename


def boundary_of(content_type: str) -> bytes:
    """The boundary of a multipart/form-data body. Raise MEDIA_TYPE_UNSUPPORTED or MULTIPART_INVALID."""
    media_type, _, _ = content_type.partition(";")
    if media_type.strip().lower() != "multipart/form-data":
        raise GatewayError("MEDIA_TYPE_UNSUPPORTED", "Thân yêu cầu phải là multipart/form-data.")
    options = {key.lower(): quoted or plain for key, quoted, plain in _OPTION.findall(content_type)}
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= _BOUNDARY_LIMIT or not boundary.isascii():
        raise _invalid("Tiêu đề Content-Type thiếu boundary hợp lệ.")
    return boundary.encode()


def _invalid(message: str) -> GatewayError:
    return GatewayError("MULTIPART_INVALID", message)
