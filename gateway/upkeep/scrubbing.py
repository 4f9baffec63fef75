"""The integrity of the file store: every file is read again, slowly, and compared with its digest. Nothing is removed.

What rows of documents name is expected to be there; of the node's own files (packages as received, evidence) also what
the store lists. The cursor is in the database, so a restart goes on in the middle of the round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ..errors import GatewayError
from ..files.errors import FileError
from ..files.layout import NODE_FILES
from ..node import Node
from . import rounds
from .rounds import Key, RoundKind

BATCH: Final = 20  # files between two entries of the cursor
KINDS: Final = {"FILE_NOT_FOUND": "missing", "FILE_DAMAGED": "damaged"}
_START: Final = (str(NODE_FILES), "")

# Called after each file with its size in bytes, to keep the pace; False ends the round for now.
Pace = Callable[[int], Awaitable[bool]]


@dataclass(slots=True, kw_only=True)
class Scrubbed:
    files: int = 0
    bytes: int = 0
    faults: int = 0
    whole: bool = False  # the round came to its end


async def scrub(node: Node, pace: Pace) -> Scrubbed:
    """Go on with the round that runs, or begin one. Raise FileError for an outage; the round goes on later."""
    found = await rounds.get_round(node, RoundKind.SCRUB)
    if found is None or not found.running:
        await rounds.begin(node, RoundKind.SCRUB)
        found = await rounds.get_round(node, RoundKind.SCRUB)
    after = _START if found is None or not found.after[0] else found.after
    scrubbed = Scrubbed()
    while keys := await _next_keys(node, after):
        for key in keys:
            size = await look_at(node, scrubbed, key)
            after = key
            await rounds.go_on(node, RoundKind.SCRUB, after, files=1, size=size)
            if not await pace(size):
                return scrubbed
    scrubbed.whole = True
    await _end(node)
    return scrubbed


async def _end(node: Node) -> None:
    found = await rounds.get_round(node, RoundKind.SCRUB)
    async with node.db.unit(None) as conn:
        faults = await node.db.queries.fault_count(conn)
    report = {"files": found.files if found else 0, "bytes": found.bytes if found else 0, "faults": faults}
    await rounds.end(node, RoundKind.SCRUB, report)


async def _next_keys(node: Node, after: Key) -> list[Key]:
    """The next keys in order; what is both named and listed comes once."""
    owner = UUID(after[0])
    async with node.db.unit(None) as conn:
        rows = node.db.queries.named_files_page(conn, owner=owner, sha256=after[1], limit=BATCH)
        keys = {(str(row["owner"]), row["sha256"]) async for row in rows}
    if owner == NODE_FILES:
        async for page in node.files.listing(after if after[1] else ("", "")):
            keys |= {one.key for one in page[:BATCH] if one.owner == after[0]}
            break
    return sorted(keys)[:BATCH]


async def look_at(node: Node, scrubbed: Scrubbed, key: Key) -> int:
    """Read one file and note what is wrong, or that it is well; its size in bytes. Raise FileError for an outage."""
    owner, sha256 = UUID(key[0]), key[1]
    size, kind = 0, None
    try:
        async for window in node.files.stream(owner, sha256):
            size += len(window)
    except FileError as error:
        if error.code not in KINDS:
            raise
        kind = KINDS[error.code]
    async with node.db.unit(None) as conn:
        if kind is None:
            await node.db.queries.forget_fault(conn, owner=owner, sha256=sha256)
        else:
            await node.db.queries.note_fault(conn, owner=owner, sha256=sha256, kind=kind, now=node.clock())
    scrubbed.files += 1
    scrubbed.bytes += size
    scrubbed.faults += kind is not None
    return size


async def look_again(node: Node) -> Scrubbed:
    """Only at what was found missing or damaged: whether it has been brought back."""
    scrubbed, after = Scrubbed(whole=True), (NODE_FILES, "")
    while True:
        async with node.db.unit(None) as conn:
            rows = node.db.queries.file_faults(conn, owner=after[0], sha256=after[1], limit=BATCH)
            page = [(row["owner"], row["sha256"]) async for row in rows]
        if not page:
            return scrubbed
        for after in page:
            await look_at(node, scrubbed, (str(after[0]), after[1]))


async def require_whole(node: Node) -> None:
    """Raise FILES_FAULTY when a file is known to be missing or damaged."""
    async with node.db.unit(None) as conn:
        faults = await node.db.queries.fault_count(conn)
    if faults:
        raise GatewayError("FILES_FAULTY", f"Kho tệp có {faults} tệp thiếu hoặc hỏng; xem lienthong files check.")
