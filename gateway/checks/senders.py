"""Who sent the file that is checked: told by code or by name, or known from the register of certificates.

A certificate's own names never tell the sender: that would answer the question of identity with itself.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from ...queue.port import Connection
from ...signing.identity import fold
from ...signing.report import FileReport, SignerRole
from ..directory import AgencySearch, search
from ..node import Node
from .file_facts import VIETNAM
from .outcome import Sender, SenderSource

_LOOKED_AT: Final = 50  # agencies whose names contain what was told


async def told_sender(node: Node, told: str, day: date | None) -> Sender:
    """``told`` is a code of the directory, the exact name of one agency there, or else a name to compare with."""
    told = " ".join(told.split())
    if not told:
        return Sender(code=None, name=None, day=day, source=SenderSource.NONE)
    async with node.db.unit(None) as conn:
        found = await _by_code(node, conn, told) or await _by_name(node, conn, told)
    if found is not None:
        return Sender(code=found[0], name=found[1], day=day)
    if " " in told:
        return Sender(code=None, name=told, day=day)
    return Sender(code=told, name=None, day=day)


async def registered_sender(node: Node, report: FileReport, day: date | None) -> Sender | None:
    """The agency whose certificate signed: the last agency signature first, then any other."""
    wanted = [signature.certificate_sha256 for signature in report.signatures if signature.certificate_sha256]
    if not wanted:
        return None
    async with node.db.unit(None) as conn:
        rows = [row async for row in node.db.queries.certificates_named(conn, digests=wanted)]
        ranked = sorted(rows, key=lambda row: (row["role"] == SignerRole.AGENCY, wanted.index(row["sha256"])))
        if not ranked:
            return None
        code: str = ranked[-1]["agency_code"]
        known = await _by_code(node, conn, code)
    return Sender(code=code, name=known[1] if known else None, day=day, source=SenderSource.REGISTER)


async def _by_code(node: Node, conn: Connection, code: str) -> tuple[str, str] | None:
    found = await _search(node, conn, code=code)
    return found[0] if found else None


async def _by_name(node: Node, conn: Connection, name: str) -> tuple[str, str] | None:
    """Only when exactly one agency is called so."""
    same = {code: known for code, known in await _search(node, conn, name=name) if fold(known) == fold(name)}
    return next(iter(same.items())) if len(same) == 1 else None


async def _search(
    node: Node, conn: Connection, *, code: str | None = None, name: str | None = None
) -> list[tuple[str, str]]:
    """Own agencies and the directory of every axis, as of today."""
    today = node.clock().astimezone(VIETNAM).date()
    found = await search(node, conn, AgencySearch(code=code, name_part=name, on=today, limit=_LOOKED_AT))
    return [(row["code"], row["name"]) for row in found]
