"""Orphans of the file store: bytes that no row names, of uploads that were refused or broke off.

What a row names can never be lost, without a lock that intake would wait for:

1. Only bytes that were last put more than the grace ago and that no row names go out of sight (``set_aside``). Putting
   the same bytes again renews their age, and every step of the node puts before it names.
2. Out of sight is not gone: whoever reads them finds them, and they are back in sight. A row that came in between, at
   whatever moment, has its bytes.
3. After a second grace out of sight they are asked about again: named, they are in sight for good; else they are
   removed, and only the copy aside is: bytes put meanwhile stand in sight, where no removal ever happens.
4. Two sweeps at once do not harm each other: the copy aside goes under the lock of its row, and only when nobody has
   set the bytes aside again since.

So a row could only lose its bytes if a step took longer than the second grace between putting and naming; steps take
seconds, the grace is two hours or more. A store that is marked with another database is not swept at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from ..errors import GatewayError
from ..files.layout import NODE_FILES, StoredObject
from ..node import Node
from . import rounds
from .rounds import RoundKind

PAGE: Final = 200
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Swept:
    """What a sweep did, or would have done. Counts of files; ``bytes`` of those removed."""

    seen: int = 0
    set_aside: int = 0
    brought_back: int = 0
    removed: int = 0
    bytes: int = 0
    strange: int = 0  # owners that are no agency of ours: never touched


async def sweep(node: Node, *, grace: timedelta, wait: timedelta | None = None, dry_run: bool = False) -> Swept:
    """One round. ``wait``: how long bytes stay out of sight, as long as the grace if not said; ``dry_run`` only counts.

    Raise FILE_STORE_FOREIGN, FileError.
    """
    await require_own(node)
    swept, before = Swept(), node.clock() - grace
    waited = node.clock() - (grace if wait is None else wait)
    if not dry_run:
        await rounds.begin(node, RoundKind.SWEEP)
    await _end_waits(node, swept, waited, dry_run=dry_run)
    async for page in node.files.listing():
        for start in range(0, len(page), PAGE):
            await _look_at(node, swept, page[start : start + PAGE], before, dry_run=dry_run)
    if not dry_run:
        await _find_untold(node)
        await rounds.end(node, RoundKind.SWEEP, asdict(swept))
    return swept


async def mark_store(node: Node) -> None:
    """At the start: the store is this database's from now on; of one that is another's the log warns."""
    try:
        await require_own(node)
    except GatewayError as error:
        _log.warning("file-store-foreign", code=error.code, error=error.message)


async def require_own(node: Node) -> None:
    """Raise FILE_STORE_FOREIGN when the store's files are named by the rows of another database."""
    async with node.db.unit(None) as conn:
        own = (await node.db.queries.installation(conn))["id"]
    if await node.files.claim(own) != own:
        raise GatewayError(
            "FILE_STORE_FOREIGN", "Kho tệp mang dấu của một cơ sở dữ liệu khác; không dọn gì trong kho này."
        )


async def _look_at(node: Node, swept: Swept, page: Sequence[StoredObject], before: datetime, *, dry_run: bool) -> None:
    """Set aside what is old and unnamed."""
    swept.seen += len(page)
    ours = [(UUID(one.owner), one) for one in page if _is_uuid(one.owner)]
    swept.strange += len(page) - len(ours)
    old = [(owner, one.sha256, one.size) for owner, one in ours if one.modified_at < before]
    named = await counted(node, [(owner, sha256) for owner, sha256, _ in old])
    leaving = [one for one in old if not named[one[:2]]]
    if dry_run:
        swept.set_aside += len(leaving)
    elif leaving:
        await _set_aside(node, swept, leaving, before)


async def _set_aside(node: Node, swept: Swept, leaving: Sequence[tuple[UUID, str, int]], before: datetime) -> None:
    """The row first: bytes out of sight are always told of."""
    owners, digests, sizes = (list(column) for column in zip(*leaving, strict=True))
    async with node.db.unit(None) as conn:
        await node.db.queries.note_aside(conn, owners=owners, digests=digests, sizes=sizes, now=node.clock())
    for owner, sha256, _ in leaving:
        if await node.files.set_aside(owner, sha256, older_than=before):
            swept.set_aside += 1
        else:
            await _forget(node, owner, sha256)


async def _end_waits(node: Node, swept: Swept, waited: datetime, *, dry_run: bool) -> None:
    after = (NODE_FILES, "")
    while True:
        async with node.db.unit(None) as conn:
            found = node.db.queries.aside_page(conn, owner=after[0], sha256=after[1], limit=PAGE)
            page = [row async for row in found]
        if not page:
            return
        named = await counted(node, [(row["owner"], row["sha256"]) for row in page])
        for row in page:
            after = row["owner"], row["sha256"]
            await _end_wait(node, swept, row, waited, named=bool(named[after]), dry_run=dry_run)


async def _end_wait(node: Node, swept: Swept, row: Any, waited: datetime, *, named: bool, dry_run: bool) -> None:
    """Named after all: back in sight at once. The second wait over: the copy aside goes."""
    owner, sha256, since = row["owner"], row["sha256"], row["since"]
    if named and not dry_run:
        await node.files.bring_back(owner, sha256)
    if since >= waited:
        return
    swept.brought_back += named
    swept.removed += not named
    swept.bytes += 0 if named else row["size"]
    if dry_run:
        return
    async with node.db.unit(None) as conn:
        if await node.db.queries.end_aside(conn, owner=owner, sha256=sha256, since=since):
            await node.files.discard(owner, sha256)


async def _find_untold(node: Node) -> None:
    """Bytes aside without a row, because the database is an older copy: they wait from now."""
    async for page in node.files.listing_aside():
        ours = [one for one in page if _is_uuid(one.owner)]
        async with node.db.unit(None) as conn:
            await node.db.queries.note_found_aside(
                conn,
                owners=[UUID(one.owner) for one in ours],
                digests=[one.sha256 for one in ours],
                sizes=[one.size for one in ours],
                now=node.clock(),
            )


async def _forget(node: Node, owner: UUID, sha256: str) -> None:
    async with node.db.unit(None) as conn:
        await node.db.queries.forget_aside(conn, owner=owner, sha256=sha256)


async def counted(node: Node, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """How many rows name each file."""
    async with node.db.unit(None) as conn:
        rows = node.db.queries.file_references(
            conn, owners=[owner for owner, _ in keys], digests=[sha256 for _, sha256 in keys]
        )
        return {(row["owner"], row["sha256"]): row["rows"] async for row in rows}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
