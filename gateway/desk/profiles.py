"""By which flow, appearance and level a case is signed: asked for, else the agency's rule, else the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ...queue.port import Connection
from ...signing.json_values import to_json
from ...signing.sign_job import Flow, Level, Subfilter
from ..directory import own_agency
from ..node import Node
from ..pipeline.intake import VIETNAM
from ..policies.resolver import resolve
from .values import Appearance, CaseRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    flow: Flow
    appearance: Appearance
    subfilter: Subfilter
    level: Level
    source_required: bool
    seal_diameter_mm: float

    def as_json(self) -> dict[str, Any]:
        value: dict[str, Any] = to_json(self)
        return value


async def resolve_profile(node: Node, conn: Connection, agency_id: UUID, request: CaseRequest) -> Profile:
    """What was asked for, else the agency's rule of the day, else the node's settings."""
    agency = await own_agency(node, conn, agency_id)
    today = node.clock().astimezone(VIETNAM).date()
    keys = ("flow", "appearance", "source_required")
    rule = await resolve(node, conn, *keys, agency_code=agency.code.value, on=today)
    signing = node.settings.signing
    level = request.level or Level(signing.level)
    return Profile(
        flow=request.flow or Flow(rule["flow"].value),
        appearance=request.appearance or Appearance(rule["appearance"].value),
        subfilter=request.subfilter or Subfilter(signing.subfilter),
        level=level if signing.tsa_url else Level.B_B,
        source_required=bool(rule["source_required"].value),
        seal_diameter_mm=request.seal_diameter_mm or signing.seal_diameter_mm,
    )
