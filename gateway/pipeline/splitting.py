"""One recipient is unknown to the axis or locked, and it refuses the package of all of them (18, 23; axis.md F10).

The sender learns which one it was. The others get the document in a package of their own only where the agency's policy
says so: ``send_to_the_rest``. The same document, the same DocumentId, other bytes, because ``To`` is another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog

from ...adapters.axis import MessageKind, OutcomeKind, SendOutcome
from ...queue.port import Connection
from ..directory import sender_in
from ..errors import GatewayError
from ..files.errors import FileError
from ..files.layout import StoredFile
from ..metadata import metadata_from_json
from ..node import Node
from ..policies.resolver import resolve
from ..submissions import Origin
from .handover import announce, lane_of
from .moves import NODE
from .packaging import attachments_of, batches, build, freeze

REST_POLICY: Final = "send_to_the_rest"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The package of those that the axis did not name; its bytes are durable, its row is not written."""

    codes: tuple[str, ...]
    stored: StoredFile


def others(package: Any, outcome: SendOutcome) -> tuple[str, ...]:
    """Who is in the package and not to blame for its refusal; nobody when it is not known who is."""
    refused = {code.upper() for code in outcome.refused}
    return tuple(code for code in package["receiver_codes"] if refused and code.upper() not in refused)


async def freeze_rest(node: Node, package: Any, outcome: SendOutcome) -> Rest | None:
    """None when nobody is left, or no policy wants it: then a person submits anew."""
    codes = others(package, outcome)
    if outcome.kind is not OutcomeKind.REJECTED or package["kind"] != MessageKind.DOCUMENT or not codes:
        return None
    try:
        return await _freeze(node, package, codes)
    except (GatewayError, FileError) as error:
        _log.warning("rest-not-packaged", package=str(package["id"]), code=error.code, error=error.message)
        return None


async def _freeze(node: Node, package: Any, codes: tuple[str, ...]) -> Rest | None:
    async with node.db.single() as conn:
        exchange = await node.db.queries.exchange_in_hand(conn, id=package["exchange_id"])
        rule = await resolve(node, conn, REST_POLICY, agency_code=package["sender_code"], on=node.clock().date())
    # Of a finished package From and To are never changed.
    if rule[REST_POLICY].value is not True or exchange["origin"] == Origin.ENVELOPE:
        return None
    agency = sender_in(exchange)
    (batch,) = batches([row for row in exchange["deliveries"] if row["recipient_code"] in codes])
    async with attachments_of(node, agency.id, exchange["files"]) as attachments:
        values = build(
            agency=agency,
            exchange=exchange,
            metadata=metadata_from_json(exchange["metadata"]),
            batch=batch,
            attachments=attachments,
            now=exchange["created_at"],
        )
        stored = await freeze(node, agency.id, values, axis=batch.axis, scratch=f"rest-{package['id']}")
    return Rest(codes=codes, stored=stored)


async def queue_rest(node: Node, conn: Connection, package: Any, rest: Rest, *, trace: str | None) -> None:
    """In the transaction that records the refusal: the others wait in a package of their own."""
    package_id = node.new_id()
    lane = lane_of(package["lane"] == 0)
    carried = ("agency_id", "exchange_id", "kind", "axis", "sender_code", "document_id", "notation", "status_code")
    await node.db.queries.insert_outgoing_package(
        conn,
        **{name: package[name] for name in carried},
        id=package_id,
        receiver_codes=list(rest.codes),
        doc_subject=package["subject"],
        lane=lane,
        sha256=rest.stored.sha256,
        size=rest.stored.size,
        actor=NODE,
    )
    await node.db.queries.link_deliveries(
        conn, exchange_id=package["exchange_id"], package_id=package_id, codes=list(rest.codes)
    )
    payload = {"package_id": str(package_id), "axis": package["axis"]}
    await announce(node, conn, "lienthong.package.queued.v1", package["exchange_id"], payload, lane, trace=trace)
