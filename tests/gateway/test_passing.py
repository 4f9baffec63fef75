"""Which outcomes speak against the way: the one table that feeds the breaker (axis.md 13, F01 to F13)."""

from __future__ import annotations

import pytest

from lienthong.adapters.axis import OutcomeKind, SendOutcome
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.answers import CODES
from lienthong.adapters.vxp.sending import outcome_of_answer
from lienthong.adapters.vxp.transport import RawAnswer
from lienthong.gateway.pipeline.passing import Says, says_error, says_outcome


def answered(status: int, body: str) -> SendOutcome:
    return outcome_of_answer(RawAnswer(http_status=status, body=body.encode()))


def fail(code: str) -> str:
    return f'{{"status": "FAIL", "ErrorCode": "{code}", "ErrorDesc": "x"}}'


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, '{"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "DocId": "7"}', Says.WORKS),
        (200, '{"status": "OK", "ErrorCode": "0", "ErrorDesc": ""}', Says.NOTHING),
        (200, "<html>", Says.FAILED),
        (200, fail("20"), Says.FAILED),
        (200, fail("15"), Says.REFUSED),
        (401, "Unauthorized", Says.REFUSED),
        (413, "too large", Says.WORKS),
        (431, "too many", Says.NOTHING),
        (404, "<html>", Says.FAILED),
        (502, "<html>", Says.FAILED),
        (503, "<html>", Says.FAILED),
        (504, "<html>", Says.FAILED),
        (200, fail("77"), Says.NOTHING),
        *[(200, fail(code), Says.WORKS) for code, is_ in CODES.items() if is_.outcome is OutcomeKind.REJECTED],
    ],
)
def test_an_answer_to_a_send(status: int, body: str, says: Says) -> None:
    assert says_outcome(answered(status, body)) is says


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        (OutcomeKind.RETRY, "CONNECT", Says.FAILED),
        (OutcomeKind.UNKNOWN, "TIMEOUT", Says.FAILED),
        (OutcomeKind.UNKNOWN, "BROKEN", Says.FAILED),
        (OutcomeKind.RETRY, "FILE", Says.NOTHING),
        (OutcomeKind.RETRY, "DISK", Says.NOTHING),
        (OutcomeKind.REJECTED, "HEADER_TEXT", Says.NOTHING),
        (OutcomeKind.UNKNOWN, "CRASH", Says.NOTHING),
        (OutcomeKind.REJECTED, None, Says.WORKS),
    ],
)
def test_no_answer_or_our_own_fault(kind: OutcomeKind, code: str | None, says: Says) -> None:
    assert says_outcome(SendOutcome(kind=kind, code=code)) is says


@pytest.mark.parametrize(
    ("code", "transient", "says", "about_one_package"),
    [
        ("AXIS_CONNECT", True, Says.FAILED, Says.FAILED),
        ("AXIS_TIMEOUT", True, Says.FAILED, Says.FAILED),
        ("AXIS_HTTP", True, Says.FAILED, Says.FAILED),
        ("AXIS_KEY", False, Says.REFUSED, Says.REFUSED),
        ("AXIS_REFUSED", True, Says.FAILED, Says.FAILED),
        ("AXIS_REFUSED", False, Says.NOTHING, Says.NOTHING),
        ("AXIS_UNREADABLE", True, Says.FAILED, Says.NOTHING),
        ("AXIS_TOO_LARGE", False, Says.NOTHING, Says.NOTHING),
        ("AXIS_DISK", True, Says.NOTHING, Says.NOTHING),
    ],
)
def test_a_call_that_failed(code: str, transient: bool, says: Says, about_one_package: Says) -> None:
    error = AxisError(code, "lỗi", transient=transient)
    assert says_error(error) is says
    assert says_error(error, item=True) is about_one_package
