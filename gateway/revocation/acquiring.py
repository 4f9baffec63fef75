"""One address at a time: ask it, have the answer judged in a worker, put it into the store, note it in the ledger."""

from __future__ import annotations

import asyncio
import base64
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import structlog

from ...signing.errors import SigningError
from ...signing.materials import Material
from ..errors import GatewayError
from .addresses import Addresses
from .ledger import Entry, key_of, write_ledger
from .shelf import Shelf

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Where bytes come from: fetching.Fetcher."""

    async def get(self, address: str) -> bytes: ...

    async def post(self, address: str, body: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquirer:
    """``run``: a job of the verification workers. ``trust``: trust_folder and trust_store, as the jobs want them."""

    addresses: Addresses
    source: Source
    shelf: Shelf
    run: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
    trust: dict[str, str]
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    refresh_seconds: float
    entries: dict[str, Entry]
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def fetch_list(self, address: str, chain: list[str]) -> bool:
        """True when a list came that the store had not. ``chain``: CA certificates met in files (base64)."""
        return await self._once(Entry(address=address, subject="", due_at=self.clock()), chain, None)

    async def fetch_answer(self, address: str, certificate: Material, chain: list[str]) -> bool:
        """The same for the OCSP answer about one certificate."""
        fresh = Entry(address=address, subject=certificate.holder, certificate=certificate.sha256, due_at=self.clock())
        return await self._once(fresh, chain, certificate)

    async def _once(self, fresh: Entry, chain: list[str], certificate: Material | None) -> bool:
        target = self.addresses.resolve(fresh.address)
        if target is None:
            return False
        key = key_of(fresh)
        async with self.locks[key]:  # twenty documents of one agency ask once
            entry = self.entries.get(key, fresh)
            if entry.due_at > self.clock():
                return False
            try:
                if certificate is None:
                    changed = await self._list(entry, target, chain)
                else:
                    changed = await self._answer(entry, target, chain, certificate)
            except (GatewayError, SigningError) as error:
                # A worker's refusal is worded by the error catalogue; the code says it all.
                why = f"{error.code}: {error.message}" if isinstance(error, GatewayError) else error.code
                await self._note(entry.failed(self.clock(), why, chance=self.chance()))
                _log.warning("revocation-fetch-failed", address=target, error=why)
                return False
        return changed

    async def _list(self, entry: Entry, target: str, chain: list[str]) -> bool:
        path = await self._incoming(entry, await self.source.get(target))
        try:
            asked = {**self.trust, "path": str(path), "now": self.clock().isoformat(), "chain": chain}
            judged = await self.run("judge_list", asked)
            if not judged["unchanged"]:
                await asyncio.to_thread(self.shelf.place_list, path, judged["place"], judged["past"])
        finally:
            path.unlink(missing_ok=True)
        await self._succeed(entry, judged["issuer"], judged)
        return not judged["unchanged"]

    async def _answer(self, entry: Entry, target: str, chain: list[str], certificate: Material) -> bool:
        asked = {**self.trust, "certificate": certificate.content, "chain": chain}
        request = await self.run("ask_status", asked)
        path = await self._incoming(entry, await self.source.post(target, base64.b64decode(request["request"])))
        try:
            judged = await self.run("judge_status", {**asked, "path": str(path), "now": self.clock().isoformat()})
            await asyncio.to_thread(self.shelf.place_answer, path, certificate.sha256)
        finally:
            path.unlink(missing_ok=True)
        await self._succeed(entry, certificate.holder, judged)
        return True

    async def _incoming(self, entry: Entry, content: bytes) -> Path:
        token = sha256(key_of(entry).encode()).hexdigest()
        return await asyncio.to_thread(self.shelf.incoming, content, token=token)

    async def _succeed(self, entry: Entry, subject: str, judged: dict[str, Any]) -> None:
        done = entry.succeeded(
            self.clock(),
            subject=subject,
            this_update=datetime.fromisoformat(judged["this_update"]),
            next_update=datetime.fromisoformat(judged["next_update"]),
            every=self.refresh_seconds,
            chance=self.chance(),
        )
        await self._note(done)
        _log.info("revocation-fetched", subject=subject, address=entry.address, until=judged["next_update"])

    async def _note(self, entry: Entry) -> None:
        self.entries[key_of(entry)] = entry
        await self.save()

    async def forget(self, entry: Entry) -> None:
        """What nobody names any more leaves the ledger; an OCSP answer leaves the store too."""
        self.entries.pop(key_of(entry), None)
        self.locks.pop(key_of(entry), None)
        if entry.certificate is not None:
            await asyncio.to_thread(self.shelf.remove_answer, entry.certificate)

    async def save(self) -> None:
        await asyncio.to_thread(self.shelf.write_ledger, write_ledger(self.entries.values()))
