"""A request body that streams: counted, bounded in size and time, taken apart into parts while it arrives.

aiohttp's own limit does not hold for multipart bodies nor for what stands before the first boundary, so every byte is
counted here. werkzeug's decoder does no I/O: it gets pieces and gives events. It is imported by this file only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from aiohttp import web
from aiohttp.streams import StreamReader
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from ..errors import GatewayError

_PIECE: Final = 128 * 1024  # bytes taken from the stream at once
_BETWEEN_PARTS: Final = 3 * _PIECE  # what may stand before a boundary or in a part's headers, and one piece
_SLOWEST: Final = 4096  # bytes per second over the whole body, after the first ``idle`` seconds
_BOUNDARY_LENGTH: Final = 70  # RFC 2046, section 5.1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    size: int  # bytes of the whole body
    parts: int
    idle: float  # seconds without a byte
    pulse: float  # seconds between two calls of ``alive`` while the body arrives


@dataclass(frozen=True, slots=True)
class PartStart:
    name: str
    filename: str | None
    content_type: str


@dataclass(frozen=True, slots=True)
class PartData:
    content: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    pass


PartEvent = PartStart | PartData | PartEnd
Alive = Callable[[], Awaitable[None]]


async def read_parts(request: web.Request, limits: BodyLimits, alive: Alive) -> AsyncGenerator[PartEvent]:
    """The parts of a multipart/form-data body. Raise BODY_TOO_LARGE, BODY_SLOW, BODY_INCOMPLETE, MULTIPART_INVALID."""
    decoder = MultipartDecoder(boundary_of(request), max_form_memory_size=_BETWEEN_PARTS, max_parts=limits.parts)
    async with aclosing(read_pieces(request, limits, alive)) as pieces:
        async for piece in pieces:
            for event in _feed(decoder, piece):
                yield event
    for event in _feed(decoder, None):
        yield event


def boundary_of(request: web.Request) -> bytes:
    """Raise MEDIA_TYPE_UNSUPPORTED or MULTIPART_INVALID."""
    media_type, options = parse_options_header(request.headers.get("Content-Type"))
    if media_type.lower() != "multipart/form-data":
        raise GatewayError("MEDIA_TYPE_UNSUPPORTED", "Thân yêu cầu phải là multipart/form-data.")
    boundary = options.get("boundary", "")
    if not 0 < len(boundary) <= _BOUNDARY_LENGTH or not boundary.isascii():
        raise GatewayError("MULTIPART_INVALID", "Tiêu đề Content-Type thiếu boundary hợp lệ.")
    return boundary.encode()


async def read_pieces(request: web.Request, limits: BodyLimits, alive: Alive) -> AsyncGenerator[bytes]:
    """The body as it arrives; ``alive`` is called from time to time, also while nothing comes."""
    if request.content_length is not None and request.content_length > limits.size:
        raise _too_large(limits.size)
    now = asyncio.get_running_loop().time
    started = heard = told = now()
    size = 0
    while True:
        piece = await _next_piece(request.content, limits.pulse)
        if piece:
            heard = now()
            size += len(piece)
            if size > limits.size:
                raise _too_large(limits.size)
            yield piece
        elif piece is not None:
            return
        moment = now()
        if moment - heard > limits.idle or moment - started > limits.idle + size / _SLOWEST:
            raise GatewayError("BODY_SLOW", "Nội dung gửi lên quá chậm, nút đã dừng chờ.")
        if moment - told >= limits.pulse:
            told = moment
            await alive()


async def _next_piece(stream: StreamReader, patience: float) -> bytes | None:
    """The next bytes, b"" at the end, None when nothing came in time."""
    try:
        piece = stream.read_nowait(_PIECE)
        if piece or stream.at_eof():  # the usual case: no timer for what is already here
            return piece
        async with asyncio.timeout(patience):
            return await stream.read(_PIECE)
    except TimeoutError:
        return None
    except (ConnectionError, web.RequestPayloadError) as error:
        raise GatewayError("BODY_INCOMPLETE", "Kết nối đứt trước khi nhận đủ nội dung.") from error


def _feed(decoder: MultipartDecoder, piece: bytes | None) -> list[PartEvent]:
    events: list[PartEvent] = []
    try:
        decoder.receive_data(piece)
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData | Epilogue):
                return events
            if isinstance(event, Data):
                if event.data:
                    events.append(PartData(event.data))
                if not event.more_data:
                    events.append(PartEnd())
            elif isinstance(event, File | Field):
                events.append(_start(event))
    except RequestEntityTooLarge as error:
        raise GatewayError("MULTIPART_INVALID", "Thân yêu cầu có quá nhiều phần hoặc phần đầu quá dài.") from error
    except ValueError as error:
        raise GatewayError("MULTIPART_INVALID", "Thân yêu cầu không phải multipart/form-data đầy đủ.") from error


def _start(event: File | Field) -> PartStart:
    if event.name is None:
        raise ValueError("a part without a name")
    filename = _decoded(event.filename) if isinstance(event, File) else None
    return PartStart(event.name, filename, event.headers.get("Content-Type", ""))


def _decoded(filename: str) -> str:
    """RFC 7578, section 4.2: some clients percent-encode the whole name; a name with letters as they are is taken so."""
    if "%" not in filename or not filename.isascii():
        return filename
    try:
        return unquote(filename, errors="strict")
    except UnicodeDecodeError:
        return filename


def _too_large(limit: int) -> GatewayError:
    return GatewayError("BODY_TOO_LARGE", f"Yêu cầu vượt quá {limit // 1_000_000} MB.")
