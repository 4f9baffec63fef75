"""multipart/form-data (RFC 7578) as events, without I/O: feed pieces, get parts, however the pieces are cut.

The parsing is the library's; here are its limits, our errors and the names that clients give to files.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from aiohttp import parse_content_disposition
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from ..errors import GatewayError

_PREAMBLE_LIMIT: Final = 64 * 1024  # bytes before the first boundary
_HEADER_LIMIT: Final = 8 * 1024  # bytes of one header line of a part
_HEADERS_LIMIT: Final = 16
_BOUNDARY_LIMIT: Final = 70  # RFC 2046, section 5.1.1


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


class MultipartReader:
    """One body. Raise MULTIPART_INVALID for what is none, or has more than ``most_parts`` parts."""

    def __init__(self, boundary: bytes, *, most_parts: int) -> None:
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=_HEADER_LIMIT,
            max_header_count=_HEADERS_LIMIT,
            max_segment_count=most_parts,
        )
        self._preamble = 0  # bytes taken while no part had begun

    def feed(self, piece: bytes) -> list[PartEvent]:
        """The events that this piece completes."""
        if not piece:  # the library takes it for the end
            return []
        try:
            events = [_event(event) for event in self._parser.parse(piece)]
        except MultipartError as error:
            raise _invalid(f"Thân yêu cầu không phải multipart/form-data hợp lệ: {error}.") from error
        if events:
            self._preamble = -1
        elif self._preamble >= 0:
            self._preamble += len(piece)
            if self._preamble > _PREAMBLE_LIMIT:
                raise _invalid("Phần trước boundary đầu tiên quá dài.")
        return events

    def end(self) -> None:
        """The body is over; raise MULTIPART_INVALID when it is not whole."""
        try:
            self._parser.close()
        except MultipartError as error:
            raise _invalid("Thân yêu cầu không phải multipart/form-data đầy đủ.") from error


def _event(event: MultipartSegment | bytes | bytearray | None) -> PartEvent:
    if event is None:
        return PartEnd()
    if isinstance(event, MultipartSegment):
        if not event.name:
            raise _invalid("Một phần thiếu Content-Disposition: form-data với tên.")
        return PartStart(event.name, _filename(event))
    return PartData(bytes(event))


def _filename(segment: MultipartSegment) -> str | None:
    """RFC 7578 has no ``filename*``, but clients on .NET send it beside a mangled ``filename``: it is read first."""
    disposition = segment["Content-Disposition"]
    if "filename*" in disposition.lower():
        with warnings.catch_warnings(action="ignore"):
            extended = parse_content_disposition(disposition)[1].get("filename*")
        if extended is None:
            raise _invalid("Tên tệp (filename*) không đọc được.")
        return extended
    return None if segment.filename is None else decoded_name(segment.filename)


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
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data":
        raise GatewayError("MEDIA_TYPE_UNSUPPORTED", "Thân yêu cầu phải là multipart/form-data.")
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= _BOUNDARY_LIMIT or not boundary.isascii() or not boundary.isprintable():
        raise _invalid("Tiêu đề Content-Type thiếu boundary hợp lệ.")
    return boundary.encode()


def _invalid(message: str) -> GatewayError:
    return GatewayError("MULTIPART_INVALID", message)
