"""The states of a signing case (hồ sơ ký): one table of allowed changes, checked here and by the database.

Knows no I/O. The table is the union of the three flows of registers.md C6; ``AFTER`` says which state follows in one
flow. Sources: Nghị định 30/2020/NĐ-CP Điều 14 (number, register, agency's signature), Điều 32.2.d (the agency signs
after the leader); DN-8.3 for NUMBER_FIRST and PAPER_SCAN.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ...signing.sign_job import Flow
from ..errors import GatewayError

SUBJECT: Final = "signing_case"  # what an event tells of
NEW: Final = ""


class Case(StrEnum):
    INITIALS = "initials"  # chờ ký nháy
    LEADER = "leader"  # chờ người có thẩm quyền ký
    NUMBER = "number"  # chờ cấp số
    AGENCY = "agency"  # chờ cơ quan ký, đóng dấu
    SIGNED = "signed"  # đủ chữ ký, chờ phát hành
    RELEASED = "released"  # đã phát hành
    RETURNED = "returned"  # trả lại người soạn
    CANCELLED = "cancelled"  # đã hủy


class Role(StrEnum):
    """Who opens a session or gets a ticket."""

    INITIALS = "initials"
    LEADER = "leader"
    CLERK = "clerk"  # văn thư, with the agency's certificate (NĐ 30/2020 Điều 32.2.c)


_ENDS: Final = (Case.RETURNED, Case.CANCELLED)
TRANSITIONS: Final[dict[str, tuple[Case, ...]]] = {
    NEW: (Case.INITIALS, Case.LEADER, Case.NUMBER, Case.AGENCY),
    Case.INITIALS: (Case.INITIALS, Case.LEADER, Case.NUMBER, *_ENDS),
    Case.LEADER: (Case.NUMBER, Case.AGENCY, *_ENDS),
    Case.NUMBER: (Case.LEADER, Case.AGENCY, *_ENDS),
    Case.AGENCY: (Case.AGENCY, Case.SIGNED, *_ENDS),
    Case.SIGNED: (Case.RELEASED, *_ENDS),
}

# What comes after a state in a flow; NEW: where a case without initials begins.
AFTER: Final[dict[Flow, dict[str, Case]]] = {
    Flow.LEADER_NUMBER_AGENCY: {
        NEW: Case.LEADER,
        Case.INITIALS: Case.LEADER,
        Case.LEADER: Case.NUMBER,
        Case.NUMBER: Case.AGENCY,
        Case.AGENCY: Case.SIGNED,
    },
    Flow.NUMBER_FIRST: {
        NEW: Case.NUMBER,
        Case.INITIALS: Case.NUMBER,
        Case.NUMBER: Case.LEADER,
        Case.LEADER: Case.AGENCY,
        Case.AGENCY: Case.SIGNED,
    },
    # The paper was numbered, signed and sealed by hand; the agency alone signs the scan (Điều 25.1.c).
    Flow.PAPER_SCAN: {NEW: Case.AGENCY, Case.AGENCY: Case.SIGNED},
}

ROLE_OF: Final[dict[str, Role]] = {
    Case.INITIALS: Role.INITIALS,
    Case.LEADER: Role.LEADER,
    Case.AGENCY: Role.CLERK,
}

# The role as the register of certificates names it.
CERTIFICATE_ROLE: Final[dict[Role, str]] = {
    Role.INITIALS: "initials",
    Role.LEADER: "leader",
    Role.CLERK: "agency",
}

LABELS: Final[dict[str, str]] = {
    Case.INITIALS: "Chờ ký nháy",
    Case.LEADER: "Chờ người có thẩm quyền ký",
    Case.NUMBER: "Chờ cấp số",
    Case.AGENCY: "Chờ cơ quan ký",
    Case.SIGNED: "Đã đủ chữ ký, chờ phát hành",
    Case.RELEASED: "Đã phát hành",
    Case.RETURNED: "Đã trả lại người soạn",
    Case.CANCELLED: "Đã hủy",
}


def first(flow: Flow, *, initials: int) -> Case:
    """Where a new case begins."""
    return Case.INITIALS if initials and flow is not Flow.PAPER_SCAN else AFTER[flow][NEW]


def require(before: str, after: str) -> None:
    """Raise STATE_CONFLICT when the table does not allow the change."""
    if after not in TRANSITIONS.get(before, ()):
        raise GatewayError(
            "STATE_CONFLICT",
            f"Hồ sơ ký không thể chuyển từ “{LABELS.get(before, before)}” sang “{LABELS.get(after, after)}”.",
        )


def require_turn(state: str, role: Role) -> None:
    """Raise when it is not this role's turn: SIGNING_LEADER_FIRST, SIGNING_NUMBER_FIRST or SIGNING_NOT_NOW."""
    if ROLE_OF.get(state) is role:
        return
    if role is Role.CLERK and state in (Case.INITIALS, Case.LEADER):
        # NĐ 30/2020 Điều 32.2.d: only documents signed by who may sign them get the agency's signature (L-13).
        raise GatewayError(
            "SIGNING_LEADER_FIRST", "Cơ quan chỉ ký sau khi người có thẩm quyền đã ký; văn bản này chưa có chữ ký đó."
        )
    if state == Case.NUMBER:
        raise GatewayError("SIGNING_NUMBER_FIRST", "Văn bản chưa được cấp số; phải cấp số rồi mới ký bước này.")
    raise GatewayError(
        "SIGNING_NOT_NOW", f"Hồ sơ đang ở bước “{LABELS.get(state, state)}”, chưa hoặc không còn ký ở bước này."
    )


def rows() -> list[tuple[str, str, str]]:
    """All transitions, for the table ``transition``."""
    return [(SUBJECT, str(before), str(after)) for before, afters in TRANSITIONS.items() for after in afters]
