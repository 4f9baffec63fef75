"""The TEST authorities' revocation server on this machine: CRLs and OCSP answers over HTTP, out of a TEST PKI.

``/crl/<authority>.crl`` and ``/ocsp/<authority>``. It can be told to misbehave (``broken``), to send elsewhere
(``redirect``) or to hand out other bytes (``instead``), because networks do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from .pki import Authority, Pki


@dataclass(slots=True, kw_only=True)
class RevocationServer:
    """``clock``: the time the lists say. ``asked``: paths, in order."""

    pki: Pki
    clock: Callable[[], datetime]
    life: timedelta = timedelta(days=7)
    base: str = ""
    asked: list[str] = field(default_factory=list)
    broken: bool = False
    silent: bool = False  # takes the request and does not answer before it is closed
    over: asyncio.Event = field(default_factory=asyncio.Event)
    instead: bytes | None = None
    redirect: str | None = None

    def authority(self, name: str) -> Authority:
        return {"root": self.pki.root, "sub": self.pki.sub}[name]

    async def crl(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.silent:
            await self.over.wait()
        return self._answer(self.list_of(request.match_info["name"]), "application/pkix-crl")

    async def status(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        asked = ocsp.load_der_ocsp_request(await request.read())
        if self.silent:
            await self.over.wait()
        content = self.status_of(request.match_info["name"], asked.serial_number)
        return self._answer(content, "application/ocsp-response")

    def list_of(self, name: str, *, at: datetime | None = None) -> bytes:
        moment = at or self.clock()
        listed = self.authority(name).crl(at=moment, next_update=moment + self.life)
        return listed.public_bytes(serialization.Encoding.DER)

    def status_of(self, name: str, serial: int, *, at: datetime | None = None) -> bytes:
        """What the responder says of a certificate."""
        authority, now = self.authority(name), at or self.clock()
        known = {entry[0]: entry for entry in authority.revoked}.get(serial)
        certificate = next(c for c in authority.made if c.serial_number == serial)
        answer = ocsp.OCSPResponseBuilder().add_response(
            cert=certificate,
            issuer=authority.own.certificate,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if known else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + self.life,
            revocation_time=known[1] if known else None,
            revocation_reason=known[2] if known else None,
        )
        answer = answer.responder_id(ocsp.OCSPResponderEncoding.HASH, authority.own.certificate)
        return answer.sign(authority.own.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _answer(self, content: bytes, kind: str) -> web.Response:
        if self.broken:
            return web.Response(status=503)
        if self.redirect is not None:
            return web.Response(status=302, headers={"Location": self.redirect})
        return web.Response(body=content if self.instead is None else self.instead, content_type=kind)


@asynccontextmanager
async def open_revocation_server(
    pki: Pki, *, clock: Callable[[], datetime], port: int = 0
) -> AsyncIterator[RevocationServer]:
    """Listen on 127.0.0.1; ``base`` is its address without a slash at the end."""
    server = RevocationServer(pki=pki, clock=clock)
    app = web.Application()
    app.add_routes([web.get("/crl/{name}.crl", server.crl), web.post("/ocsp/{name}", server.status)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        server.over.set()
        await asyncio.sleep(0)
        await runner.cleanup()
