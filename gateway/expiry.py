"""What will expire, and when to say so: 90, 60, 30, 14, 7 and 1 days before, each once; and when it is over.

Roots, sub-CAs and revocation lists of the trust store, certificates of the register, time-stamping authorities met in
documents, the node's own service and HTTP certificates. A list is only spoken of within the last half of its own life:
one that lives a week and is renewed every six hours would otherwise be a warning for ever.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import structlog

from ..signing.certificates import certificate_facts
from ..signing.errors import SigningError
from .postgres.database import Database
from .settings import Settings

DAYS: Final = (90, 60, 30, 14, 7, 1)
URGENT: Final = 7
_MET: Final = 2000
_log = structlog.get_logger(__name__)
Run = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Kind(StrEnum):
    ROOT = "root"
    INTERMEDIATE = "intermediate"
    LIST = "revocation_list"
    REGISTERED = "registered"
    TIMESTAMPER = "timestamper"
    SERVICE = "service"

    @property
    def label(self) -> str:
        return {
            Kind.ROOT: "chứng thư gốc",
            Kind.INTERMEDIATE: "chứng thư trung gian",
            Kind.LIST: "danh sách thu hồi",
            Kind.REGISTERED: "chứng thư đã đăng ký",
            Kind.TIMESTAMPER: "chứng thư cấp dấu thời gian",
            Kind.SERVICE: "chứng thư của nút",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    kind: Kind
    subject: str  # SHA-256 of a certificate, or the place of a list
    holder: str
    expires_at: datetime
    agency: str | None = None
    life: timedelta | None = None  # of a list

    def days_left(self, now: datetime) -> int:
        """Whole days; negative when it is over."""
        return (self.expires_at - now) // timedelta(days=1)

    def notice(self, now: datetime) -> int | None:
        """Which of DAYS is reached (0: it is over); None when it is too early to speak."""
        if self.expires_at <= now:
            return 0
        reached = [days for days in DAYS if self.expires_at - now <= timedelta(days=days)]
        if self.life is not None:
            reached = [days for days in reached if timedelta(days=days) <= self.life / 2]
        return min(reached, default=None)


async def survey(database: Database, settings: Settings, *, run: Run, now: datetime) -> list[Expiry]:
    """Everything with a term, the nearest first. ``run``: a job of the verification workers. Raises SigningError."""
    async with database.unit(None) as conn:
        met = {row["sha256"]: row async for row in database.queries.certificates_met(conn, now=now, limit=_MET)}
        registered = [expiry async for expiry in _registered(database, conn)]
    contents = {base64.b64encode(row["der"]).decode(): row for row in met.values()}
    asked = {"trust_folder": str(settings.trust_dir), "trust_store": settings.signing.trust_store}
    store = await run("survey_store", {**asked, "met": list(contents)})
    found = [*_of_the_store(store), *registered, *_own(settings)]
    found += [_timestamper(contents[content]) for content in store["timestampers"]]
    return sorted(found, key=lambda expiry: (expiry.expires_at, expiry.subject))


def _of_the_store(store: dict[str, Any]) -> Iterator[Expiry]:
    for one in store["certificates"]:
        expires_at = datetime.fromisoformat(one["valid_to"])
        yield Expiry(kind=Kind(one["kind"]), subject=one["sha256"], holder=one["holder"], expires_at=expires_at)
    for one in store["lists"]:
        if one["next_update"] is not None:
            next_update = datetime.fromisoformat(one["next_update"])
            life = next_update - datetime.fromisoformat(one["this_update"])
            yield Expiry(kind=Kind.LIST, subject=one["place"], holder=one["issuer"], expires_at=next_update, life=life)


async def _registered(database: Database, conn: Any) -> AsyncIterator[Expiry]:
    async for row in database.queries.registered_terms(conn):
        yield Expiry(
            kind=Kind.REGISTERED,
            subject=row["sha256"],
            holder=row["holder"],
            expires_at=row["valid_to"],
            agency=row["agency_code"],
        )


def _timestamper(row: Any) -> Expiry:
    return Expiry(kind=Kind.TIMESTAMPER, subject=row["sha256"], holder=row["holder"], expires_at=row["valid_to"])


def _own(settings: Settings) -> Iterator[Expiry]:
    service = settings.service_key
    files: list[Path | None] = [settings.http.tls_cert_file, service.certificate_file if service else None]
    for file in files:
        if file is None:
            continue
        try:
            facts = certificate_facts(file.read_bytes())
        except (OSError, SigningError) as error:
            _log.warning("certificate-unreadable", file=str(file), error=str(error))
            continue
        yield Expiry(kind=Kind.SERVICE, subject=facts.sha256, holder=facts.holder, expires_at=facts.valid_to)


async def tell(database: Database, found: Sequence[Expiry], *, now: datetime) -> list[Expiry]:
    """Log what reached one of DAYS and was not told yet, also by an earlier process; answers what was told."""
    told = []
    async with database.unit(None) as conn:
        for expiry in found:
            notice = expiry.notice(now)
            if notice is None:
                continue
            row = await database.queries.insert_notice(
                conn, subject=f"{expiry.kind} {expiry.subject}", expires_at=expiry.expires_at, days=notice
            )
            if row is not None:
                told.append(expiry)
    for expiry in told:
        _say(expiry, now)
    return told


def _say(expiry: Expiry, now: datetime) -> None:
    days = expiry.days_left(now)
    speak = _log.error if days < URGENT else _log.warning
    speak(
        "expired" if days < 0 else "expiry-ahead",
        kind=str(expiry.kind),
        holder=expiry.holder,
        agency=expiry.agency,
        subject=expiry.subject,
        expires_at=expiry.expires_at.isoformat(),
        days=days,
    )


def expiry_view(expiry: Expiry, now: datetime) -> dict[str, Any]:
    """As the operator's surfaces show it."""
    return {
        "kind": str(expiry.kind),
        "label": expiry.kind.label,
        "subject": expiry.subject,
        "holder": expiry.holder,
        "agency": expiry.agency,
        "expires_at": expiry.expires_at.isoformat(),
        "days_left": expiry.days_left(now),
        "notice": expiry.notice(now),
    }
