"""Who already has an incoming document: an axis lists it once for each recipient, and again when a "done" was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...edxml.model import DocumentPackage
from ...edxml.reader import Reading
from ...queue.port import Connection
from ..directory import Agency
from ..exchanges import Incoming
from ..node import Node
from .moves import move_incoming


async def without_it(
    node: Node, conn: Connection, package: DocumentPackage, content_digest: str | None, agencies: Sequence[Agency]
) -> list[Agency]:
    """Those that do not have exactly this document, in an order that is the same for all deliveries.

    An axis lists a document once for each recipient: what 100 of them already have is not judged another 99 times. The
    order keeps two deliveries from waiting for each other's counters.
    """
    rows = node.db.queries.agencies_that_have(
        conn,
        agency_ids=[agency.id for agency in agencies],
        sender_code=package.sender.code.value,
        document_id=package.document_id.value,
        business_type=package.business.type,
        content_digest=content_digest,
    )
    have = {row["agency_id"] async for row in rows}
    return sorted((agency for agency in agencies if agency.id not in have), key=lambda agency: agency.id)


async def had_already(node: Node, conn: Connection, incoming: Any, reading: Reading) -> None:
    """Every agency that the package names has it."""
    note, findings = "Văn bản này đã nhận trước đó; không xử lý lại.", findings_of(reading)
    await move_incoming(
        node, conn, incoming["id"], Incoming.RECEIVED, Incoming.DUPLICATE, reason=note, findings=findings
    )


def findings_of(reading: Reading) -> list[dict[str, Any]]:
    return [{**asdict(finding), "severity": str(finding.severity)} for finding in reading.findings]
