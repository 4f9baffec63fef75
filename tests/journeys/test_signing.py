"""Journeys of a document that is signed on the node: holders with their tokens, the number, the release."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
from openapi_core.testing import MockRequest, MockResponse

from lienthong.gateway.desk.tools import desk_of
from lienthong.signing.token_desk import TokenDesk
from lienthong.tests.gateway.test_api_contract import OPENAPI
from lienthong.tests.journeys.papers import SENDER
from lienthong.tests.journeys.province import LONG
from lienthong.tests.journeys.signing_stage import SigningAgency
from lienthong.tests.waiting import until

SILENT = "000.00.00.G99"


def fields(content: bytes) -> dict[str, str]:
    """The text fields of a PDF."""
    with pikepdf.open(io.BytesIO(content)) as document:
        return {str(f["/T"]): str(f.get("/V", "")) for f in document.Root.AcroForm.Fields if f.get("/FT") == "/Tx"}


async def test_a_batch_is_signed_numbered_sealed_and_sent(agency: SigningAgency) -> None:
    cases = [await agency.case(f"batch-{number}") for number in range(3)]
    signed = await agency.sign("leader", *cases)
    assert [one["state"] for one in signed] == ["number"] * 3, str(signed)
    for case in cases:
        status, answer = await agency.number(case)
        assert (status, answer["state"]) == (200, "agency"), answer
    assert [one["state"] for one in await agency.sign("clerk", *cases)] == ["signed"] * 3
    for case in cases:
        status, answer = await agency.release(case, SILENT)
        assert (status, answer["state"]) == (200, "released"), answer

    async def registered() -> list[dict[str, Any]]:
        rows = await agency.rows("SELECT document_number, allotted FROM register_entry ORDER BY number")
        return rows if len(rows) == 3 else []

    rows = await until(registered, LONG)
    assert [row["document_number"] for row in rows] == [f"{number:02d}/SKHCN-CĐS" for number in (1, 2, 3)]
    for number, case in enumerate(cases, start=1):
        shown = await agency.show(case)
        assert fields(await agency.file(case))["so_van_ban"] == shown["number"] == f"{number:02d}"
        _, document = await agency.call("GET", f"/v1/documents/{shown['document']}")
        assert document["files"][0]["overall"] == "VALID", document["files"]
        assert document["document_id"].endswith(f",{number:02d}/SKHCN-CĐS")


async def test_who_may_sign_what_and_when(agency: SigningAgency) -> None:
    case, other = await agency.case("mine"), await agency.case("other")

    async def refused(code: str, answer: tuple[int, Any]) -> None:
        assert answer[1].get("code") == code, answer

    # NA-9.2: no number without the leader's signature; L-13: the agency never before the leader
    await refused("SIGNING_NUMBER_TOO_EARLY", await agency.number(case))
    (early,) = await agency.sign("clerk", case)
    assert early["code"] == "SIGNING_LEADER_FIRST"
    await refused("SIGNING_NOT_NOW", await agency.release(case))
    # a wrong PIN is the token's to refuse, and is tried once
    await refused("SIG_PIN_WRONG", await agency.try_session("leader", case, pin="00000000"))
    await refused("SIGNING_CERTIFICATE", await agency.try_session("clerk", case, certificate="0" * 64))
    await refused("SIGNING_MODULE", await agency.try_session("leader", case, token={"module": "/x.so", "serial": "1"}))
    await refused("SIGNING_SESSION_TOO_LONG", await agency.try_session("leader", case, minutes=61))
    # L-15: nobody signs without what the holder got for the PIN, nor what was not listed
    session = await agency.session("leader", case)
    for secret in ("", "0" * 48):
        await refused("SIGNING_UNATTENDED", await agency.try_sign(session, case, secret=secret))
    status, answer = await agency.try_sign(session, other)
    assert (status, answer["items"][0]["code"]) == (200, "SIGNING_NOT_LISTED")
    await agency.post(f"/v1/signing/sessions/{session['id']}/close", None)
    await refused("SIGNING_SESSION_CLOSED", await agency.try_sign(session, case))
    # C22: authority is handed over, never a key
    delegate = {"full_name": "Hoàng Văn Khác", "position": "PHÓ GIÁM ĐỐC"}
    foreign = await agency.case("foreign", signer=delegate)
    (answer,) = await agency.sign("leader", foreign)
    assert answer["code"] == "SIGNING_NOT_THE_SIGNER"
    await refused("SIGNING_REQUEST_INVALID", await agency.try_case("tuq", signer={**delegate, "capacity": "TUQ."}))
    # a short session ends by itself
    short = await agency.session("leader", case, minutes=0.01)

    async def over() -> bool:
        _, shown = await agency.call("GET", f"/v1/signing/sessions/{short['id']}")
        return shown["closing"] == "expired"

    await until(over, LONG)
    await refused("SIGNING_SESSION_EXPIRED", await agency.try_sign(short, case))
    assert (await agency.show(case))["state"] == "leader"
    told = await agency.rows("SELECT actor, reason, detail::text FROM event")
    assert agency.office.leader.pin not in str(told)


async def test_a_token_whose_process_dies_ends_its_session(agency: SigningAgency) -> None:
    case = await agency.case("lost")
    session = await agency.session("leader", case)
    (process,) = agency.node.desk.tokens._processes.values()
    os.kill(process.pid, signal.SIGKILL)
    status, answer = await agency.try_sign(session, case)
    assert (status, answer["items"][0]["code"]) == (200, "SIG_TOKEN_PROCESS_DIED"), answer
    _, shown = await agency.call("GET", f"/v1/signing/sessions/{session['id']}")
    assert shown["closing"] == "token"
    assert (await agency.try_sign(session, case))[1]["code"] == "SIGNING_SESSION_CLOSED"
    assert [one["state"] for one in await agency.sign("leader", case)] == ["number"]  # with the PIN it goes on


def shown_words(pdf: bytes) -> str:
    """What stands on the pages, signatures included, as poppler reads it."""
    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True, timeout=30)
    return " ".join(done.stdout.decode().split())


async def test_number_first_with_initials_and_paper_that_was_scanned(agency: SigningAgency) -> None:
    first = await agency.case("first", flow="NUMBER_FIRST", initials=1)
    assert (await agency.number(first))[1]["code"] == "SIGNING_NUMBER_TOO_EARLY"
    assert [one["state"] for one in await agency.sign("initials", first)] == ["number"]
    status, answer = await agency.number(first)
    assert (status, answer["state"], answer["number"]) == (200, "leader", "01"), answer
    assert [one["state"] for one in await agency.sign("leader", first)] == ["agency"]
    assert [one["state"] for one in await agency.sign("clerk", first)] == ["signed"]
    assert (await agency.release(first))[1]["state"] == "released"
    shown = await agency.show(first)
    assert [one["step"] for one in shown["signatures"]] == ["initials", "leader", "agency"]
    assert [one["before_sha256"] for one in shown["signatures"]][1:] != []

    ask = {"year": agency.office.papers.today.year, "notation": "SKHCN-CĐS"}
    _, held = await agency.post("/v1/numbers", ask)
    paper = {"flow": "PAPER_SCAN", "reservation": held["reservation"], "document_date": str(agency.office.papers.today)}
    status, answer = await agency.try_case("typed", **paper)
    assert (status, answer["faults"][0]["code"]) == (422, "SIG_SCAN_NO_IMAGE"), answer
    status, answer = await agency.try_case("copy", flow="NUMBER_FIRST", copy_form="TRÍCH SAO")
    assert (status, answer["faults"][0]["place"]) == (422, "/copy_form"), answer
    scan = await agency.case("scan", agency.office.scan(), copy_form="SAO LỤC", **paper)
    (signed,) = await agency.sign("clerk", scan)
    assert signed["state"] == "signed", signed
    assert "SAO LỤC; Sở Khoa học và Công nghệ" in shown_words(await agency.file(scan))
    status, answer = await agency.release(scan, SILENT)
    assert (status, answer["number"]) == (200, "02"), answer

    async def sent() -> bool:
        _, document = await agency.call("GET", f"/v1/documents/{answer['document']}")
        return bool(document["state"] in {"packaged", "sent"})

    await until(sent, LONG)


async def test_numbers_asked_for_at_once_leave_no_gap_and_no_double(agency: SigningAgency) -> None:
    cases = [await agency.case(f"race-{number}", flow="NUMBER_FIRST") for number in range(6)]
    year = agency.office.papers.today.year
    reserved, numbered = [], []
    async with asyncio.TaskGroup() as group:
        for case in cases:
            numbered.append(group.create_task(agency.number(case)))
            numbered.append(group.create_task(agency.number(case)))  # asked twice: the same number
            reserved.append(group.create_task(agency.post("/v1/numbers", {"year": year, "notation": "SKHCN-CĐS"})))
    given = {task.result()[1]["id"]: task.result()[1]["number"] for task in numbered}
    taken = [task.result()[1]["number"] for task in reserved]
    assert sorted([*(int(number) for number in given.values()), *taken]) == list(range(1, 13))
    for case in cases:
        assert fields(await agency.file(case))["so_van_ban"] == given[case]
    _, gaps = await agency.call("GET", f"/v1/registers/outgoing/{year}/gaps")
    assert gaps["gaps"] == []


async def test_an_agency_that_wants_source_and_form_checked_and_a_number_that_comes_back(
    agency: SigningAgency, tmp_path: Path
) -> None:
    async with agency.unit() as (conn, queries):  # GD-8 (2)
        await queries.insert_agency_policy(
            conn,
            key="source_required",
            agency_code=SENDER,
            valid_from=agency.office.papers.today,
            valid_to=None,
            value=True,
            legal_basis="quy chế TEST",
        )
    bare = await agency.case("bare", flow="NUMBER_FIRST")
    assert (await agency.number(bare))[1]["code"] == "SIGNING_SOURCE_MISSING"
    source = tmp_path / "du-thao.docx"
    source.write_bytes(b"PK\x03\x04 TEST")
    status, answer = await agency.try_case("loose", agency.office.letter(), source, flow="NUMBER_FIRST")
    assert (status, answer["code"]) == (422, "SIGNING_FILE_NOT_PDF")

    async def sourced(key: str) -> str:
        papers = (agency.office.letter(), source)
        return await agency.case(key, *papers, flow="NUMBER_FIRST", source_files=[source.name])

    case = await sourced("sourced")
    assert (await agency.number(case))[1]["code"] == "SIGNING_FORM_UNCHECKED"
    status, answer = await agency.post(f"/v1/signing/cases/{case}/form-check", {"by": "Văn phòng"})
    assert status == 200, answer
    status, answer = await agency.number(case)
    assert (status, answer["number"]) == (200, "01"), answer
    reservation = answer["reservation"]

    # the leader returns it; its number stays reserved and the corrected document takes it up, once
    status, answer = await agency.post(
        f"/v1/signing/cases/{case}/return", {"by": "Giám đốc", "reason": "Sửa trích yếu"}
    )
    assert (status, answer["state"]) == (200, "returned")
    assert (await agency.number(case, reservation=reservation))[1]["number"] == "01"  # what it had, nothing new
    again = [await sourced(f"again-{number}") for number in (1, 2)]
    for one in again:
        await agency.post(f"/v1/signing/cases/{one}/form-check", {"by": "Văn phòng"})
    first, second = [await agency.number(one, reservation=reservation) for one in again]
    assert (first[0], first[1]["number"]) == (200, "01"), first
    assert (second[0], second[1]["code"]) == (409, "RESERVATION_USED"), second
    assert (await agency.number(again[1]))[1]["number"] == "02"


async def test_a_case_is_opened_once_and_never_for_a_secret(agency: SigningAgency) -> None:
    status, answer = await agency.try_case("secret", secrecy="Tối mật")
    assert (status, answer["code"]) == (422, "SECRET_REFUSED")
    case = await agency.case("once")
    status, answer = await agency.try_case("once")
    assert (status, answer["id"]) == (200, case)
    status, answer = await agency.try_case("once", subject="khác")
    assert (status, answer["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    status, answer = await agency.call("GET", "/v1/signing/cases?state=leader&limit=1")
    assert ([one["id"] for one in answer["items"]], answer["next"]) == ([case], None)
    _, tokens = await agency.call("GET", "/v1/signing/tokens")
    session = await agency.session("leader", case)
    ticket = await agency.ticket(case, agency.office.leader.sha256("ky"))
    vgca = await agency.ticket(case, agency.office.elsewhere.sha256, "vgca")
    paths = (
        "/v1/signing/cases",
        f"/v1/signing/cases/{case}",
        "/v1/signing/tokens",
        f"/v1/signing/sessions/{session['id']}",
        f"/v1/signing/tickets/{ticket['ticket']}",
        f"/v1/signing/vgca/{vgca['ticket']}/0",
    )
    for path in paths:  # every answer is as the contract describes it
        status, answer = await agency.call("GET", path)
        shown = MockResponse(json.dumps(answer).encode(), status, {}, "application/json")
        asked = MockRequest("http://127.0.0.1:8180", "get", path)
        if "tickets" in path:  # the later ticket of a step ends the one before
            assert (status, answer["code"]) == (403, "SIGNING_TICKET_EXPIRED")
        else:
            OPENAPI.validate_response(asked, shown)
    assert {token["serial"] for token in tokens["items"]} == {agency.office.leader.serial, agency.office.agency.serial}


async def test_a_session_whose_token_is_lost_ends_and_the_operator_is_told(agency: SigningAgency) -> None:
    session = await agency.session("leader", await agency.case("lost"))
    tokens = desk_of(agency.node.desk).tokens
    assert isinstance(tokens, TokenDesk)
    os.kill(tokens.process_ids[0], signal.SIGKILL)

    async def ended() -> bool:
        _, shown = await agency.call("GET", f"/v1/signing/sessions/{session['id']}")
        return bool(shown["closing"] == "token")

    await until(ended, LONG)
    status, report = await agency.call("GET", "/readyz")
    assert (status, report["parts"]["tokens"]) == (200, "ok")
    assert [one for one in report["warnings"] if one.startswith("SIG_TOKEN_SESSION_LOST: 1 phiên ký")]
