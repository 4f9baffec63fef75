"""One HTTP call to the axis: time limits, bounded reading, no redirects, no retry. aiohttp lives here and in server.py.

What a failed call means for a document is decided in sending.py; this file only says how far it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from ..errors import AxisError
from .clocks import seconds_ahead
from .protocol import (
    BLOCK,
    BODY_END,
    FILE_TYPE,
    JSON_TYPE,
    USER_AGENT,
    Operation,
    signed_headers,
)
from .settings import MEGABYTE, VxpSettings

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    http_status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedAnswer:
    http_status: int
    blocks: AsyncIterator[bytes]


class CallError(AxisError):
    """A call without an answer. ``body_started``: bytes of the package may have reached the axis."""

    def __init__(self, code: str, message: str, *, body_started: bool, transient: bool = True) -> None:
        super().__init__(code, message, transient=transient)
        self.body_started = body_started


class Upload:
    """The body of sendEdoc: the file, then CRLF; remembers whether any of it was asked for."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self.length = size + len(BODY_END)
        self.started = False

    async def blocks(self) -> AsyncIterator[bytes]:
        self.started = True
        with await asyncio.to_thread(self._path.open, "rb") as source:
            while block := await asyncio.to_thread(source.read, BLOCK):
                yield block
        yield BODY_END


class Channel:
    """Signed calls over one borrowed session. ``ahead``: see clocks.py; the one thing remembered between calls."""

    def __init__(self, settings: VxpSettings, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self.ahead: float | None = None

    async def call(
        self,
        operation: Operation,
        params: Mapping[str, str],
        *,
        body: bytes = b"",
        limit: int,
        upload: Upload | None = None,
    ) -> RawAnswer:
        """POST once and read at most ``limit`` bytes. Raises CallError."""
        async with self._request(operation, params, body=body, upload=upload, size=limit) as response:
            return RawAnswer(http_status=response.status, body=await _bounded(response, limit))

    @asynccontextmanager
    async def download(self, operation: Operation, params: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """GET once; the caller streams the body. Raises CallError."""
        limit = self._settings.max_package
        async with self._request(operation, params, method="GET", size=limit) as response:
            yield response

    @asynccontextmanager
    async def stream(self, operation: Operation, *, limit: int) -> AsyncIterator[StreamedAnswer]:
        """POST once without parameters; the body comes in blocks, at most ``limit`` bytes. Raises CallError."""
        async with self._request(operation, {}, size=limit) as response:
            yield StreamedAnswer(http_status=response.status, blocks=_limited(response, limit))

    @asynccontextmanager
    async def _request(
        self,
        operation: Operation,
        params: Mapping[str, str],
        *,
        size: int,
        method: str = "POST",
        body: bytes = b"",
        upload: Upload | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = self._headers(params, upload)
        megabytes = (upload.length if upload else size) / MEGABYTE
        try:
            async with self._session.request(
                method,
                f"{self._settings.base_url.rstrip('/')}/{operation.value}",
                data=upload.blocks() if upload else body if method == "POST" else None,
                headers=headers,
                allow_redirects=False,
                timeout=self._limits(megabytes),
            ) as response:
                self.ahead = seconds_ahead(response.headers.get("Date"), self._clock())
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _call_error(error, body_started=bool(upload and upload.started)) from error

    def _headers(self, params: Mapping[str, str], upload: Upload | None) -> dict[str, str]:
        headers = signed_headers(
            params,
            content_type=FILE_TYPE if upload else JSON_TYPE,
            system_id=self._settings.system_id,
            secret=self._settings.secret,
            now=self._clock(),
        )
        if upload:
            headers["Content-Length"] = str(upload.length)
        return headers

    def _limits(self, megabytes: float) -> aiohttp.ClientTimeout:
        settings = self._settings
        return aiohttp.ClientTimeout(
            total=settings.total_seconds + megabytes * settings.seconds_per_mb,
            connect=None,  # would count the wait for a free connection of the pool
            sock_connect=settings.connect_seconds,
            sock_read=settings.read_seconds,
        )


@asynccontextmanager
async def open_channel(settings: VxpSettings, clock: Clock) -> AsyncIterator[Channel]:
    """Own the session for as long as the context lasts."""
    # Idle connections are given up before an axis would close them: a request written into a connection that
    # the other side is just closing ends as UNKNOWN although nothing happened.
    connector = aiohttp.TCPConnector(limit=settings.connections, keepalive_timeout=10)
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        yield Channel(settings, session, clock)


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    return b"".join([block async for block in _limited(response, limit)])


async def _limited(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for block in response.content.iter_any():
        size += len(block)
        if size > limit:
            raise CallError(
                "AXIS_TOO_LARGE",
                f"Trả lời của trục lớn hơn giới hạn {limit} byte.",
                body_started=True,
                transient=False,
            )
        yield block


def _call_error(error: Exception, *, body_started: bool) -> CallError:
    if isinstance(error, TimeoutError):
        code = "AXIS_TIMEOUT"
        message = "Trục không trả lời trong thời hạn."
    elif isinstance(error, aiohttp.ClientConnectorError):
        code = "AXIS_CONNECT"
        message = "Không kết nối được tới trục."
    else:
        code = "AXIS_BROKEN"
        message = "Kết nối tới trục bị ngắt giữa chừng."
    return CallError(code, message, body_started=body_started)
