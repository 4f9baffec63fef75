"""Idempotency-Key: the same request of the same agency happens once, however often it is repeated.

A key is claimed before the body is read, in a transaction of its own, and finished in the transaction that accepts
the document. A claim whose process died expires; a living one is extended while its body still arrives. The request is
known by its meaning (canonical metadata, names and digests of the files), never by its raw bytes: a repetition has
another multipart boundary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from ..queue.port import Connection
from .errors import GatewayError
from .metadata import canonical
from .node import Node
from .submissions import SubmittedFile

CLAIM_SECONDS: Final = 45.0  # how long a claim outlives the process that made it
EXTEND_AFTER: Final = 15.0  # seconds between extensions of a living claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry out the request of one key."""

    agency_id: UUID
    key: str
    token: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The key was used before; the answer is given again when the content is the same."""

    request_hash: str
    answer: dict[str, Any]

    def replay(self, request_hash: str) -> dict[str, Any]:
        """The stored answer. Raise IDEMPOTENCY_CONFLICT for other content under the same key."""
        if request_hash != self.request_hash:
            raise GatewayError(
                "IDEMPOTENCY_CONFLICT",
                "Khóa Idempotency-Key này đã dùng cho một văn bản có nội dung khác; nội dung lần này không được nhận.",
            )
        return self.answer


def request_hash(raw_metadata: dict[str, object], files: Sequence[SubmittedFile]) -> str:
    """SHA-256 over what the request means."""
    meaning = {
        "metadata": raw_metadata,
        "files": [[file.name, file.sha256, file.size] for file in files],
    }
    return hashlib.sha256(canonical(meaning)).hexdigest()


async def claim(node: Node, agency_id: UUID, key: str, *, token: UUID) -> Claim | Earlier:
    """Take the key, or learn what became of it. Raise IDEMPOTENCY_IN_PROGRESS while a twin is at work."""
    async with node.db.unit(agency_id) as conn:
        taken = await node.db.queries.claim_key(
            conn, agency_id=agency_id, key=key, seconds=CLAIM_SECONDS, claim=token, claimed_by=node.settings.instance
        )
        if taken is not None:
            return Claim(agency_id=agency_id, key=key, token=token)
        row = await node.db.queries.claim_of_key(conn, agency_id=agency_id, key=key)
    if row is None or row["answer"] is None:  # no row: the twin has just given up
        wait = 1 if row is None else min(int(row["wait"]), 5)
        raise _in_progress(wait)
    return Earlier(request_hash=row["request_hash"], answer=row["answer"])


async def extend(node: Node, held: Claim) -> None:
    """Keep a living claim. Raise IDEMPOTENCY_IN_PROGRESS when somebody else has taken it over."""
    async with node.db.unit(held.agency_id) as conn:
        kept = await node.db.queries.extend_claim(
            conn, agency_id=held.agency_id, key=held.key, claim=held.token, seconds=CLAIM_SECONDS
        )
    if kept is None:
        raise _in_progress(1)


async def finish(
    node: Node, conn: Connection, held: Claim, *, request_hash: str, exchange_id: UUID, answer: dict[str, Any]
) -> None:
    """Record the answer in the accepting transaction; raising rolls the acceptance back."""
    kept = await node.db.queries.finish_claim(
        conn,
        agency_id=held.agency_id,
        key=held.key,
        claim=held.token,
        request_hash=request_hash,
        exchange_id=exchange_id,
        answer=answer,
    )
    if kept is None:
        raise _in_progress(1)


async def give_up(node: Node, held: Claim) -> None:
    """The request came to nothing: the next one may try at once."""
    async with node.db.unit(held.agency_id) as conn:
        await node.db.queries.drop_claim(conn, agency_id=held.agency_id, key=held.key, claim=held.token)


async def recover(node: Node, *, of: str | None) -> None:
    """At the start of a process: claims that were left open under its name (``of``) are nobody's. None: all, when
    no other process can be there.
    """
    async with node.db.unit(None) as conn:
        await node.db.queries.drop_open_claims(conn, claimed_by=of)


async def purge(node: Node) -> int:
    """Forget keys older than 72 hours; how many."""
    removed = 0
    while True:
        async with node.db.unit(None) as conn:
            row = await node.db.queries.purge_idempotency(conn)
        if not row["removed"]:
            return removed
        removed += row["removed"]


def _in_progress(wait: int) -> GatewayError:
    return GatewayError(
        "IDEMPOTENCY_IN_PROGRESS",
        "Một yêu cầu khác cùng khóa Idempotency-Key đang được xử lý.",
        retry_after=wait,
    )
