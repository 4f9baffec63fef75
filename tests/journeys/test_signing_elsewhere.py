"""Journeys of a document whose holders sign on computers of their own: our client by ticket, the VGCA tool."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner

from lienthong.deploy.demo.pki_parts import Issued
from lienthong.tests.journeys.province import LONG
from lienthong.tests.journeys.signing_stage import SigningAgency
from lienthong.tests.signing.softhsm import MODULE


async def run_client(agency: SigningAgency, ticket: str, pin: str, *more: str) -> tuple[int, str]:
    """``lienthong sign`` at a terminal of its own; exit status and all it said."""
    screen, keyboard = pty.openpty()
    command = (sys.executable, "-m", "lienthong", "sign", "--node", agency.eoffice.base, "--ticket", ticket)
    process = await asyncio.create_subprocess_exec(
        *(*command, "--token", MODULE, *more),
        stdin=keyboard,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **agency.office.drawer.environment, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    os.close(keyboard)
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(LONG):
            while piece := await process.stdout.read(4096):
                said += piece
                if "Mã PIN (không hiện khi gõ)".encode() in piece:
                    os.write(screen, f"{pin}\n".encode())
            return await process.wait(), said.decode()
    finally:
        os.close(screen)


async def test_a_leader_and_a_clerk_sign_at_home_by_ticket(agency: SigningAgency, tmp_path: Path) -> None:
    leader, seal = agency.office.leader, agency.office.agency
    case = await agency.case("home", agency.office.letter(), agency.office.annex())
    issued = await agency.ticket(case, leader.sha256("ky"))

    # the wrong holder's certificate cannot use it, and a stranger does not guess it
    path = f"/v1/signing/tickets/{issued['ticket']}/files/0"
    status, answer = await agency.post(f"{path}/start", {"certificate": b64(seal.der("dau"))})
    assert (status, answer["code"]) == (403, "SIGNING_TICKET_CERTIFICATE")
    status, answer = await agency.post(f"{path}/finish", {"signature": b64(bytes(256))})
    assert answer["code"] == "SIGNING_TICKET_FILE"
    status, answer = await agency.call("GET", f"/v1/signing/tickets/ve_{'0' * 48}")
    assert (status, answer["code"]) == (404, "SIGNING_TICKET")

    status, said = await run_client(agency, issued["ticket"], leader.pin, "--save", str(tmp_path / "read"))
    assert status == 0, said
    assert "PHÓ" not in said  # what is signed is told by subject and file, not by guesswork
    assert leader.pin not in said
    assert (tmp_path / "read" / "0.pdf").read_bytes().startswith(b"%PDF")
    status, said = await run_client(agency, issued["ticket"], leader.pin)
    assert (status, "SIGNING_TICKET_USED" in said) == (3, True), said

    assert (await agency.number(case))[0] == 200
    issued = await agency.ticket(case, seal.sha256("dau"))
    status, said = await run_client(agency, issued["ticket"], "00000000")
    assert (status, "SIG_PIN_WRONG" in said) == (3, True), said
    status, said = await run_client(agency, issued["ticket"], seal.pin)
    assert status == 0, said
    status, answer = await agency.release(case)
    assert (status, answer["state"]) == (200, "released"), answer
    assert [file["overall"] for file in answer["files"]] == ["VALID", "VALID"]
    assert {one["attended_by"] for one in answer["signatures"]} == {"ticket"}


def b64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


async def tool_signs(content: bytes, issued: Issued, stamper: Any, *, field: str, first: bool) -> bytes:
    """As the tool of signatures.md 10 does: append mode, a new visible field, CMS in adbe.pkcs7.detached."""
    metadata = PdfSignatureMetadata(
        field_name=field,
        certify=first,
        docmdp_permissions=MDPPerm.FILL_FORMS,
        subfilter=SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        md_algorithm="sha256",
    )
    signer = PdfSigner(
        metadata,
        signer=issued.software_key().signer(),
        timestamper=stamper,
        new_field_spec=SigFieldSpec(field, on_page=-1, box=(300, 150, 420, 210)),
    )
    output = io.BytesIO()
    await signer.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(content)), output=output)
    return output.getvalue()


async def upload(agency: SigningAgency, address: str, content: bytes) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("uploadfile", content, filename="signed.pdf", content_type="application/pdf")
    async with agency.eoffice.http.post(address, data=form) as response:
        assert response.status == 200
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


async def fetch(agency: SigningAgency, address: str) -> bytes:
    async with agency.eoffice.http.get(address) as response:
        assert response.status == 200
        return await response.read()


async def test_the_vgca_tool_downloads_signs_and_uploads(agency: SigningAgency) -> None:
    office = agency.office
    stamper = office.pki.timestamper()
    case = await agency.case("vgca", office.letter(), office.annex(), subfilter="adbe.pkcs7.detached", level="B-T")
    issued = await agency.ticket(case, office.elsewhere.sha256, "vgca")
    (place,) = issued["files"]
    asked = json.loads(await fetch(agency, place["url"]))
    assert asked["function"] == "vgca_sign_approved"
    request = asked["request"]
    unsigned = await fetch(agency, request["FileName"])

    # nothing signed, somebody else's signature, a page added: Status is false, nothing is kept
    stranger = office.seal_elsewhere  # the agency in the place of the leader
    wrong = await tool_signs(unsigned, stranger, stamper, field="Signature1", first=True)
    for content in (unsigned, wrong, b"%PDF-1.7 nothing"):
        answer = await upload(agency, request["FileUploadHandler"], content)
        assert answer["Status"] is False, answer
        assert answer["Message"]
    signed = await tool_signs(unsigned, office.elsewhere, stamper, field="Signature1", first=True)
    answer = await upload(agency, request["FileUploadHandler"], signed)
    assert answer["Status"] is True, answer
    assert (await upload(agency, request["FileUploadHandler"], signed))["Status"] is False  # once

    status, answer = await agency.number(case)
    assert status == 200, str(answer)
    issued = await agency.ticket(case, office.seal_elsewhere.sha256, "vgca")
    asks = [json.loads(await fetch(agency, place["url"])) for place in issued["files"]]
    assert [ask["function"] for ask in asks] == ["vgca_sign_issued", "vgca_sign_appendix"]
    assert {ask["request"]["DocNumber"] for ask in asks} == {"01/SKHCN-CĐS"}
    assert asks[0]["request"]["IssuedDate"].endswith("T00:00:00+07:00")
    main, annex = [ask["request"] for ask in asks]
    sealed = await tool_signs(
        await fetch(agency, main["FileName"]), office.seal_elsewhere, stamper, field="Signature2", first=False
    )
    assert (await upload(agency, main["FileUploadHandler"], sealed))["Status"] is True
    # L-14: no release while a separate file has no agency signature
    status, answer = await agency.release(case)
    assert (status, answer["code"]) == (409, "SIGNING_ANNEX_UNSIGNED")
    sealed = await tool_signs(
        await fetch(agency, annex["FileName"]), office.seal_elsewhere, stamper, field="Signature1", first=True
    )
    assert (await upload(agency, annex["FileUploadHandler"], sealed))["Status"] is True
    status, answer = await agency.release(case)
    assert (status, answer["state"]) == (200, "released"), answer


@pytest.mark.parametrize("more", [["--help"], ["--node", "http://nut.example", "--ticket", "ve_0", "--token", "x"]])
async def test_the_signers_computer_needs_no_server_library(more: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['lienthong', 'sign', *sys.argv[1:]]\n"
        "from lienthong.gateway.cli.entry import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print('ended', end.code)\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'asyncpg', 'aiohttp', 'alembic', 'pyhanko', 'lxml'}))"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *more), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert said.decode().rstrip().endswith("[]"), said.decode()
    assert ("ended 3" in said.decode()) == (more != ["--help"])
