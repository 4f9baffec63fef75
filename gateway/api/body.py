"""A request body that streams: counted, bounded in size and time, taken apart into parts while it arrives.

aiohttp's own limit does not hold for multipart bodies nor for what stands before the first boundary, so every byte is
counted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.streams import StreamReader

from ..errors import GatewayError
from .multipart import MultipartReader, PartEvent, boundary_of

_PIECE: Final = 128 * 1024  # bytes taken from the stream at once
_SLOWEST: Final = 4096  # bytes per second over the whole body, after the first ``idle`` seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    size: int  # bytes of the whole body
    parts: int
    idle: float  # seconds without a byte
    pulse: float  # seconds between two calls of ``alive`` while the body arrives


Alive = Callable[[], Awaitable[None]]


async def read_parts(request: web.Request, limits: BodyLimits, alive: Alive) -> AsyncGenerator[PartEvent]:
    """The parts of a multipart/form-data body. Raise BODY_TOO_LARGE, BODY_SLOW, BODY_INCOMPLETE, MULTIPART_INVALID."""
    reader = MultipartReader(boundary_of(request.headers.get("Content-Type", "")), most_parts=limits.parts)
    async with aclosing(read_pieces(request, limits, alive)) as pieces:
        async for piece in pieces:
            for event in reader.feed(piece):
                yield event
    reader.end()


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


def _too_large(limit: int) -> GatewayError:
    return GatewayError("BODY_TOO_LARGE", f"Yêu cầu vượt quá {limit // 1_000_000} MB.")
