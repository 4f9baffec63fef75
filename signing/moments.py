"""When a file was signed: timestamp first, else self-reported (signatures.md 3.4, registers.md C17). Pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from .answers import answer
from .report import Answer
from .request import TimestampRule, VerificationRequest

VIETNAM_SHIFT: Final = timedelta(hours=7)
TOLERANCE: Final = timedelta(hours=1)
CLOCK_TOLERANCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """What the verification of a signature timestamp said."""

    generated: datetime
    matches: bool  # its imprint and its signature fit
    trusted: bool  # its certificate leads to the store, and is not revoked
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningMoment:
    answer: Answer
    time: datetime | None
    source: str  # "timestamp" | "self_reported" | "none"
    skewed: bool = False

    @property
    def proven(self) -> bool:
        return self.source == "timestamp"


def signing_moment(token: TokenStatus | None, claimed: datetime | None, request: VerificationRequest) -> SigningMoment:
    if token is None:
        return _without_token(claimed, request.timestamp)
    fallback = "self_reported" if claimed else "none"
    if not token.matches:
        return SigningMoment(answer=answer("SIG_TIMESTAMP_WRONG"), time=claimed, source=fallback)
    if not token.trusted:
        return SigningMoment(answer=answer("SIG_TIMESTAMP_UNTRUSTED", token.authority), time=claimed, source=fallback)
    shown = vietnamese_time(token.generated)
    if token.generated > request.now + CLOCK_TOLERANCE:
        return SigningMoment(answer=answer("SIG_TIME_FUTURE", shown), time=claimed, source=fallback)
    shift = claimed - token.generated if claimed else timedelta(0)
    by_zone = abs(shift - VIETNAM_SHIFT) <= TOLERANCE
    code = "SIG_TIME_SKEW_7H" if by_zone else "SIG_TIME_TIMESTAMP"
    return SigningMoment(
        answer=answer(code, shown), time=token.generated, source="timestamp", skewed=abs(shift) > TOLERANCE
    )


def _without_token(claimed: datetime | None, rule: TimestampRule) -> SigningMoment:
    source = "self_reported" if claimed else "none"
    if rule is TimestampRule.REQUIRED:
        return SigningMoment(answer=answer("SIG_TIME_REQUIRED"), time=claimed, source=source)
    if claimed is None:
        return SigningMoment(answer=answer("SIG_TIME_NONE"), time=None, source=source)
    return SigningMoment(answer=answer("SIG_TIME_SELF_REPORTED", vietnamese_time(claimed)), time=claimed, source=source)


def vietnamese_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC) + VIETNAM_SHIFT:%d/%m/%Y %H:%M:%S} +07:00"
