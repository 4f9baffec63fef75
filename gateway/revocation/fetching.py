"""One bounded request for revocation data: no redirect, no more bytes and seconds than allowed. Adapter of aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from ..errors import GatewayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Use ``open_fetcher``. ``max_bytes`` bounds one answer."""

    session: aiohttp.ClientSession
    max_bytes: int

    async def get(self, address: str) -> bytes:
        """Raises GatewayError REVOCATION_UNREACHABLE, REVOCATION_TOO_LARGE."""
        return await self._ask("GET", address, None, {})

    async def post(self, address: str, body: bytes) -> bytes:
        """An OCSP request; raises as ``get``."""
        return await self._ask("POST", address, body, {"Content-Type": "application/ocsp-request"})

    async def _ask(self, method: str, address: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        try:
            # A redirect would lead where the operator never said: it is an answer like any other wrong one.
            async with self.session.request(
                method, address, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _unreachable(address, f"HTTP {response.status}")
                return await self._body(response, address)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unreachable(address, type(error).__name__) from error

    async def _body(self, response: aiohttp.ClientResponse, address: str) -> bytes:
        received = bytearray()
        async for piece in response.content.iter_any():
            received += piece
            if len(received) > self.max_bytes:
                raise GatewayError("REVOCATION_TOO_LARGE", f"{address}: lớn hơn {self.max_bytes} byte, không nhận.")
        return bytes(received)


def _unreachable(address: str, why: str) -> GatewayError:
    return GatewayError("REVOCATION_UNREACHABLE", f"Không tải được dữ liệu thu hồi từ {address} ({why}).")


@asynccontextmanager
async def open_fetcher(*, seconds: float, max_bytes: int) -> AsyncIterator[Fetcher]:
    timeout = aiohttp.ClientTimeout(total=seconds, connect=seconds)
    headers = {"User-Agent": "lienthong"}
    connector = aiohttp.TCPConnector(limit=8, limit_per_host=4)
    async with aiohttp.ClientSession(
        timeout=timeout, headers=headers, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield Fetcher(session=session, max_bytes=max_bytes)
