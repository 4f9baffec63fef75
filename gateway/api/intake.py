"""Taking in a submission: metadata first and judged, then the files, hashed and held back until everything is known.

A file's bytes stay in temporary files of the store until the last part has come and nothing is wrong with any; only
then are they committed. What is refused leaves nothing. Rules about metadata live in pipeline/intake.py, about files in
files/inspection.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

from ..errors import GatewayError, InputFault
from ..files.formats import format_of
from ..files.inspection import HEAD, quick_check
from ..files.layout import AgencyKey, StoredFile
from ..files.names import normal_name
from ..submissions import Metadata, SubmittedFile
from .multipart import PartData, PartEnd, PartEvent, PartStart
from .text import parse_object

METADATA: Final = "metadata"
MAIN: Final = "main"
ATTACHMENT: Final = "attachment"


class Sink(Protocol):
    """Where a file's bytes go; ``files.incoming.Incoming`` is one."""

    size: int
    head: bytes

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def write(self, chunk: bytes) -> None: ...

    async def commit(self) -> StoredFile: ...


class DigestOnly:
    """A sink that keeps nothing: for a repetition, of which only the meaning is compared."""

    def __init__(self, agency_id: AgencyKey) -> None:
        self._agency_id = agency_id
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.head = self.head or chunk[:HEAD]
        self._digest.update(chunk)

    async def commit(self) -> StoredFile:
        return StoredFile(agency_id=self._agency_id, sha256=self._digest.hexdigest(), size=self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Metadata as it is kept, and what it says; ``metadata`` is None where it was not asked for or has faults."""

    raw: dict[str, Any]
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came in. With ``faults`` nothing was committed and ``files`` is empty."""

    judged: Judged
    files: tuple[SubmittedFile, ...]
    faults: tuple[InputFault, ...]


@dataclass(slots=True)
class _Arriving:
    start: PartStart
    name: str
    sink: Sink
    refused: bool = False
    checked: bool = False


Judge = Callable[[dict[str, Any]], Awaitable[Judged]]  # may raise


async def take_in(
    events: AsyncIterator[PartEvent], *, judge: Judge, open_sink: Callable[[], Sink], metadata_limit: int
) -> Taken:
    """Read all parts. ``judge`` sees the metadata before the first byte of a file is kept."""
    judged = await judge(await _metadata(events, metadata_limit))
    async with AsyncExitStack() as stack:
        arrived: list[_Arriving] = []
        faults: list[InputFault] = []
        async for event in events:
            if isinstance(event, PartStart):
                arriving = _Arriving(event, _file_name(event, len(arrived)), open_sink())
                await stack.enter_async_context(arriving.sink)
                arrived.append(arriving)
            elif isinstance(event, PartData):
                await _write(arrived[-1], event.content, faults)
            else:
                _check(arrived[-1], faults)
        if not arrived:
            raise GatewayError("MULTIPART_PARTS", "Thiếu phần “main” (văn bản chính).")
        if faults:
            return Taken(judged=judged, files=(), faults=tuple(faults))
        descriptions = judged.raw.get("file_descriptions", {})
        files = [await _commit(one, descriptions.get(one.name)) for one in arrived]
        return Taken(judged=judged, files=tuple(files), faults=())


async def _metadata(events: AsyncIterator[PartEvent], limit: int) -> dict[str, Any]:
    start = await anext(events, None)
    if not isinstance(start, PartStart) or start.name != METADATA:
        raise GatewayError("MULTIPART_PARTS", "Phần đầu tiên phải là “metadata” (JSON).")
    content = bytearray()
    async for event in events:
        if isinstance(event, PartEnd):
            break
        if isinstance(event, PartData):
            content += event.content
        if len(content) > limit:
            raise GatewayError("METADATA_TOO_LARGE", f"Phần “metadata” vượt quá {limit} byte.")
    return parse_object(bytes(content), what="Phần “metadata”")


def _file_name(start: PartStart, position: int) -> str:
    expected = MAIN if position == 0 else ATTACHMENT
    if start.name != expected:
        raise GatewayError(
            "MULTIPART_PARTS",
            f"Sau “metadata” phải là một phần “main” rồi các phần “attachment”; nhận được “{start.name[:50]}”.",
        )
    if start.filename is None:
        raise GatewayError("MULTIPART_PARTS", f"Phần “{start.name}” thiếu tên tệp (filename).")
    return normal_name(start.filename)


async def _write(one: _Arriving, content: bytes, faults: list[InputFault]) -> None:
    if one.refused:
        return
    await one.sink.write(content)
    if not one.checked and one.sink.size >= HEAD:
        _check(one, faults)


def _check(one: _Arriving, faults: list[InputFault]) -> None:
    """Judge by name and first bytes, once; what is refused is no longer written."""
    if one.checked:
        return
    one.checked = True
    for finding in quick_check(one.name, one.sink.head, main=one.start.name == MAIN):
        one.refused = True
        faults.append(InputFault(code=finding.code, place=f"{one.start.name}:{one.name}", message=finding.message))


async def _commit(one: _Arriving, description: str | None) -> SubmittedFile:
    stored = await one.sink.commit()
    form = format_of(one.name)
    return SubmittedFile(
        name=one.name,
        content_type=form.content_type if form else "application/octet-stream",
        sha256=stored.sha256,
        size=stored.size,
        description=description,
    )
