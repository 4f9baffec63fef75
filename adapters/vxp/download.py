"""Fetching one package: downloadEdoc streamed into a file, getEdoc as the way round it.

downloadEdoc has no error channel of its own: an error may come as 404, as an empty body or as a text in the
place of the package (axis.md 3, row 10). Then getEdoc is asked, which also knows the reason.
"""

from __future__ import annotations

import asyncio
import binascii
from pathlib import Path
from typing import BinaryIO

from ..errors import AxisError
from .answers import key_refused, unreadable, usable_answer
from .protocol import BLOCK, Operation
from .settings import VxpSettings
from .transport import CallError, Channel

HEAD = 1024
BASE64_STEP = 4 * (BLOCK // 4)


async def fetch_package(channel: Channel, settings: VxpSettings, receiver_doc_id: str, into: Path) -> int:
    """Write the package into the new file ``into``; its size. On failure the file is gone. Raises AxisError."""
    params = {"docId": receiver_doc_id}
    try:
        sink = await asyncio.to_thread(into.open, "xb")
    except OSError as error:
        raise _disk(error) from error
    try:
        with sink:
            size = await _download(channel, settings, params, sink)
            if size == 0:
                size = await _get(channel, settings, params, sink)
    except BaseException:
        into.unlink(missing_ok=True)  # noqa: ASYNC240 - also on cancellation, when nothing can be awaited
        raise
    return size


async def _download(channel: Channel, settings: VxpSettings, params: dict[str, str], sink: BinaryIO) -> int:
    """Bytes written; 0 when the answer was no package."""
    async with channel.download(Operation.DOWNLOAD, params) as response:
        if response.status == 401:
            raise key_refused()
        if response.status != 200:
            return 0
        size = 0
        async for block in response.content.iter_chunked(BLOCK):
            if size == 0 and not _like_package(block):
                return 0
            size += len(block)
            if size > settings.max_package:
                raise _too_large(settings.max_package)
            await asyncio.to_thread(_write, sink, block)
        return size


def _write(sink: BinaryIO, block: bytes) -> None:
    try:
        sink.write(block)
    except OSError as error:  # must not pass for a network failure
        raise _disk(error) from error


def _like_package(block: bytes) -> bool:
    """Whether it may be XML, junk in front included; an error text or page is not, nor what is no text at all."""
    head = block[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    text = b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return text and b"<" in head and not head.startswith((b"{", b"<!doctype html", b"<html"))


async def _get(channel: Channel, settings: VxpSettings, params: dict[str, str], sink: BinaryIO) -> int:
    limit = settings.max_getedoc * 4 // 3 + settings.max_answer
    raw = await channel.call(Operation.GET, params, body=b"{}", limit=limit)
    answer = await asyncio.to_thread(usable_answer, raw.http_status, raw.body)
    data = answer.fields.get("data")
    if not isinstance(data, str) or not data:
        raise unreadable("getEdoc thiếu data")
    return await asyncio.to_thread(_decode, data, sink, settings.max_getedoc)


def _decode(data: str, sink: BinaryIO, limit: int) -> int:
    """base64 into the file in steps, so that the decoded package is never held whole."""
    size = 0
    data = "".join(data.split()) if "\n" in data else data
    try:
        for start in range(0, len(data), BASE64_STEP):
            block = binascii.a2b_base64(data[start : start + BASE64_STEP].encode("ascii"), strict_mode=True)
            size += len(block)
            if size > limit:
                raise _too_large(limit)
            _write(sink, block)
    except ValueError as error:
        raise unreadable("data của getEdoc không phải base64") from error
    return size


def _too_large(limit: int) -> CallError:
    return CallError("AXIS_TOO_LARGE", f"Gói tin lớn hơn giới hạn {limit} byte.", body_started=False, transient=False)


def _disk(error: OSError) -> AxisError:
    return AxisError("AXIS_DISK", f"Không ghi được gói tin xuống đĩa: {error.strerror}.", blame="ours")
