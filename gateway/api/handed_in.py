"""One file handed in for a check, with the few fields beside it: streamed into a folder of the call, judged by bytes.

The page and POST /v1/checks take the same body: ``file``, and before or behind it ``policy``, ``sender``, ``date``.
The folder goes when the call ends, whatever happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from aiohttp import web

from ...signing.policies import REQUIRED_SETS
from ..checks.desk import Asked, HandedIn
from ..checks.outcome import FileKind
from ..checks.rules import HEAD, looks_like_pdf
from ..errors import GatewayError
from ..files.errors import FileError
from ..node import Node
from .body import BodyLimits, read_parts
from .gate import Gate
from .multipart import PartData, PartEvent, PartStart
from .text import clean

FILE: Final = "file"
_FIELDS: Final = ("policy", "sender", "date")
_LONGEST: Final = 500  # bytes of a field
_PARTS: Final = 8
_WINDOW: Final = 1024 * 1024  # bytes kept before they go to the disk
_UNKNOWN_SIZE: Final = 1_000_000  # bytes asked of the disk when the body does not say how long it is
_MARKUP: Final = re.compile(rb"\A\s*<")
_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(slots=True)
class _Arriving:
    """The file while it comes."""

    path: Path
    name: str
    limit: int
    pending: bytearray = field(default_factory=bytearray)
    head: bytes = b""
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def write(self, content: bytes) -> None:
        self.size += len(content)
        if self.size > self.limit:
            raise FileError("FILE_TOO_LARGE", f"Tệp vượt quá giới hạn {self.limit // 1_000_000} MB.")
        if len(self.head) < HEAD:
            self.head += content[: HEAD - len(self.head)]
        self.digest.update(content)
        self.pending += content
        if len(self.pending) >= _WINDOW:
            await self.flush()

    async def flush(self) -> None:
        content = bytes(self.pending)
        self.pending.clear()
        await asyncio.to_thread(_append, self.path, content)


@asynccontextmanager
async def take_file(request: web.Request, node: Node, gate: Gate) -> AsyncIterator[tuple[HandedIn, Asked]]:
    """Read the whole body. Raises what ``read_parts`` and ``Gate.upload`` raise, FILE_TOO_LARGE, FILE_EMPTY,
    CHECK_FILE_MISSING, CHECK_ONE_FILE, CHECK_KIND, CHECK_FIELD.
    """  # fmt: skip
    with gate.upload(request.content_length or _UNKNOWN_SIZE):
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="check-", dir=node.scratch))
        try:
            http = node.settings.http
            limits = BodyLimits(size=http.max_body_bytes, parts=_PARTS, idle=http.body_timeout_s, pulse=1.0)
            async with aclosing(read_parts(request, limits, _nothing)) as events:
                arrived, fields = await _read(events, folder, http.max_file_bytes)
            yield await _finished(arrived, folder), _asked(fields)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _nothing() -> None:
    return None


async def _read(events: AsyncIterator[PartEvent], folder: Path, limit: int) -> tuple[_Arriving | None, dict[str, str]]:
    arrived: _Arriving | None = None
    fields: dict[str, bytes] = {}
    start = PartStart("", None)
    async for event in events:
        if isinstance(event, PartStart):
            start = event
            if start.name == FILE and start.filename:
                if arrived is not None:
                    raise GatewayError("CHECK_ONE_FILE", "Mỗi lần chỉ kiểm tra một tệp; hãy chọn lại đúng một tệp.")
                arrived = _Arriving(folder / "handed-in", shown_name(start.filename), limit)
            elif start.name not in (*_FIELDS, FILE) or start.name in fields:
                raise GatewayError("CHECK_FIELD", f"Không nhận trường “{start.name[:50]}”.")
        elif isinstance(event, PartData):
            if start.name != FILE:
                fields[start.name] = fields.get(start.name, b"") + event.content
                if len(fields[start.name]) > _LONGEST:
                    raise GatewayError("CHECK_FIELD", f"Trường “{start.name}” quá dài.")
            elif arrived is not None:
                await arrived.write(event.content)
    return arrived, {name: _text(name, value) for name, value in fields.items()}


async def _finished(arrived: _Arriving | None, folder: Path) -> HandedIn:
    if arrived is None:
        raise GatewayError("CHECK_FILE_MISSING", "Chưa có tệp nào được chọn.")
    if arrived.size == 0:
        raise GatewayError("FILE_EMPTY", f"Tệp “{arrived.name}” rỗng (0 byte).")
    kind = kind_of(arrived.head)
    if kind is None:
        raise GatewayError("CHECK_KIND", f"Tệp “{arrived.name}” không phải PDF, cũng không phải gói tin edXML.")
    await arrived.flush()
    return HandedIn(
        path=arrived.path,
        folder=folder,
        name=arrived.name,
        size=arrived.size,
        sha256=arrived.digest.hexdigest(),
        kind=kind,
    )


def kind_of(head: bytes) -> FileKind | None:
    """By the first bytes; a name proves nothing."""
    if looks_like_pdf(head):
        return FileKind.PDF
    plain = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"") if head[:2] not in _UTF16 else b"<"
    return FileKind.EDXML if _MARKUP.match(plain) else None


_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def shown_name(filename: str) -> str:
    """The last part of the name in NFC, without letters that mislead a reader, of bounded length."""
    last = unicodedata.normalize("NFC", filename.replace("\\", "/").rpartition("/")[2])
    kept = "".join(letter for letter in last if unicodedata.category(letter) not in _UNSEEN).strip()
    return kept[:200] or "tệp không tên"


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _text(name: str, content: bytes) -> str:
    try:
        value, faults = clean(content.decode("utf-8").strip())
    except UnicodeDecodeError as error:
        raise GatewayError("CHECK_FIELD", f"Trường “{name}” không phải UTF-8.") from error
    if faults:
        raise GatewayError("CHECK_FIELD", f"Trường “{name}” chứa ký tự điều khiển hoặc ký tự ẩn.")
    return str(value)


def _asked(fields: Mapping[str, str]) -> Asked:
    policy = fields.get("policy") or None
    if policy is not None and policy not in REQUIRED_SETS:
        raise GatewayError("CHECK_FIELD", f"Không có bộ chữ ký “{policy[:50]}”.")
    return Asked(policy=policy, sender=fields.get("sender", ""), day=_day(fields.get("date", "")))


def _day(text: str) -> date | None:
    """yyyy-MM-dd, or dd/MM/yyyy as people write it."""
    if not text:
        return None
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise GatewayError("CHECK_FIELD", f"Ngày văn bản “{text[:20]}” không đúng dạng ngày/tháng/năm.")
        if found[1]:
            return date(int(found[1]), int(found[2]), int(found[3]))
        return date(int(found[6]), int(found[5]), int(found[4]))
    except ValueError as error:
        raise GatewayError("CHECK_FIELD", f"Ngày văn bản “{text[:20]}” không có thật.") from error


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(content)
