"""The signing time: timestamp first, seven hours recognised (registers.md C17). And names without diacritics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.signing.identity import fold, names_a_body
from lienthong.signing.moments import TokenStatus, signing_moment, vietnamese_time
from lienthong.signing.report import SignerRole
from lienthong.signing.request import (
    RegisteredCertificate,
    TimestampRule,
    VerificationRequest,
    request_from_json,
    request_to_json,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
REQUEST = VerificationRequest(path="x.pdf", policy="ND30", now=NOW, trust_folder="/x")


def token(generated: datetime = NOW, *, matches: bool = True, trusted: bool = True) -> TokenStatus:
    return TokenStatus(generated=generated, matches=matches, trusted=trusted, authority="TEST TSA")


@pytest.mark.parametrize(
    ("shift", "code", "skewed"),
    [
        (timedelta(0), "SIG_TIME_TIMESTAMP", False),
        (timedelta(minutes=-2), "SIG_TIME_TIMESTAMP", False),
        (timedelta(hours=7), "SIG_TIME_SKEW_7H", True),
        (timedelta(hours=6, minutes=1), "SIG_TIME_SKEW_7H", True),
        (timedelta(hours=7, minutes=59), "SIG_TIME_SKEW_7H", True),
        (timedelta(hours=5), "SIG_TIME_TIMESTAMP", True),
        (timedelta(hours=-7), "SIG_TIME_TIMESTAMP", True),
    ],
)
def test_claimed_against_proven(*, shift: timedelta, code: str, skewed: bool) -> None:
    moment = signing_moment(token(), NOW + shift, REQUEST)
    assert (moment.answer.code, moment.skewed, moment.time) == (code, skewed, NOW)
    assert moment.proven


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (token(matches=False), "SIG_TIMESTAMP_WRONG"),
        (token(trusted=False), "SIG_TIMESTAMP_UNTRUSTED"),
        (token(NOW + timedelta(minutes=6)), "SIG_TIME_FUTURE"),
        (None, "SIG_TIME_SELF_REPORTED"),
    ],
)
def test_nothing_proven(given: TokenStatus | None, code: str) -> None:
    moment = signing_moment(given, NOW, REQUEST)
    assert moment.answer.code == code
    assert not moment.proven
    assert moment.time == NOW


def test_no_time_at_all() -> None:
    assert signing_moment(None, None, REQUEST).answer.code == "SIG_TIME_NONE"


def test_shown_in_vietnamese_time() -> None:
    assert vietnamese_time(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)) == "22/11/2026 00:00:00 +07:00"


def test_reference_time_is_the_receipt_and_never_the_future() -> None:
    asked = {"path": "x", "policy": "ND30", "now": NOW, "trust_folder": "/x"}
    early = NOW - timedelta(days=1)
    assert VerificationRequest(**asked, received_at=early).reference_time == early
    assert VerificationRequest(**asked, received_at=NOW + timedelta(days=1)).reference_time == NOW


def test_request_survives_json() -> None:
    entry = RegisteredCertificate(
        sha256="ab", agency_code="H50.11", role=SignerRole.LEADER, valid_from=NOW, valid_to=None
    )
    request = VerificationRequest(
        path="x.pdf",
        policy="ND30",
        now=NOW,
        trust_folder="/x",
        received_at=NOW,
        document_date=NOW.date(),
        sender_code="H50.11",
        sender_name="Sở",
        registry=(entry,),
        timestamp=TimestampRule.REQUIRED,
    )
    assert request_from_json(request_to_json(request)) == request
    assert request_from_json(request_to_json(REQUEST)) == REQUEST


def test_names_are_compared_without_diacritics() -> None:
    assert fold("  SỞ  Tài chính TỈNH Đắk Nông ") == fold("So Tai Chinh tinh Dak Nong")
    assert fold("Sở Y tế") != fold("Sở Tài chính")


@pytest.mark.parametrize("name", ["Trương Văn An", "Bàn Thị Mai", "Nguyễn Văn Sở", "Phong Văn Bình"])
def test_persons(name: str) -> None:
    assert not names_a_body(name)


@pytest.mark.parametrize("name", ["Sở Tài chính", "UBND xã Hòa Bình", "Trường THPT Chu Văn An", "BAN QUẢN LÝ DỰ ÁN"])
def test_bodies(name: str) -> None:
    assert names_a_body(name)
