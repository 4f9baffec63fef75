"""Timestamps of a real authority over HTTP: RFC 3161, section 3.4. Bounded in time and size, follows no redirect.

The address is the operator's setting; an address out of a file or a certificate is never asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from asn1crypto import cms, tsp
from pyhanko.sign.general import SigningError as PdfSigningError
from pyhanko.sign.timestamps.api import TimeStamper

from .errors import SigningError
from .signed_data import DIGEST

LARGEST_ANSWER: Final = 64 * 1024
CHUNK: Final = 8 * 1024
QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"


def timestamp(timestamper: TimeStamper, signature: bytes) -> cms.ContentInfo:
    """A token over a signature value. Raises SigningError SIG_TSA_FAILED."""
    return _asked(timestamper.async_timestamp(hashlib.sha256(signature).digest(), DIGEST))


def any_token(timestamper: TimeStamper) -> cms.ContentInfo:
    """Some token of the authority, asked for once in a timestamper's life; it tells the authority's certificate."""
    return _asked(timestamper.async_dummy_response(DIGEST))


def token_size(timestamper: TimeStamper | None) -> int:
    """Bytes of a token of this authority; none, no bytes. Raises SigningError SIG_TSA_FAILED."""
    return 0 if timestamper is None else len(any_token(timestamper).dump())


def _asked(question: Coroutine[Any, Any, cms.ContentInfo]) -> cms.ContentInfo:
    try:
        return asyncio.run(question)
    except (OSError, ValueError, TypeError, KeyError, PdfSigningError) as cause:
        raise _failed(str(cause) or type(cause).__name__) from cause


class HttpTimestamper(TimeStamper):
    """Ask ``url`` with at most ``seconds`` for one answer. One connection for each request."""

    def __init__(self, url: str, *, seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SigningError("SIG_TSA_ADDRESS", f"Địa chỉ cấp dấu thời gian không hợp lệ: {url}")
        self._parts = parts
        self._seconds = seconds

    def forget(self) -> None:
        """The authority has changed its certificate: ask for a sample again."""
        self._dummy_response_cache.clear()

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        body = await asyncio.to_thread(self._ask, req.dump())
        answer: tsp.TimeStampResp = tsp.TimeStampResp.load(body)
        return answer

    def _ask(self, body: bytes) -> bytes:
        deadline = time.monotonic() + self._seconds
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        path = self._parts.path or "/"
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=self._seconds)
        try:
            connection.request(
                "POST",
                f"{path}?{self._parts.query}" if self._parts.query else path,
                body=body,
                headers={"Content-Type": QUERY, "Accept": REPLY},
            )
            with connection.getresponse() as response:  # an answer that ends the connection is nobody else's to close
                return self._read(response, deadline)
        except (OSError, HTTPException) as cause:
            raise _failed(str(cause) or type(cause).__name__) from cause
        finally:
            connection.close()

    def _read(self, response: HTTPResponse, deadline: float) -> bytes:
        if response.status != 200:
            raise _failed(f"HTTP {response.status}")
        received = bytearray()
        while chunk := response.read1(CHUNK):
            received += chunk
            if len(received) > LARGEST_ANSWER:
                raise _failed("câu trả lời quá lớn")
            if time.monotonic() > deadline:
                raise _failed(f"quá {self._seconds:g} giây")
        return bytes(received)


def _failed(detail: str) -> SigningError:
    return SigningError("SIG_TSA_FAILED", f"Không lấy được dấu thời gian: {detail}", blame="network", transient=True)
