"""Journeys of signed envelopes: ours signed with a service key on a token, a peer's judged before anything happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest_asyncio

from lienthong.edxml.envelope_signature import SignatureState
from lienthong.edxml.model import Package
from lienthong.edxml.reader import read_package
from lienthong.signing.envelope_keys import value_holds
from lienthong.tests.edxml.sealing import certificate, certificate_over, private_key, signed
from lienthong.tests.journeys.outsiders import bring, bring_bytes, letter, status
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.journeys.test_inward import documents, holds
from lienthong.tests.signing.softhsm import SoftToken, open_drawer
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"


def service_token(folder: Path) -> tuple[SoftToken, dict[str, str]]:
    drawer = open_drawer(folder)
    serial = drawer.new_token("dichvu", "TEST1234")
    (public,) = drawer.new_keys("dichvu", "TEST1234", {"ky": "2048"})
    (folder / "service.der").write_bytes(certificate_over(public, private_key("rsa")))
    return SoftToken(label="dichvu", pin="TEST1234", serial=serial, certificates={}), drawer.environment


def settings(folder: Path) -> str:
    token, environment = service_token(folder / "hsm")
    (folder / "pin").write_text(token.pin)
    return f"""sign_envelopes = true
[service_key]
module = "{token.module}"
serial = "{token.serial}"
pin_file = "{folder / "pin"}"
certificate_file = "{folder / "hsm" / "service.der"}"
environment = {{ SOFTHSM2_CONF = "{environment["SOFTHSM2_CONF"]}" }}
[[envelope_peers]]
agency = "{OUTSIDE}"
certificates = ["{sha256(certificate("rsa")).hexdigest()}"]
required = true
"""


@pytest_asyncio.fixture
async def sealed(addresses: tuple[str, str], tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    async with open_province(tmp_path, addresses[1], papers, settings(tmp_path)) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


async def test_what_goes_to_the_axis_is_signed_and_stays_so_behind_its_trace(sealed: Province, tmp_path: Path) -> None:
    paper = await sealed.papers.signed("591")
    accepted, answer = await sealed.sender.post(sealed.letter("591", SILENT), paper, key="sealed")
    assert accepted == 202, answer
    packages = sealed.emulator.controls.ledger.state.packages
    await until(lambda: bool(packages), LONG)
    delivered = await sealed.emulator.controls.ledger.delivered(next(iter(packages)))
    reading = read_package(delivered, tmp_path, valid=value_holds)
    assert reading.signature is not None
    assert (reading.signature.state, reading.signature.added_traces) == (SignatureState.RELAYED, 1)
    assert reading.signature.certificate == (tmp_path / "hsm" / "service.der").read_bytes()


async def test_a_peers_signed_letter_is_delivered_with_the_word_about_its_envelope(
    sealed: Province, tmp_path: Path
) -> None:
    paper = await sealed.papers.signed("592", by=OUTSIDE)
    await bring_bytes(sealed, signed(letter(sealed, "592", paper, to=(SENDER,)), folder=tmp_path))
    (item,) = await until(lambda: documents(sealed), LONG)
    assert item["label"] == "Hợp lệ"
    (incoming,) = await sealed.rows("SELECT findings::text FROM incoming_package")
    assert "EDXML_SIGNATURE_RELAYED" in incoming["findings"]


async def test_letters_that_are_not_the_peers_are_held(sealed: Province, tmp_path: Path) -> None:
    wanted = {
        "unsigned": "EDXML_SIGNATURE_MISSING",
        "other key": "EDXML_SIGNATURE_OTHER_KEY",
        "altered": "EDXML_SIGNATURE_BROKEN",
    }
    for number, trick in enumerate(wanted, start=593):
        paper = await sealed.papers.signed(str(number), by=OUTSIDE)
        await _bring(sealed, letter(sealed, str(number), paper, to=(SENDER,)), tmp_path, trick)

    async def held() -> bool:
        return {hold["code"] for hold in await holds(sealed)} == set(wanted.values())

    await until(held, LONG)
    assert await documents(sealed) == []


async def test_a_status_that_is_not_the_peers_changes_nothing(sealed: Province, tmp_path: Path) -> None:
    paper = await sealed.papers.signed("594")
    _, accepted = await sealed.sender.post(sealed.letter("594", OUTSIDE), paper, key="94")

    async def sent() -> bool:
        return await sealed.sender.states(accepted["id"]) == {OUTSIDE: "sent"}

    await until(sent, LONG)
    refusal = status(sealed, "02", sender=OUTSIDE, of=SENDER, number="594")
    await _bring(sealed, refusal, tmp_path, "other key")

    async def held() -> bool:  # the agency's own 01, which its robot does not sign, is held as well
        return "EDXML_SIGNATURE_OTHER_KEY" in {hold["code"] for hold in await holds(sealed)}

    await until(held, LONG)
    assert await sent()

    await bring_bytes(sealed, signed(refusal))

    async def refused() -> bool:
        return await sealed.sender.states(accepted["id"]) == {OUTSIDE: "refused"}

    await until(refused, LONG)


async def _bring(province: Province, package: Package, folder: Path, trick: str) -> None:
    if trick == "unsigned":
        await bring(province, package, folder)
        return
    content = signed(package, "p256" if trick == "other key" else "rsa", folder=folder)
    if trick == "altered":
        changed = content.replace(b"<edXML:Priority>0<", b"<edXML:Priority>3<")
        assert changed != content
        content = changed
    await bring_bytes(province, content)
