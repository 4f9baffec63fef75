"""Required sets and legal value (registers.md C1): pure rules."""

from __future__ import annotations

from datetime import date

import pytest

from lienthong.signing.policies import (
    ND30_SINCE,
    REQUIRED_SETS,
    complete,
    default_policy,
    in_order,
    legal_value,
)
from lienthong.signing.report import LegalValue, SignerRole

LEADER, AGENCY, INITIALS, OTHER = SignerRole.LEADER, SignerRole.AGENCY, SignerRole.INITIALS, SignerRole.OTHER
ORIGINAL, BY_RULES, REFERENCE = LegalValue.ORIGINAL, LegalValue.BY_SENDER_RULES, LegalValue.REFERENCE

CASES = [
    ("ND30", (LEADER, AGENCY), True, True, ORIGINAL),
    ("ND30", (INITIALS, LEADER, AGENCY), True, True, ORIGINAL),
    ("ND30", (AGENCY, LEADER), True, False, None),
    ("ND30", (LEADER,), False, True, REFERENCE),
    ("ND30", (AGENCY,), False, True, REFERENCE),
    ("ND30", (INITIALS, OTHER), False, True, REFERENCE),
    ("ND30", (), False, True, REFERENCE),
    ("ND30", (AGENCY, LEADER, AGENCY), True, True, ORIGINAL),
    ("NA_ANY_ONE", (LEADER,), True, True, BY_RULES),
    ("NA_ANY_ONE", (AGENCY,), True, True, BY_RULES),
    ("NA_ANY_ONE", (OTHER,), True, True, BY_RULES),
    ("NA_ANY_ONE", (LEADER, AGENCY), True, True, ORIGINAL),
    ("NA_ANY_ONE", (), False, True, REFERENCE),
    ("ST_TWO", (INITIALS, LEADER, AGENCY), True, True, ORIGINAL),
    ("ST_TWO", (INITIALS, AGENCY), False, True, REFERENCE),
    ("TN_TITLE_AND_AGENCY", (LEADER,), False, True, REFERENCE),
    ("AGENCY_ONLY", (AGENCY,), True, True, ORIGINAL),
    ("AGENCY_ONLY", (LEADER,), False, True, REFERENCE),
]


@pytest.mark.parametrize(("policy", "roles", "is_complete", "ordered", "value"), CASES)
def test_required_set(
    *, policy: str, roles: tuple[SignerRole, ...], is_complete: bool, ordered: bool, value: LegalValue
) -> None:
    required = REQUIRED_SETS[policy]
    assert complete(required, roles) is is_complete
    assert in_order(required, roles) is ordered
    if value is not None:
        assert legal_value(required, roles, document_date=date(2026, 1, 1)) is value


def test_before_the_decree_the_senders_rules_decide() -> None:
    required = REQUIRED_SETS["ST_TWO"]
    assert legal_value(required, (LEADER, AGENCY), document_date=date(2019, 5, 1)) is BY_RULES


def test_default_policy_by_date() -> None:
    assert default_policy(ND30_SINCE) == "ND30"
    assert default_policy(date(2020, 3, 4)) == "NA_ANY_ONE"
    assert default_policy(None) == "ND30"
