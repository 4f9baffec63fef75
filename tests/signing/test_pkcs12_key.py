"""Keys in files: opened only where trial is allowed, and loud about it wherever they sign."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from lienthong.signing.errors import SigningError
from lienthong.signing.pkcs11_means import Scheme, check_signature
from lienthong.signing.sign_job import Level, SignJob, SignStep
from lienthong.signing.token_desk import TokenDesk, TokenDeskSettings
from lienthong.signing.tokens import TokenAddress

from .office import Office

PASSWORD = "TEST-mat-khau"


@pytest.fixture
def place(office: Office) -> TokenAddress:
    issued = office.desk.leader
    content = pkcs12.serialize_key_and_certificates(
        b"TEST", issued.key, issued.certificate, issued.chain, BestAvailableEncryption(PASSWORD.encode())
    )
    path = office.folder / "thu.p12"
    path.write_bytes(content)
    return TokenAddress(module=f"pkcs12:{path}", serial="TEST")


@pytest.fixture
def trial(place: TokenAddress) -> TokenDeskSettings:
    return TokenDeskSettings(modules=(place.module,), trial_keys=True, seconds=20.0)


async def test_a_key_in_a_file_is_refused_unless_trial_is_allowed(
    trial: TokenDeskSettings, place: TokenAddress
) -> None:
    async with TokenDesk(settings=replace(trial, trial_keys=False)) as desk:
        with pytest.raises(SigningError) as refused:
            await desk.open(place, PASSWORD)
    assert refused.value.code == "SIG_KEY_TRIAL_ONLY"


async def test_everything_it_signs_says_trial(trial: TokenDeskSettings, place: TokenAddress, office: Office) -> None:
    office.prepare()
    async with TokenDesk(settings=trial) as desk:
        (seen,) = await desk.tokens()
        held = await desk.open(seen.address, PASSWORD, certificate_sha256=office.desk.leader.sha256)
        signature = await desk.sign_bytes(held.handle, b"van ban")
        job = SignJob(
            **{**office.settings, "step": SignStep.LEADER, "source": str(office.paper), "target": office.target},
            level=Level.B_B,
        )
        result = await desk.sign(held.handle, job)
    check_signature(x509.Certificate.load(held.certificate), signature, b"van ban", Scheme(digest="sha256"))
    assert (seen.model, seen.serial, held.warnings) == ("PKCS#12", "TEST", ("SIG_KEY_TRIAL_ONLY",))
    assert "SIG_KEY_TRIAL_ONLY" in [warning.code for warning in result.warnings]


@pytest.mark.parametrize(
    ("content", "password", "code"),
    [
        (None, "sai", "SIG_PIN_WRONG"),
        (b"", PASSWORD, "SIG_KEY_UNREADABLE"),
        (b"x" * 99, PASSWORD, "SIG_KEY_UNREADABLE"),
    ],
)
async def test_what_cannot_be_opened_is_said(
    trial: TokenDeskSettings, place: TokenAddress, content: bytes | None, password: str, code: str
) -> None:
    if content is not None:
        Path(place.module.removeprefix("pkcs12:")).write_bytes(content)  # noqa: ASYNC240
    async with TokenDesk(settings=trial) as desk:
        with pytest.raises(SigningError) as refused:
            await desk.open(place, password)
    assert refused.value.code == code
