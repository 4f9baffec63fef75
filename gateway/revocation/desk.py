"""Keeps revocation data at hand for the workers that verify, which have no network; the desk itself has no parser.

Policy in an outage (signatures.md 3.3): what is held is used until it expires; without data the verdict is CHƯA XÁC
ĐỊNH, the document waits and is tried again, and the operator is told. Nothing here makes the node unready.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from ...signing.errors import SigningError
from ...signing.materials import CERTIFICATE, Material
from ..errors import GatewayError
from ..postgres.database import Database
from ..revocation_section import RevocationSettings
from .acquiring import Acquirer
from .ledger import Entry

ANSWERS_KEPT: Final = timedelta(days=7)  # an OCSP answer is refreshed while its certificate is still being met
SEEN_AGAIN: Final = timedelta(days=1)
WATCHED: Final = 5000
PAUSE: Final = timedelta(minutes=2)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Revocation data that could not be refreshed. ``expires``: of what is still held; absent: nothing is held."""

    address: str
    subject: str
    since: datetime
    error: str
    expires: datetime | None
    lacking: bool  # verdicts are undetermined for want of it now


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationDesk:
    """One for each process."""

    settings: RevocationSettings
    acquirer: Acquirer
    db: Database
    remembered: dict[str, datetime] = field(default_factory=dict)
    pauses: list[datetime] = field(default_factory=list)  # until when nobody waits: the last fetch took too long
    told: set[str] = field(default_factory=set)  # addresses in trouble that the log already names

    @property
    def active(self) -> bool:
        return bool(self.settings.allowed_hosts)

    # 1. What a verification met -----------------------------------------------------------------------------------

    async def remember(self, materials: Sequence[Material]) -> None:
        """Watch these certificates from now on; asks the database once a day for each."""
        now = self.acquirer.clock()
        new = [m for m in trusted(materials) if not self._met(m, now)]
        if not new:
            return
        async with self.db.unit(None) as conn:
            await self.db.queries.certificates_seen(conn, **seen_rows(new))
        self.remembered.update((m.sha256, now) for m in new)

    def _met(self, material: Material, now: datetime) -> bool:
        last = self.remembered.get(material.sha256)
        return last is not None and now - last < SEEN_AGAIN

    async def supply(self, materials: Sequence[Material]) -> bool:
        """Fetch now what a verdict lacked, within ``wait_s``; True when the store has something that it had not."""
        if not self.active or not self.settings.wait_s or self.acquirer.clock() < max(self.pauses, default=_NEVER):
            return False
        changed = False
        try:
            async with asyncio.timeout(self.settings.wait_s):
                chain = await self._chain()
                for certificate in (*trusted(materials), *await self._of_the_store()):
                    changed |= await self._supply_one(certificate, chain)
        except TimeoutError:
            # A host that swallows requests must not cost every document its patience: refresh() goes on asking it.
            self.pauses[:] = [self.acquirer.clock() + PAUSE]
            _log.warning("revocation-wait-over", seconds=self.settings.wait_s)
        except (GatewayError, SigningError) as error:
            _log.warning("revocation-supply-failed", code=error.code, error=error.message)
        return changed

    async def _supply_one(self, certificate: Material, chain: list[str]) -> bool:
        changed = False
        for address in certificate.lists:
            changed |= await self.acquirer.fetch_list(address, chain)
        if not self.settings.ocsp or self._listed(certificate):
            return changed
        for address in certificate.responders:
            changed |= await self.acquirer.fetch_answer(address, certificate, chain)
        return changed

    def _listed(self, certificate: Material) -> bool:
        now, entries = self.acquirer.clock(), self.acquirer.entries
        return any((entry := entries.get(one)) is not None and entry.current(now) for one in certificate.lists)

    # 2. By the clock ----------------------------------------------------------------------------------------------

    async def refresh(self) -> int:
        """Fetch all that is due, then tell the operator what is missing; answers how much was new."""
        if not self.active:
            return 0
        watched = [*await self._watched(), *await self._of_the_store()]
        chain = await self._chain()
        lists = dict.fromkeys([*self.settings.lists, *(one for w in watched for one in w.lists)])
        changed = [await self.acquirer.fetch_list(address, chain) for address in lists]
        by_digest = {w.sha256: w for w in watched}
        for entry in list(self.acquirer.entries.values()):
            certificate = by_digest.get(entry.certificate or "")
            if certificate is not None and entry.address in certificate.responders:
                changed.append(await self.acquirer.fetch_answer(entry.address, certificate, chain))
            elif entry.address not in lists and not entry.current(self.acquirer.clock()):
                await self.acquirer.forget(entry)
        await self.acquirer.save()
        self._alarm()
        return sum(changed)

    async def _watched(self) -> list[Material]:
        now = self.acquirer.clock()
        async with self.db.unit(None) as conn:
            rows = self.db.queries.certificates_to_watch(conn, now=now, limit=WATCHED)
            return [
                Material(
                    kind=CERTIFICATE,
                    sha256=row["sha256"],
                    content=base64.b64encode(row["der"]).decode(),
                    holder=row["holder"],
                    lists=tuple(row["lists"]),
                    responders=tuple(row["responders"]) if now - row["last_seen"] < ANSWERS_KEPT else (),
                )
                async for row in rows
            ]

    async def _of_the_store(self) -> list[Material]:
        """The store's sub-CAs: whether they still stand is asked of the roots, which answer to nobody."""
        held = await self.acquirer.run("survey_store", self.acquirer.trust)
        return [
            Material(
                kind=CERTIFICATE,
                sha256=one["sha256"],
                content=one["content"],
                holder=one["holder"],
                lists=tuple(one["lists"]),
                responders=tuple(one["responders"]),
            )
            for one in held["certificates"]
            if one["kind"] == "intermediate"
        ]

    async def _chain(self) -> list[str]:
        async with self.db.unit(None) as conn:
            rows = self.db.queries.seen_authorities(conn)
            return [base64.b64encode(row["der"]).decode() async for row in rows]

    # 3. What is amiss -----------------------------------------------------------------------------------------------

    def troubles(self) -> list[Trouble]:
        """Addresses whose last attempt failed, those without usable data first."""
        now = self.acquirer.clock()
        amiss = [entry for entry in self.acquirer.entries.values() if entry.error is not None]
        return sorted((_trouble(entry, now) for entry in amiss), key=lambda one: (not one.lacking, one.address))

    def _alarm(self) -> None:
        lacking = {one.address: one for one in self.troubles() if one.lacking}
        for address, one in lacking.items():
            if address not in self.told:
                _log.error("revocation-data-missing", address=address, subject=one.subject, error=one.error)
        for address in self.told - lacking.keys():
            _log.info("revocation-data-back", address=address)
        self.told.clear()
        self.told.update(lacking)


def seen_rows(materials: Sequence[Material]) -> dict[str, Any]:
    """Arguments of the query ``certificates_seen``."""
    return {
        "digests": [m.sha256 for m in materials],
        "contents": [base64.b64decode(m.content or "") for m in materials],
        "holders": [m.holder for m in materials],
        "authorities": [m.authority for m in materials],
        "froms": [m.valid_from for m in materials],
        "tos": [m.valid_to for m in materials],
        "addresses": [{"lists": m.lists, "responders": m.responders} for m in materials],
    }


def trusted(materials: Sequence[Material]) -> list[Material]:
    """Certificates of signatures that lead to the store: only their addresses are ever looked at."""
    return [m for m in materials if m.kind == CERTIFICATE and m.trusted]


def _trouble(entry: Entry, now: datetime) -> Trouble:
    return Trouble(
        address=entry.address,
        subject=entry.subject,
        since=entry.failing_since or now,
        error=entry.error or "",
        expires=entry.next_update,
        lacking=not entry.current(now),
    )
