"""The steps of signing as a table: which field, which lock, who must have signed before. Data and pure rules.

Source: signatures.md 2; Nghị định 30/2020/NĐ-CP, Điều 32.2.d; registers.md C6.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .errors import SigningError
from .report import SignerRole
from .sign_job import AGENCY_FIELD, INITIALS_FIELD, LEADER_FIELD, Flow, SignStep

AGENCY_ALONE: Final = "AGENCY_ONLY"


class Lock(Enum):
    NONE = "none"
    OPEN = "open"  # everything but number, date and the agency's field
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRule:
    """``certifies``: when no signature stands before it. ``closes``: nobody signs or fills after it."""

    role: SignerRole
    field: str | None
    lock: Lock
    certifies: bool = False
    closes: bool = False
    after_leader: bool = False
    makes_field: bool = False  # where none is prepared, at the top right of the first page
    reason: str | None = None


STEPS: Final[Mapping[SignStep, StepRule]] = {
    SignStep.INITIALS: StepRule(role=SignerRole.INITIALS, field=None, lock=Lock.NONE, reason="Ký nháy"),
    SignStep.LEADER: StepRule(
        role=SignerRole.LEADER, field=LEADER_FIELD, lock=Lock.OPEN, certifies=True, reason="Ký ban hành"
    ),
    # Nghị định 30/2020/NĐ-CP, Điều 32.2.d: only documents that were signed get the agency's signature.
    SignStep.AGENCY: StepRule(
        role=SignerRole.AGENCY, field=AGENCY_FIELD, lock=Lock.ALL, closes=True, after_leader=True
    ),
    SignStep.ANNEX: StepRule(role=SignerRole.AGENCY, field=AGENCY_FIELD, lock=Lock.ALL, closes=True, makes_field=True),
    SignStep.COPY: StepRule(role=SignerRole.AGENCY, field=AGENCY_FIELD, lock=Lock.ALL, closes=True, makes_field=True),
    SignStep.DIGITISED: StepRule(
        role=SignerRole.AGENCY, field=AGENCY_FIELD, lock=Lock.ALL, closes=True, makes_field=True
    ),
}

# What each flow knows of; annexes and copies are files of their own in any flow.
ALLOWED: Final[Mapping[Flow, frozenset[SignStep]]] = {
    Flow.LEADER_NUMBER_AGENCY: frozenset(SignStep) - {SignStep.DIGITISED},
    Flow.NUMBER_FIRST: frozenset(SignStep) - {SignStep.DIGITISED},
    Flow.PAPER_SCAN: frozenset({SignStep.DIGITISED, SignStep.ANNEX, SignStep.COPY}),
}


def field_of(step: SignStep, asked: str | None, empty: Collection[str], signed: Collection[str]) -> str:
    """Name of the field to sign. Raises SIG_FIELD_MISSING or SIG_FIELD_SIGNED."""
    rule = STEPS[step]
    name = asked or rule.field or _next_initials(empty)
    if name in signed:
        raise SigningError("SIG_FIELD_SIGNED", f"Ô {name} đã có chữ ký", blame="peer")
    if "." in name:  # platform.md 7.1
        raise SigningError("SIG_FIELD_MISSING", f"Tên ô {name} không được chứa dấu chấm", blame="peer")
    return name


def refuse_out_of_order(step: SignStep, flow: Flow, roles: Collection[SignerRole]) -> None:
    """Raises SIG_STEP_NOT_IN_FLOW, SIG_SIGNED_AFTER_AGENCY or SIG_AGENCY_BEFORE_LEADER."""
    rule = STEPS[step]
    if step not in ALLOWED[flow]:
        raise SigningError(
            "SIG_STEP_NOT_IN_FLOW", f"Bước ký {step.value} không thuộc trình tự {flow.value}", blame="peer"
        )
    if SignerRole.AGENCY in roles:
        raise SigningError(
            "SIG_SIGNED_AFTER_AGENCY", "Cơ quan đã ký và khóa văn bản; không ký thêm được nữa", blame="peer"
        )
    if rule.after_leader and SignerRole.LEADER not in roles:
        raise SigningError(
            "SIG_AGENCY_BEFORE_LEADER",
            "Chữ ký số của cơ quan chỉ được đặt sau chữ ký của người có thẩm quyền (NĐ 30/2020, Điều 32.2.d)",
            blame="peer",
        )
    if step is SignStep.INITIALS and SignerRole.LEADER in roles:
        raise SigningError("SIG_INITIALS_AFTER_LEADER", "Không ký nháy sau khi lãnh đạo đã ký", blame="peer")
    if step is SignStep.LEADER and SignerRole.LEADER in roles:
        raise SigningError("SIG_FIELD_SIGNED", "Lãnh đạo đã ký văn bản này", blame="peer")


def _next_initials(empty: Collection[str]) -> str:
    number = 1
    while (name := INITIALS_FIELD.format(number)) not in empty:
        number += 1
        if number > len(empty) + 1:
            raise SigningError("SIG_FIELD_MISSING", "Văn bản không còn ô ký nháy nào trống", blame="document")
    return name
