"""Which signatures a file needs, and what legal value it then has. Pure rules, no I/O.

The gateway resolves the policy's name per sending agency and document date; this file knows what a name means.
Source: Nghị định 30/2020/NĐ-CP Điều 5.1, Điều 25.1.c, Phụ lục I; registers.md C1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from .report import LegalValue, SignerRole

POLICY_VERSION: Final = "1"
NOT_APPLICABLE: Final = "NOT_APPLICABLE"
ND30_SINCE: Final = date(2020, 3, 5)

LEADER, AGENCY = SignerRole.LEADER, SignerRole.AGENCY


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredSet:
    """``any_of``: each inner set suffices. ``ordered``: the leader signs before the agency."""

    name: str
    any_of: tuple[frozenset[SignerRole], ...]
    ordered: bool
    value: LegalValue
    title: str
    legal_basis: str


def _of(*sets: set[SignerRole]) -> tuple[frozenset[SignerRole], ...]:
    return tuple(frozenset(s) for s in sets)


REQUIRED_SETS: Final = {
    required.name: required
    for required in (
        RequiredSet(
            name="ND30",
            any_of=_of({LEADER, AGENCY}),
            ordered=True,  # Nghị định 30/2020/NĐ-CP, Điều 32.2.d
            value=LegalValue.ORIGINAL,
            title="người có thẩm quyền và cơ quan",
            legal_basis="Nghị định 30/2020/NĐ-CP, Điều 5.1",
        ),
        RequiredSet(
            name="NA_ANY_ONE",
            any_of=_of({LEADER}, {AGENCY}, {SignerRole.INITIALS}, {SignerRole.OTHER}),
            ordered=False,
            value=LegalValue.BY_SENDER_RULES,
            title="ít nhất một chữ ký của bên gửi",
            legal_basis="Quyết định 08/2018/QĐ-UBND tỉnh Nghệ An",
        ),
        RequiredSet(
            name="ST_TWO",
            any_of=_of({LEADER, AGENCY}),
            ordered=True,
            value=LegalValue.BY_SENDER_RULES,
            title="lãnh đạo và cơ quan (ký nháy tùy chọn)",
            legal_basis="Quy chế Sở NN&PTNT Sóc Trăng 2019",
        ),
        RequiredSet(
            name="ST_TWO_PLUS_NHAY",
            any_of=_of({LEADER, AGENCY}),
            ordered=True,
            value=LegalValue.BY_SENDER_RULES,
            title="lãnh đạo và cơ quan (ký nháy tùy chọn)",
            legal_basis="Quy chế Sở NN&PTNT Sóc Trăng 2019",
        ),
        RequiredSet(
            name="TN_TITLE_AND_AGENCY",
            any_of=_of({LEADER, AGENCY}),
            ordered=True,
            value=LegalValue.BY_SENDER_RULES,
            title="chức danh và cơ quan",
            legal_basis="Quyết định 114/QĐ-STC tỉnh Tây Ninh (2018)",
        ),
        RequiredSet(
            name="AGENCY_ONLY",
            any_of=_of({AGENCY}),
            ordered=False,
            value=LegalValue.ORIGINAL,
            title="cơ quan",
            legal_basis="Nghị định 30/2020/NĐ-CP, Điều 25.1.c và Phụ lục I, Phần I, II.8.b",
        ),
    )
}


def default_policy(document_date: date | None) -> str:
    """ND30 from 05/3/2020 on; earlier documents by the sender's own rules, one signature at the least."""
    return "ND30" if document_date is None or document_date >= ND30_SINCE else "NA_ANY_ONE"


def complete(required: RequiredSet, roles: Sequence[SignerRole]) -> bool:
    return any(wanted <= set(roles) for wanted in required.any_of)


def in_order(required: RequiredSet, roles: Sequence[SignerRole]) -> bool:
    """``roles`` in the order of signing: some leader stands before the last agency signature."""
    if not required.ordered or LEADER not in roles or AGENCY not in roles:
        return True
    last_agency = len(roles) - 1 - list(reversed(roles)).index(AGENCY)
    return LEADER in roles[:last_agency]


def legal_value(required: RequiredSet, roles: Sequence[SignerRole], *, document_date: date | None) -> LegalValue:
    """Legal value of a file whose signatures are all good (registers.md C1, three levels)."""
    national = REQUIRED_SETS["ND30"]
    if not complete(required, roles):
        return LegalValue.REFERENCE
    if complete(national, roles) and in_order(national, roles):
        since = document_date is None or document_date >= ND30_SINCE
        return LegalValue.ORIGINAL if since else required.value
    return required.value
