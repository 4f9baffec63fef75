"""What earlier revocation lists said and the newest no longer does: lifted suspensions, expired certificates.

Kept as JSON beside the lists (``<store>/past/<place>.json``), because a signature is judged at the time it was made:
"tạm dừng" at that time makes it invalid even when the certificate is in force again (Quyết định 114/QĐ-STC).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .revocation_lists import HOLD, RevocationList


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRevocation:
    """``until``: when a suspension was seen to be lifted; absent: revoked for good."""

    issuer: str
    key_id: str | None  # hex
    serial: int
    since: datetime
    until: datetime | None
    reason: str

    def covers(self, issuer: str, key_id: bytes | None, serial: int, when: datetime) -> bool:
        if (self.issuer, self.serial) != (issuer, serial):
            return False
        if self.key_id and key_id and self.key_id != key_id.hex():
            return False
        return self.since <= when and (self.until is None or when < self.until)


def vanished(before: RevocationList, after: RevocationList) -> tuple[PastRevocation, ...]:
    """Entries of ``before`` that ``after`` lacks, and suspensions that ``after`` dates anew."""
    now_listed = {entry.serial_number: entry.revocation_date_utc for entry in after.quick}
    found = []
    for entry in before.quick:
        known = before.revocation(entry.serial_number)
        if known is None or now_listed.get(entry.serial_number) == known[0]:
            continue
        since, reason = known
        lifted = reason in (HOLD, "remove_from_crl")
        found.append(
            PastRevocation(
                issuer=before.issuer,
                key_id=before.key_id.hex() if before.key_id else None,
                serial=entry.serial_number,
                since=since,
                until=after.this_update if lifted else None,
                reason=reason,
            )
        )
    return tuple(found)


def place_name(listed: RevocationList) -> str:
    """The file name, without ending, under which a list and its past are kept."""
    return hashlib.sha256(repr(listed.place).encode()).hexdigest()[:32]


def past_to_json(entries: Iterable[PastRevocation]) -> list[dict[str, object]]:
    return [
        {
            "issuer": entry.issuer,
            "key_id": entry.key_id,
            "serial": f"{entry.serial:x}",
            "since": entry.since.isoformat(),
            "until": entry.until.isoformat() if entry.until else None,
            "reason": entry.reason,
        }
        for entry in entries
    ]


def read_past(content: bytes) -> tuple[PastRevocation, ...]:
    """Raises ValueError, KeyError or TypeError for a file that nobody of ours wrote."""
    return tuple(
        PastRevocation(
            issuer=entry["issuer"],
            key_id=entry["key_id"],
            serial=int(entry["serial"], 16),
            since=datetime.fromisoformat(entry["since"]),
            until=datetime.fromisoformat(entry["until"]) if entry["until"] else None,
            reason=entry["reason"],
        )
        for entry in json.loads(content)
    )


def merge_past(content: bytes | None, more: Iterable[dict[str, object]]) -> bytes:
    """The file with further entries; the same entry twice stands once."""
    entries = list(json.loads(content)) if content else []
    entries += [entry for entry in more if entry not in entries]
    return json.dumps(entries, ensure_ascii=False, indent=1).encode()
