"""Prepare, sign, number, sign: the jobs that tokens and cases run (signatures.md 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.signing.errors import SigningError
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.sign_job import (
    AGENCY_FIELD,
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    FillJob,
    Flow,
    Level,
    PrepareJob,
    SignJob,
    SignResult,
    SignStep,
    Subfilter,
)
from lienthong.signing.sign_jobs import fill_job, prepare_job, run_sign_job

from .desk import SENDER, SENDER_NAME, Desk, registered


@dataclass(kw_only=True)
class Office:
    """One document on its way through the hands of an agency."""

    desk: Desk
    folder: Path
    paper: Path
    settings: dict[str, Any]

    @cached_property
    def drafter(self) -> Issued:
        holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Trần Văn Soạn")
        return self.desk.pki.issue(holder)

    def prepare(self, **changes: Any) -> Any:
        return self._next(lambda target: prepare_job(PrepareJob(source=str(self.paper), target=target, **changes)))

    def fill(self, **values: Any) -> Any:
        return self._next(lambda target: fill_job(FillJob(source=str(self.paper), target=target, **values)))

    def sign(self, step: SignStep, by: Issued, **changes: Any) -> SignResult:
        def run(target: str) -> SignResult:
            job = SignJob(**{**self.settings, "step": step, "source": str(self.paper), "target": target, **changes})
            return run_sign_job(job, by.software_key(), timestamper=self.desk.pki.timestamper())

        result: SignResult = self._next(run)
        return result

    def leader(self, **changes: Any) -> SignResult:
        picture = self.folder / "leader.png"
        picture.write_bytes(self.desk.images.leader)
        return self.sign(SignStep.LEADER, self.desk.leader, **{"picture": str(picture), **changes})

    def agency(self, **changes: Any) -> SignResult:
        picture = self.folder / "seal.png"
        picture.write_bytes(self.desk.images.seal)
        return self.sign(SignStep.AGENCY, self.desk.agency, **{"picture": str(picture), **changes})

    def _next(self, work: Any) -> Any:
        target = self.folder / f"{len(list(self.folder.glob('*.pdf')))}.pdf"
        result = work(str(target))
        self.paper = target
        return result


@pytest.fixture
def office(desk: Desk, tmp_path: Path) -> Iterator[Office]:
    paper = tmp_path / "draft.pdf"
    paper.write_bytes(desk.blank)
    settings = {
        "now": desk.now,
        "trust_folder": str(desk.folder),
        "trust_store": STORE,
        "sender_code": SENDER,
        "sender_name": SENDER_NAME,
        "registry": desk.registry,
    }
    yield Office(desk=desk, folder=tmp_path, paper=paper, settings=settings)
    assert not list(tmp_path.glob("*.part"))


def refused(code: str, work: Any, *args: Any, **changes: Any) -> None:
    with pytest.raises(SigningError) as caught:
        work(*args, **changes)
    assert caught.value.code == code, caught.value.message


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
