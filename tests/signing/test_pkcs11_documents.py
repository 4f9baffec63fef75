"""Documents signed by keys that never leave their token: leader, number, agency, each in the token's own process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lienthong.deploy.demo.time_authority import time_authority
from lienthong.signing.errors import SigningError
from lienthong.signing.report import Overall, SignerRole
from lienthong.signing.request import RegisteredCertificate
from lienthong.signing.sign_job import SignJob, SignResult, SignStep
from lienthong.signing.token_desk import OpenToken, TokenDesk, TokenDeskSettings

from .desk import SENDER
from .office import Office
from .softhsm import SoftToken


@pytest.fixture
def registry(leader: SoftToken, agency: SoftToken) -> tuple[RegisteredCertificate, ...]:
    leaders = [leader.sha256(label) for label in leader.certificates]
    rows = [(sha256, SignerRole.LEADER) for sha256 in leaders] + [(agency.sha256("dau"), SignerRole.AGENCY)]
    return tuple(RegisteredCertificate(sha256=sha256, agency_code=SENDER, role=role) for sha256, role in rows)


async def sign(desk: TokenDesk, held: OpenToken, office: Office, step: SignStep, **changes: Any) -> SignResult:
    values = {**office.settings, "step": step, "source": str(office.paper), "target": office.target, **changes}
    result = await desk.sign(held.handle, SignJob(**values))
    office.paper = Path(values["target"])
    return result


@pytest.mark.parametrize(("label", "pss"), [("ky", False), ("cu", True), ("p256", False)])
async def test_leader_and_agency_sign_on_their_tokens(
    tokens: TokenDeskSettings,
    office: Office,
    leader: SoftToken,
    agency: SoftToken,
    registry: tuple[RegisteredCertificate, ...],
    label: str,
    pss: bool,
) -> None:
    office.prepare()
    with time_authority(office.timestamper) as url:
        async with TokenDesk(settings=tokens) as desk:
            chief = await desk.open(leader.address, leader.pin, certificate_sha256=leader.sha256(label))
            clerk = await desk.open(agency.address, agency.pin, certificate_sha256=agency.sha256("dau"))
            await sign(desk, chief, office, SignStep.LEADER, tsa_url=url, registry=registry, prefer_pss=pss)
            office.fill(number="15/TEST", date="ngày 02 tháng 3 năm 2026")
            result = await sign(desk, clerk, office, SignStep.AGENCY, tsa_url=url, registry=registry)
    assert (result.overall, result.warnings) == (Overall.VALID.value, ())
    report = await asyncio.to_thread(office.desk.check, office.paper, registry=registry)
    assert report.overall is Overall.VALID, report.reason
    assert [s.certificate_sha256 for s in report.signatures] == [leader.sha256(label), agency.sha256("dau")]


async def test_a_document_that_cannot_be_signed_leaves_the_session_open(
    tokens: TokenDeskSettings, office: Office, agency: SoftToken, registry: tuple[RegisteredCertificate, ...]
) -> None:
    async with TokenDesk(settings=tokens) as desk:
        held = await desk.open(agency.address, agency.pin, label="dau")
        with pytest.raises(SigningError) as refused:
            await sign(desk, held, office, SignStep.AGENCY, registry=registry)  # nobody signed before, nothing prepared
        assert refused.value.code == "SIG_AGENCY_BEFORE_LEADER"
        assert await desk.sign_bytes(held.handle, b"x")
