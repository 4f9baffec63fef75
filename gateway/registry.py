"""The register of certificates: SHA-256 -> agency or person with role, position and term (signatures.md 7).

No OID tells a person from an organisation, so the node keeps its own list. An entry is never removed: it ends, with a
reason, and signatures made before that keep what they were.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from ..edxml.identifiers import OrganCode
from ..signing.certificates import CertificateFacts
from .errors import GatewayError
from .postgres.database import Database
from .revocation.desk import seen_rows

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Role(StrEnum):
    LEADER = "leader"
    AGENCY = "agency"
    INITIALS = "initials"

    @property
    def label(self) -> str:
        return {
            Role.LEADER: "người có thẩm quyền",
            Role.AGENCY: "cơ quan (văn thư ký)",
            Role.INITIALS: "ký nháy",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Whose certificate it is. ``title``: chức vụ of the person."""

    facts: CertificateFacts
    agency: OrganCode
    role: Role
    title: str | None = None


async def add(database: Database, entry: Entry, *, actor: str) -> int:
    """Write the entry, or what is said of it now; its number. Raise CERTIFICATE_ENDED."""
    async with database.unit(None) as conn:
        row = await database.queries.register_certificate(
            conn,
            sha256=entry.facts.sha256,
            agency_code=entry.agency.value,
            role=entry.role.value,
            holder=entry.facts.holder,
            title=entry.title,
            der=entry.facts.der,
            valid_from=entry.facts.valid_from,
            valid_to=entry.facts.valid_to,
            actor=actor,
        )
        if row is not None:
            # The operator vouches for it: its revocation data are kept fresh before its first document comes.
            await database.queries.certificates_seen(conn, **seen_rows([entry.facts.material]))
    if row is None:
        raise GatewayError("CERTIFICATE_ENDED", "Mục này đã chấm dứt; chứng thư đã chấm dứt không ghi lại được.")
    return int(row["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """``at``: ahead of ``now`` while the holder's old and new certificates overlap; absent: now."""

    now: datetime
    at: datetime | None
    actor: str
    reason: str


async def end(database: Database, sha256: str, *, agency: str | None, ending: Ending) -> int:
    """End all entries of the certificate (of one agency); how many. An end that lies ahead can be brought forward.

    Raise CERTIFICATE_UNKNOWN, CERTIFICATE_END_PAST, REASON_MISSING.
    """
    actor, reason, at = ending.actor.strip(), ending.reason.strip(), ending.at or ending.now
    if not reason or not actor:
        raise GatewayError("REASON_MISSING", "Phải nêu lý do và người thực hiện.")
    if at < ending.now:  # signatures made meanwhile would become something else than they were
        raise GatewayError("CERTIFICATE_END_PAST", "Thời điểm chấm dứt không được ở quá khứ.")
    async with database.unit(None) as conn:
        rows = database.queries.end_certificate(
            conn, sha256=sha256.lower(), agency=agency, at=at, actor=actor, reason=reason
        )
        ended = [row["id"] async for row in rows]
    if not ended or not _DIGEST.fullmatch(sha256.lower()):
        raise GatewayError("CERTIFICATE_UNKNOWN", "Không có mục nào đang dùng mang SHA-256 này.")
    return len(ended)


async def page(database: Database, *, agency: str | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Entries in the order in which they were made, from behind the number ``after``."""
    async with database.unit(None) as conn:
        rows = database.queries.certificate_page(conn, agency=agency, after=after, limit=limit)
        return [dict(row) async for row in rows]
