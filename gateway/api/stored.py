"""Stored bytes as an answer: under their digest, whole or a range, with a name that no browser can misread.

aiohttp's FileResponse is not used: its ETag is the file's time, ours is the SHA-256, and a range of it must stand
under the same tag (RFC 9110, section 14).
"""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from ..errors import GatewayError
from ..files.port import FileStore

_WINDOW: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Bytes of the file store as a row names them."""

    sha256: str
    size: int  # bytes, as recorded
    name: str
    content_type: str


async def send_kept(request: web.Request, files: FileStore, owner: UUID, stored: Stored) -> web.StreamResponse:
    """What the file store keeps for ``owner``. Raise FILE_DAMAGED and as ``send_stored``."""
    if _known(request, stored):
        return web.Response(status=web.HTTPNotModified.status_code, headers=_headers(stored))
    async with files.at_hand(owner, stored.sha256) as path:
        return await send_stored(request, stored, path)


async def send_stored(request: web.Request, stored: Stored, path: Path) -> web.StreamResponse:
    """Raise FILE_NOT_FOUND, FILE_STORE_FAILED, RANGE_INVALID before the first byte.

    What others wrote is saved by a browser, never shown by it.
    """
    headers = _headers(stored)
    if _known(request, stored):
        return web.Response(status=web.HTTPNotModified.status_code, headers=headers)
    file = await asyncio.to_thread(_open, stored, path)
    try:
        start, stop = _range(request, stored)
        response = web.StreamResponse(status=206 if stop - start < stored.size else 200, headers=headers)
        if response.status == web.HTTPPartialContent.status_code:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
        response.headers["Content-Disposition"] = disposition(stored.name)
        response.content_type = stored.content_type
        response.content_length = stop - start
        await response.prepare(request)
        if request.method != "HEAD":
            await _pump(response, file, start, stop)
    except ConnectionError:
        pass  # the reader has gone; there is nobody to tell
    finally:
        file.close()
    return response


def disposition(name: str) -> str:
    """Both forms of the name (RFC 6266); the plain one only has harmless ASCII."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _headers(stored: Stored) -> dict[str, str]:
    return {
        "ETag": f'"{stored.sha256}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(stored.sha256)).decode()}:",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
    }


def _known(request: web.Request, stored: Stored) -> bool:
    """Whether the reader has these bytes already."""
    tags = request.if_none_match
    return bool(tags) and any(tag.value in {stored.sha256, "*"} for tag in tags or ())


def _open(stored: Stored, path: Path) -> BinaryIO:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise GatewayError("FILE_NOT_FOUND", "Không tìm thấy nội dung của tệp trong kho.") from error
    if file.seek(0, os.SEEK_END) != stored.size:
        file.close()
        raise GatewayError("FILE_STORE_FAILED", "Tệp trong kho khác dung lượng đã ghi nhận.")
    return file


def _range(request: web.Request, stored: Stored) -> tuple[int, int]:
    """First byte and the one after the last; the whole when no range is asked or If-Range names other bytes."""
    asked = request.headers.get("If-Range")
    if "Range" not in request.headers or (asked is not None and asked != f'"{stored.sha256}"'):
        return 0, stored.size
    try:
        start, stop, _ = request.http_range.indices(stored.size)
    except ValueError as error:
        raise _bad_range(stored.size) from error
    if start >= stop:
        raise _bad_range(stored.size)
    return start, stop


def _bad_range(size: int) -> GatewayError:
    return GatewayError("RANGE_INVALID", f"Đoạn yêu cầu nằm ngoài tệp ({size} byte) hoặc sai dạng.")


async def _pump(response: web.StreamResponse, file: BinaryIO, start: int, stop: int) -> None:
    await asyncio.to_thread(file.seek, start)
    left = stop - start
    while left > 0:
        window = await asyncio.to_thread(file.read, min(_WINDOW, left))
        if not window:  # cut off while it was read: the length that was promised tells the reader
            response.force_close()
            return
        left -= len(window)
        await response.write(window)
    await response.write_eof()
