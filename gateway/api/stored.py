"""Stored bytes as an answer: under their digest, whole or a range, with a name that no browser can misread.

aiohttp's FileResponse is not used: its ETag is the file's time, ours is the SHA-256, and a range of it must stand
under the same tag (RFC 9110, section 14).
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from aiohttp import web

from ..errors import GatewayError

_WINDOW: Final = 256 * 1024


async def send_stored(
    request: web.Request, path: Path, *, sha256: str, name: str, content_type: str
) -> web.StreamResponse:
    """Raise FILE_NOT_FOUND, RANGE_INVALID. What others wrote is saved by a browser, never shown by it."""
    headers = {
        "ETag": f'"{sha256}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
    }
    if request.if_none_match and any(tag.value in {sha256, "*"} for tag in request.if_none_match):
        return web.Response(status=web.HTTPNotModified.status_code, headers=headers)
    file = await asyncio.to_thread(_open, path)
    try:
        size = await asyncio.to_thread(file.seek, 0, 2)
        start, stop = _range(request, size, sha256)
        response = web.StreamResponse(status=206 if stop - start < size else 200, headers=headers)
        if response.status == web.HTTPPartialContent.status_code:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        response.headers["Content-Disposition"] = disposition(name)
        response.content_type = content_type
        response.content_length = stop - start
        await response.prepare(request)
        if request.method != "HEAD":
            await _pump(response, file, start, stop)
        await response.write_eof()
    finally:
        file.close()
    return response


def disposition(name: str) -> str:
    """Both forms of the name (RFC 6266); the plain one only has harmless ASCII."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise GatewayError("FILE_NOT_FOUND", "Không tìm thấy nội dung của tệp trong kho.") from error


def _range(request: web.Request, size: int, sha256: str) -> tuple[int, int]:
    """First byte and the one after the last; the whole when no range is asked or If-Range names other bytes."""
    asked = request.headers.get("If-Range")
    if "Range" not in request.headers or (asked is not None and asked != f'"{sha256}"'):
        return 0, size
    try:
        start, stop, _ = request.http_range.indices(size)
    except ValueError as error:
        raise _bad_range(size) from error
    if start >= stop:
        raise _bad_range(size)
    return start, stop


def _bad_range(size: int) -> GatewayError:
    return GatewayError("RANGE_INVALID", f"Đoạn yêu cầu nằm ngoài tệp ({size} byte) hoặc sai dạng.")


async def _pump(response: web.StreamResponse, file: BinaryIO, start: int, stop: int) -> None:
    await asyncio.to_thread(file.seek, start)
    left = stop - start
    while left > 0:
        window = await asyncio.to_thread(file.read, min(_WINDOW, left))
        if not window:
            raise GatewayError("FILE_STORE_FAILED", "Tệp trong kho ngắn hơn ghi nhận.")
        left -= len(window)
        await response.write(window)
