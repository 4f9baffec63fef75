"""What a verification is asked for: one JSON value that travels to the worker. No I/O, no pyHanko.

The caller resolves policies, directories and registers first; here stand only their results.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from .report import SignerRole


class TimestampRule(StrEnum):
    """registers.md C17: required when producing, recommended when receiving."""

    RECOMMENDED = "recommended"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCertificate:
    """A line of the node's own register of certificates (signatures.md 7)."""

    sha256: str  # lower-case hex of the DER
    agency_code: str
    role: SignerRole
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationLimits:
    """Bounds before any signature is verified (signatures.md 4.1). Beyond them the answer is CHƯA XÁC ĐỊNH."""

    max_signatures: int = 16
    max_form_fields: int = 4000
    max_revisions: int = 200
    max_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest:
    """``path`` is opened by the worker; bytes are never sent over the pipe."""

    path: str
    policy: str  # a name of signing.policies.REQUIRED_SETS, or NOT_APPLICABLE
    now: datetime
    trust_folder: str
    trust_store: str = "bcy"
    received_at: datetime | None = None  # proven upper bound of the signing time; absent: now
    document_date: date | None = None
    sender_code: str | None = None
    sender_name: str | None = None
    registry: tuple[RegisteredCertificate, ...] = ()
    timestamp: TimestampRule = TimestampRule.RECOMMENDED
    sha1_documents_until: datetime | None = None  # older files: SHA-1 is tolerated if a timestamp proves it (C14)
    limits: VerificationLimits = field(default_factory=VerificationLimits)
    appearance: bool = False  # look at the rendered signatures too, for warnings
    seal_diameter_mm: float | None = None  # of the sender's seal, where known

    @property
    def reference_time(self) -> datetime:
        """The time a signature without trusted timestamp is judged at (signatures.md 3.4)."""
        return min(self.received_at, self.now) if self.received_at else self.now


def request_to_json(request: VerificationRequest) -> dict[str, Any]:
    value = asdict(request)
    for name in ("now", "received_at", "sha1_documents_until"):
        value[name] = _iso(value[name])
    value["document_date"] = request.document_date.isoformat() if request.document_date else None
    value["registry"] = [
        {**entry, "valid_from": _iso(entry["valid_from"]), "valid_to": _iso(entry["valid_to"])}
        for entry in value["registry"]
    ]
    return value


def request_from_json(value: dict[str, Any]) -> VerificationRequest:
    registry = tuple(
        RegisteredCertificate(
            sha256=entry["sha256"],
            agency_code=entry["agency_code"],
            role=SignerRole(entry["role"]),
            valid_from=_when(entry["valid_from"]),
            valid_to=_when(entry["valid_to"]),
        )
        for entry in value["registry"]
    )
    return VerificationRequest(
        **{
            **value,
            "now": datetime.fromisoformat(value["now"]),
            "received_at": _when(value["received_at"]),
            "sha1_documents_until": _when(value["sha1_documents_until"]),
            "document_date": date.fromisoformat(written) if (written := value["document_date"]) else None,
            "registry": registry,
            "timestamp": TimestampRule(value["timestamp"]),
            "limits": VerificationLimits(**value["limits"]),
        },
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
