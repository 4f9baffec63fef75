"""Work: what is still to be done, claimed with a lease.

Claim in a short transaction, work outside, write the result in a short transaction together with its effects. Every
change of a claimed row is guarded by owner and attempt: whoever lost the lease gets LeaseLost, and rolls back.

Order: a row waits for every earlier open row (ready, leased or parked) of the same key, whatever kind and channel.
So a row that waits for its next attempt, or for a person, holds back what comes after it under its key and nothing
else. Leases and due times use the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from .errors import LeaseLost
from .messages import Lane, Work
from .port import Connection, wake_later
from .statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedWork:
    """Work that waits for a person."""

    id: UUID
    kind: str
    key: str
    lane: Lane
    channel: str | None
    payload: dict[str, Any]
    attempts: int
    last_error: str | None
    reason: str
    created_at: datetime


async def enqueue(connection: Connection, *works: Work) -> frozenset[UUID]:
    """Open work with the caller's transaction; the ids that are new.

    Idempotent: a row with the same id, or an open row of the same kind with the same ``once``, stays as it is.
    """
    if not works:
        return frozenset()
    rows = statements().work_enqueue(
        connection,
        ids=[work.id for work in works],
        kinds=[work.kind for work in works],
        keys=[work.key for work in works],
        lanes=[int(work.lane) for work in works],
        channels=[work.channel for work in works],
        onces=[work.once for work in works],
        payloads=[dict(work.payload) for work in works],
        delays=[float(work.delay) for work in works],
    )
    new = frozenset([row["id"] async for row in rows])
    for work in works:
        wake_later(connection, "work", work.kind)
    return new


async def claim(connection: Connection, places: Mapping[str, int], *, lease_seconds: float, owner: str) -> list[Work]:
    """Lease so many due rows of each kind for ``owner``: urgent lane first, then by due time. Commit at once."""
    rows = statements().work_claim(
        connection, kinds=list(places), places=list(places.values()), lease=lease_seconds, owner=owner
    )
    return [_work(row) async for row in rows]


async def expire(connection: Connection) -> None:
    """Make ready what was leased for longer than the lease: whoever held it is gone or too slow."""
    freed = await statements().work_expire(connection)
    if freed:
        wake_later(connection, "work", "")


def lease(work: Work) -> dict[str, Any]:
    """The guard as a statement takes it that completes the work itself, with its own changes (``steps.sql``)."""
    return {"work_id": work.id, "work_owner": work.lease_owner, "work_attempts": work.attempts}


def completed(connection: Connection, row: Any) -> None:
    """A statement has completed the work: wake what waited behind it (its column ``following``)."""
    if row["following"] is not None:
        wake_later(connection, "work", row["following"])


async def complete(connection: Connection, work: Work) -> None:
    """The work is done. Raises LeaseLost: then nothing of this transaction may be kept."""
    done = await statements().work_complete(connection, **_guard(work))
    completed(connection, held(done, work))


async def retry(connection: Connection, work: Work, *, delay: float, error: str, failures: int = 0) -> None:
    """Try again in ``delay`` seconds. A handler that foresaw this leaves ``failures`` at 0. Raises LeaseLost."""
    changed = await statements().work_retry(
        connection, **_guard(work), delay=float(delay), error=error, failures=failures
    )
    held(changed, work)


async def repeat(connection: Connection, work: Work, *, delay: float) -> None:
    """Periodic work: the same row again in ``delay`` seconds, with a clean record. Raises LeaseLost."""
    held(await statements().work_repeat(connection, **_guard(work), delay=float(delay)), work)


async def park(connection: Connection, work: Work, *, reason: str, error: str | None = None) -> None:
    """Leave the work to a person, with the reason in Vietnamese. Raises LeaseLost."""
    held(await statements().work_park(connection, **_guard(work), reason=reason, error=error), work)


async def extend_lease(connection: Connection, works: Sequence[Work], *, lease_seconds: float) -> frozenset[UUID]:
    """Longer leases for what one owner is still working on; the ids that are still his."""
    if not works:
        return frozenset()
    rows = statements().work_extend(
        connection,
        ids=[work.id for work in works],
        attempts=[work.attempts for work in works],
        owner=works[0].lease_owner,
        lease=lease_seconds,
    )
    return frozenset([row["id"] async for row in rows])


async def give_back(connection: Connection, owner: str, *, interruptions: int = 1) -> int:
    """Make ready what this owner holds: at start, what it held when it was killed; how many rows.

    Owners must be unique per running process. At an orderly stop nothing was interrupted: 0.
    """
    return int(await statements().work_give_back(connection, owner=owner, interruptions=interruptions))


async def parked(connection: Connection, *, limit: int = 100) -> list[ParkedWork]:
    """What waits for a person, oldest first."""
    rows = statements().work_parked(connection, limit=limit)
    return [ParkedWork(**{**dict(row), "lane": Lane(row["lane"])}) async for row in rows]


async def release(connection: Connection, work_id: UUID) -> bool:
    """A person lets parked work go on; False when it is not parked (any more)."""
    kind = await statements().work_release(connection, id=work_id)
    if kind is not None:
        wake_later(connection, "work", kind)
    return kind is not None


async def cancel(connection: Connection, work_id: UUID, *, actor: str, reason: str) -> bool:
    """A person gives ready or parked work up; False when it is being done or settled."""
    cancelled = bool(await statements().work_cancel(connection, id=work_id, actor=actor, reason=reason))
    wake_later(connection, "work", "")
    return cancelled


async def purge(connection: Connection, *, older_seconds: float) -> None:
    """Delete rows settled longer ago than that."""
    await statements().work_purge(connection, older=older_seconds)


def _guard(work: Work) -> dict[str, Any]:
    return {"id": work.id, "owner": work.lease_owner, "attempts": work.attempts}


def held(changed: Any, work: Work) -> Any:
    """What a guarded statement answered. Raises LeaseLost for no row: nothing of this transaction may be kept."""
    if changed is None:
        raise LeaseLost(f"Việc «{work.kind}» ({work.id}) đã được giao cho nơi khác; kết quả lần này không được ghi.")
    return changed


def _work(row: Any) -> Work:
    return Work(
        id=row["id"],
        kind=row["kind"],
        key=row["key"],
        payload=row["payload"],
        lane=Lane(row["lane"]),
        channel=row["channel"],
        once=row["once"],
        attempts=row["attempts"],
        failures=row["failures"],
        interruptions=row["interruptions"],
        lease_owner=row["lease_owner"],
        last_error=row["last_error"],
    )
