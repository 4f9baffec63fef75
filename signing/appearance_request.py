"""What the look at a file's signatures is asked for, made of its report. Values only: the parent has no PDF library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from .report import FileReport, SignerRole
from .request import VerificationRequest

ND30_FROM: Final = date(2020, 3, 5)  # Nghị định 30/2020/NĐ-CP, Điều 37


class Profile(StrEnum):
    """What an agency's signature shows (registers.md C7, C8)."""

    ND30 = "ND30"  # picture alone on issued documents, words alone on annexes and copies
    TT01_2019 = "TT01_2019"  # picture with words everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceRequest:
    """``roles``: signed field to role, in the order of signing. ``diameter_mm`` of the sender's seal where known."""

    path: str
    roles: tuple[tuple[str, SignerRole], ...]
    policy: str
    profile: Profile = Profile.ND30
    diameter_mm: float | None = None


def appearance_request(request: VerificationRequest, report: FileReport) -> AppearanceRequest | None:
    """None where nobody asked or nobody signed."""
    if not request.appearance or not report.signatures:
        return None
    old = request.document_date is not None and request.document_date < ND30_FROM
    return AppearanceRequest(
        path=request.path,
        roles=tuple((signature.field_name, signature.role) for signature in report.signatures),
        policy=request.policy,
        profile=Profile.TT01_2019 if old else Profile.ND30,
        diameter_mm=request.seal_diameter_mm,
    )


def request_from_json(value: dict[str, Any]) -> AppearanceRequest:
    """Of ``dataclasses.asdict``, which is JSON already."""
    roles = tuple((field, SignerRole(role)) for field, role in value["roles"])
    return AppearanceRequest(**{**value, "roles": roles, "profile": Profile(value["profile"])})
