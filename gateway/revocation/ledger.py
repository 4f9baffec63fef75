"""What was fetched from which address, and when it is due again. Values and rules; the file is one JSON in the store.

Refreshed well ahead of its expiry, with jitter so that the nodes of a province do not all ask in the same second. A
failure is tried again after a minute, then ever later, at most an hour; what is held stays in use meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

AHEAD: Final = 0.75  # of a list's life: what is left is the time to repair a broken line
FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)
_TIMES: Final = ("fetched_at", "this_update", "next_update", "due_at", "failing_since")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One address. ``subject``: what came from there (an issuer's name, or a certificate's SHA-256 for OCSP)."""

    address: str
    subject: str
    due_at: datetime
    certificate: str | None = None  # SHA-256, for an OCSP answer
    fetched_at: datetime | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    error: str | None = None

    def current(self, now: datetime) -> bool:
        """Something was fetched, and it is still the authority's word."""
        return self.next_update is not None and now < self.next_update

    def succeeded(
        self, now: datetime, *, subject: str, this_update: datetime, next_update: datetime, every: float, chance: float
    ) -> Entry:
        """``every``: seconds after which it is refreshed anyway; ``chance``: 0..1."""
        ahead = this_update + (next_update - this_update) * AHEAD
        wait = min(timedelta(seconds=every), ahead - now) * (1 - 0.1 * chance)
        return replace(
            self,
            subject=subject,
            fetched_at=now,
            this_update=this_update,
            next_update=next_update,
            due_at=now + max(wait, FIRST_RETRY),
            failures=0,
            failing_since=None,
            error=None,
        )

    def failed(self, now: datetime, error: str, *, chance: float) -> Entry:
        wait = min(FIRST_RETRY * 2 ** min(self.failures, 10), LAST_RETRY) * (1 - 0.5 * chance)
        return replace(
            self,
            due_at=now + wait,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            error=error,
        )


def read_ledger(content: bytes) -> dict[str, Entry]:
    """By key (see ``key_of``); empty when the file is not one of ours: everything is then fetched anew."""
    try:
        return {key_of(entry): entry for entry in (_entry(value) for value in json.loads(content))}
    except (ValueError, TypeError, KeyError):
        return {}


def write_ledger(entries: Iterable[Entry]) -> bytes:
    values = [{key: _text(value) for key, value in asdict(entry).items()} for entry in entries]
    return json.dumps(values, ensure_ascii=False, indent=1).encode()


def key_of(entry: Entry) -> str:
    return f"{entry.certificate} {entry.address}" if entry.certificate else entry.address


def _entry(value: dict[str, Any]) -> Entry:
    times = {name: datetime.fromisoformat(value[name]) if value[name] else None for name in _TIMES}
    return Entry(**{**value, **times})


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
