"""A node that is killed with -9 between the steps of signing, and goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from lienthong.gateway import bootstrap
from lienthong.tests.crash.processes import Program
from lienthong.tests.journeys.papers import SENDER
from lienthong.tests.journeys.province import agency_of, free_port, settle_in, write_settings
from lienthong.tests.journeys.signing_stage import Office, SigningAgency
from lienthong.tests.journeys.test_signing import fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    program: Program
    http: aiohttp.ClientSession
    agency: SigningAgency

    async def fall_and_rise(self) -> None:
        await self.program.kill()
        await self.program.start()
        await self.program.serving(self.http)


@pytest_asyncio.fixture
async def victim(addresses: tuple[str, str], tmp_path: Path, office: Office) -> AsyncIterator[Victim]:
    port = free_port()
    settings = write_settings(
        tmp_path, dsn=addresses[1], port=port, trust=office.papers.trust, signing=office.settings()
    )
    base = f"http://127.0.0.1:{port}"
    program = Program(
        arguments=("--config", str(tmp_path / "node.toml"), "serve"), log=tmp_path / "log", ready=f"{base}/readyz"
    )
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http, bootstrap.open_node(settings, None) as node:
        ids = await settle_in(node, office.papers)
        eoffice = await agency_of(node, http, base, ids, SENDER)
        await program.start()
        try:
            await program.serving(http)
            yield Victim(program=program, http=http, agency=SigningAgency(eoffice=eoffice, office=office, node=node))
        finally:
            await program.stop()


@pytest.mark.timeout(120)
async def test_steps_before_a_kill_stand_and_what_was_cut_off_is_done_again(victim: Victim) -> None:
    agency, office = victim.agency, victim.agency.office
    case, twin = await agency.case("one"), await agency.case("two", flow="NUMBER_FIRST")
    session = await agency.session("leader", case)
    status, answer = await agency.try_sign(session, case)
    assert answer["items"][0]["state"] == "number", answer

    # 1. killed while two numbers are asked for: the signature stands, the session went with the process and its PIN
    asked = [asyncio.create_task(agency.number(one)) for one in (case, twin)]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    await victim.fall_and_rise()
    for task in asked:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await task
    assert (await agency.show(case))["state"] in {"number", "agency"}
    _, shown = await agency.call("GET", f"/v1/signing/sessions/{session['id']}")
    assert shown["closing"] == "restart"
    assert (await agency.try_sign(session, case))[1]["code"] == "SIGNING_SESSION_CLOSED"

    # 2. afterwards each has one number, 1 and 2 in all
    numbers = {}
    for one in (case, twin):
        status, answer = await agency.number(one)
        assert status == 200, answer
        numbers[one] = answer["number"]
        assert fields(await agency.file(one))["so_van_ban"] == answer["number"]
    assert sorted(numbers.values()) == ["01", "02"]
    (last,) = await agency.rows("SELECT last FROM register_counter")
    assert last["last"] == 2

    # 3. killed between the two calls of a ticket: the signature of before fits the document of after
    seal = office.seal_elsewhere
    issued = await agency.ticket(case, seal.sha256)
    place = f"/v1/signing/tickets/{issued['ticket']}/files/0"
    der = seal.certificate.public_bytes(serialization.Encoding.DER)
    status, begun = await agency.post(f"{place}/start", {"certificate": b64encode(der).decode()})
    assert status == 200, begun
    await victim.fall_and_rise()
    attributes = b64decode(begun["signed_attributes"])
    signature = seal.key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
    wrong = bytes([signature[0] ^ 1]) + signature[1:]
    status, answer = await agency.post(f"{place}/finish", {"signature": b64encode(wrong).decode()})
    assert answer["code"] == "SIG_EXTERNAL_SIGNATURE_WRONG"
    status, answer = await agency.post(f"{place}/finish", {"signature": b64encode(signature).decode()})
    assert (status, answer["state"]) == (200, "signed"), answer
    status, answer = await agency.release(case)
    assert (status, answer["state"]) == (200, "released"), answer
