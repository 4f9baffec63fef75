"""Prepare, sign, number, sign: the jobs that tokens and cases run (signatures.md 2)."""

from __future__ import annotations

import pytest

from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    Flow,
    Level,
    SignStep,
    Subfilter,
)

from .desk import registered
from .office import Office, refused


@pytest.mark.parametrize("subfilter", list(Subfilter))
def test_leader_number_agency(office: Office, subfilter: Subfilter) -> None:
    prepared = office.prepare()
    assert {f.name for f in prepared.fields} == {NUMBER_FIELD, DATE_FIELD, LEADER_FIELD, AGENCY_FIELD}
    office.leader(subfilter=subfilter)
    assert office.fill(number="12", date="Mẫu, ngày 21 tháng 11 năm 2026").filled == (NUMBER_FIELD, DATE_FIELD)
    result = office.agency(subfilter=subfilter)
    assert result.overall == Overall.VALID.value
    report = office.desk.check(office.paper)
    assert report.overall is Overall.VALID, report.reason
    assert {s.subfilter for s in report.signatures} == {subfilter.value}
    assert report.sha256 == result.sha256


def test_number_first(office: Office) -> None:
    office.prepare(flow=Flow.NUMBER_FIRST)
    office.fill(number="12")
    office.leader(flow=Flow.NUMBER_FIRST)
    refused("SIG_NUMBER_LOCKED", office.fill, number="13")
    assert office.agency(flow=Flow.NUMBER_FIRST).overall == Overall.VALID.value


def test_never_number_after_the_agency(office: Office) -> None:
    office.prepare()
    office.leader()
    office.fill(number="12")
    office.agency()
    refused("SIG_NUMBER_AFTER_AGENCY", office.fill, number="13")


def test_agency_waits_for_the_leader(office: Office) -> None:  # L-13
    office.prepare()
    refused("SIG_AGENCY_BEFORE_LEADER", office.agency)


@pytest.mark.parametrize("level", list(Level))
def test_levels(office: Office, level: Level) -> None:
    office.prepare()
    office.leader(level=level)
    assert office.agency(level=level).overall == Overall.VALID.value


def test_initials_come_first(office: Office) -> None:
    office.prepare(initials=2)
    office.settings["registry"] = (*office.desk.registry, registered(office.drafter, SignerRole.INITIALS))
    for field in ("Sig_nhay_1", "Sig_nhay_2"):
        assert office.sign(SignStep.INITIALS, office.drafter).field == field
    office.leader()
    refused("SIG_INITIALS_AFTER_LEADER", office.sign, SignStep.INITIALS, office.drafter)
    assert office.agency().overall == Overall.VALID.value
