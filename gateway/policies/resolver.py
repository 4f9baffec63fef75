"""One resolver for every rule that can differ by agency and date: law > nation > province > agency (NA-4.2).

A binding row of a higher scope cannot be overridden; otherwise the nearest scope speaks (an agency's own rule before
the province's, before the nation's). The id of the row that spoke is stored with the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from ...queue.port import Connection
from ..errors import GatewayError
from ..node import Node

_SCOPES: Final = ("law", "nation", "province", "agency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A policy value with the row it came from."""

    id: int
    value: Any
    legal_basis: str


def choose(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The row that speaks among those valid on the day."""
    ordered = sorted(rows, key=lambda row: (_SCOPES.index(row["scope"]), row["valid_from"]))
    binding = [row for row in ordered if row["binding"]]
    if binding:
        return binding[0]
    return ordered[-1] if ordered else None


async def resolve(node: Node, conn: Connection, *keys: str, agency_code: str, on: date) -> dict[str, Resolved]:
    """The values of these keys for an agency on a date. Raise POLICY_MISSING for a key about which no row speaks."""
    rows = node.db.queries.policies_of_keys(conn, keys=list(keys), on_date=on, agency_keys=[agency_code.upper()])
    valid = [row async for row in rows]
    resolved: dict[str, Resolved] = {}
    for key in keys:
        row = choose([row for row in valid if row["key"] == key])
        if row is None:
            raise GatewayError("POLICY_MISSING", f"Không có quy định “{key}” cho ngày {on:%d/%m/%Y}.")
        resolved[key] = Resolved(id=row["id"], value=row["value"], legal_basis=row["legal_basis"])
    return resolved
