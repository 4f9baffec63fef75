"""The check over HTTP: who sent a file, every refusal, downloads, and POST /v1/checks as the contract describes it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, ClientSession, FormData
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from lienthong.gateway.access import issue_key
from lienthong.gateway.api.app import close_gate, make_app
from lienthong.gateway.api.contract import load_contract
from lienthong.gateway.checks.desk import CheckDesk
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline.examination import MAIN_POLICY
from lienthong.gateway.settings import Settings
from lienthong.tests.checks.stage import Material, document_package, serving
from lienthong.tests.edxml.sealing import signed
from lienthong.tests.signing.desk import OTHER, SENDER, SENDER_NAME, Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPENAPI = OpenAPI.from_dict(json.loads(load_contract().as_json))
CASES = Path(__file__).parent.parent / "edxml" / "cases"
HOSTILE = Path(__file__).parent.parent / "hostile" / "edxml"
SEALED = re.compile(r'name="result" value="([^"]+)"')


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def key(node: Node) -> str:
    async with node.db.unit(None) as conn:
        agency = await conn.fetchval("select id from agency where code = $1", SENDER)
    return await issue_key(node.db, agency, "eOffice", new_id=node.new_id, random_bytes=os.urandom)


def form(*files: Path | tuple[str, bytes], **fields: str) -> FormData:
    made = FormData(default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, value)
    for file in files:
        name, content = file if isinstance(file, tuple) else (file.name, file.read_bytes())
        made.add_field("file", io.BytesIO(content), filename=name, content_type="application/octet-stream")
    return made


@pytest.fixture
def calls(http: ClientSession, address: str, key: str) -> Any:
    """POST /v1/checks; the report."""

    async def call(*files: Path | tuple[str, bytes], query: str = "", **fields: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        async with http.post(f"{address}/v1/checks{query}", data=form(*files, **fields), headers=headers) as got:
            body = await got.read()
            return got.status, json.loads(body) if "json" in got.content_type else body

    return call


# the report of POST /v1/checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["good", "altered", "one_signature", "package"])
async def test_the_report_is_what_the_contract_describes(
    http: ClientSession, address: str, key: str, material: Material, file: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with http.post(f"{address}/v1/checks", data=form(getattr(material, file)), headers=headers) as got:
        assert got.status == 200
        answer = MockResponse(await got.read(), got.status, dict(got.headers), got.content_type)
        OPENAPI.validate_response(MockRequest(address, "post", "/v1/checks"), answer)


async def test_the_registers_certificate_tells_the_sender(calls: Any, material: Material) -> None:
    status, told = await calls(material.good)
    assert (status, told["overall"]) == (200, "VALID")
    assert told["sender"] == {"code": SENDER, "name": SENDER_NAME, "date": None, "source": "register"}


@pytest.mark.parametrize(
    ("sender", "overall", "identity", "code"),
    [
        (SENDER, "VALID", "SIG_IDENTITY_REGISTERED", SENDER),
        (SENDER.lower(), "VALID", "SIG_IDENTITY_REGISTERED", SENDER),
        ("sở tài chính  tỉnh Mẫu", "VALID", "SIG_IDENTITY_REGISTERED", SENDER),
        (OTHER, "INVALID", "SIG_IDENTITY_OTHER_AGENCY", OTHER),
        ("Sở Xây dựng tỉnh Khác", "UNDETERMINED", "SIG_SENDER_UNKNOWN", None),
    ],
)
async def test_a_told_sender_is_compared_with(
    calls: Any, material: Material, sender: str, overall: str, identity: str, code: str | None
) -> None:
    _, told = await calls(material.good, sender=sender)
    assert told["overall"] == overall
    assert {a["question"]: a["code"] for a in told["report"]["answers"]}["identity"] == identity
    assert (told["sender"]["code"], told["sender"]["source"]) == (code, "given")


async def test_the_required_signatures_can_be_chosen(calls: Any, material: Material) -> None:
    _, strict = await calls(material.one_signature)
    _, mild = await calls(material.one_signature, policy="NA_ANY_ONE")
    assert strict["report"]["reason_code"] == "SIG_REQUIRED_SET_MISSING"
    assert (mild["report"]["policy"], mild["report"]["reason_code"]) == ("NA_ANY_ONE", None)
    _, early = await calls(material.one_signature, date="01/3/2020")  # before Nghị định 30/2020/NĐ-CP
    assert early["sender"]["date"] == "2020-03-01"
    assert early["report"]["policy"] != strict["report"]["policy"]


async def test_the_rules_of_the_sending_agency_are_the_default(calls: Any, node: Node, desk: Desk) -> None:
    """A province may keep the rule of one signature for an agency (registers.md C1)."""
    document = ("a.pdf", await asyncio.to_thread(desk.sign, desk.blank, desk.stranger, "Signature1"))
    _, before = await calls(document)
    async with node.db.unit(None) as conn:
        await node.db.queries.insert_agency_policy(
            conn,
            key=MAIN_POLICY,
            agency_code=OTHER,
            valid_from=date(2020, 1, 1),
            valid_to=None,
            value="NA_ANY_ONE",
            legal_basis="TEST",
        )
    _, after = await calls(document)
    assert [told["report"]["policy"] for told in (before, after)] == ["ND30", "NA_ANY_ONE"]
    assert [told["overall"] for told in (before, after)] == ["INVALID", "VALID"]


async def test_the_package_names_its_sender_and_every_file(calls: Any, material: Material) -> None:
    _, told = await calls(material.package, policy="NA_ANY_ONE", sender=OTHER)  # the envelope counts, not the field
    assert told["sender"]["source"] == "package"
    assert told["sender"]["code"] == SENDER
    assert [(file["name"], file["report"]["policy"]) for file in told["files"]] == [
        ("15-STC-VP công văn.pdf", "NA_ANY_ONE"),
        ("phụ lục.pdf", "AGENCY_ONLY"),
    ]
    assert {"label": "Số, ký hiệu", "value": "15/STC-VP"} in told["summary"]


async def test_what_carries_no_signature_is_never_called_valid(calls: Any) -> None:
    _, status = await calls(CASES / "05-status-03.edxml")
    assert (status["overall"], status["files"]) == ("NOT_APPLICABLE", [])
    assert status["summary"][0]["value"].startswith("Trạng thái 03")


async def test_the_signature_of_the_envelope_is_judged_too(calls: Any, desk: Desk, material: Material) -> None:
    content = signed(document_package(desk, material.good))
    _, told = await calls(("a.edxml", content))
    assert "EDXML_SIGNATURE_UNKNOWN_KEY" in {finding["code"] for finding in told["findings"]}
    assert told["overall"] == "VALID"  # the document's own signatures are; the system's is not relied upon
    _, told = await calls(("a.edxml", content.replace(b"STC-VP", b"STC-TC", 1)))
    assert told["overall"] == "INVALID"


async def test_the_printed_report_comes_as_pdf(calls: Any, material: Material) -> None:
    status, paper = await calls(material.good, query="?format=pdf")
    assert status == 200
    assert paper.startswith(b"%PDF-")


# refusals ------------------------------------------------------------------------------------------------------------

REFUSALS: list[tuple[str, tuple[tuple[str, bytes], ...], dict[str, str], int, str]] = [
    ("no file", (), {}, 400, "CHECK_FILE_MISSING"),
    ("unnamed file", (("", b"%PDF-1.7"),), {}, 400, "CHECK_FILE_MISSING"),
    ("empty", (("a.pdf", b""),), {}, 422, "FILE_EMPTY"),
    ("picture", (("a.pdf", b"\x89PNG\r\n"),), {}, 415, "CHECK_KIND"),
    ("archive", (("a.edxml", b"PK\x03\x04"),), {}, 415, "CHECK_KIND"),
    ("two", (("a.pdf", b"%PDF-1.7"), ("b.pdf", b"%PDF-1.7")), {}, 400, "CHECK_ONE_FILE"),
    ("large", (("a.pdf", b"%PDF-1.7" + bytes(1_000_001)),), {}, 413, "FILE_TOO_LARGE"),
    ("larger", (("a.pdf", b"%PDF-1.7" + bytes(2_000_000)),), {}, 413, "BODY_TOO_LARGE"),
    ("strange field", (("a.pdf", b"%PDF-1.7"),), {"pin": "1"}, 400, "CHECK_FIELD"),
    ("strange policy", (("a.pdf", b"%PDF-1.7"),), {"policy": "NONE"}, 400, "CHECK_FIELD"),
    ("no such day", (("a.pdf", b"%PDF-1.7"),), {"date": "31/02/2026"}, 400, "CHECK_FIELD"),
    ("no day", (("a.pdf", b"%PDF-1.7"),), {"date": "hôm nay"}, 400, "CHECK_FIELD"),
    ("long field", (("a.pdf", b"%PDF-1.7"),), {"sender": "x" * 501}, 400, "CHECK_FIELD"),
    ("hidden letters", (("a.pdf", b"%PDF-1.7"),), {"sender": "a\u202eb"}, 400, "CHECK_FIELD"),
    ("strange root", (("a.edxml", b"<a><b></a>"),), {}, 422, "EDXML_NAMESPACE"),
    ("entities", (("a.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),), {}, 422, "EDXML_DOCTYPE"),
]


@pytest.mark.parametrize(("files", "fields", "status", "code"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
async def test_page_and_api_refuse_alike(
    http: ClientSession, address: str, calls: Any, files: Any, fields: dict[str, str], status: int, code: str
) -> None:
    got, problem = await calls(*files, **fields)
    assert (got, problem["code"]) == (status, code)
    async with http.post(f"{address}/kiem-tra", data=form(*files, **fields)) as page:
        told = await page.text()
        assert (page.status, page.content_type) == (status, "text/html")
        assert code in told
        assert "Chưa kiểm tra được" in told


@pytest.mark.parametrize("file", sorted(HOSTILE.iterdir()), ids=lambda file: file.name)
async def test_a_hostile_package_is_told_what_it_is(calls: Any, file: Path) -> None:
    status, told = await calls(file)
    assert status in {200, 415, 422}
    assert told.get("overall", "refused") in {"INVALID", "UNDETERMINED", "NOT_APPLICABLE", "refused"}


async def test_a_pdf_that_is_none_inside_is_undetermined_not_refused(calls: Any) -> None:
    _, told = await calls(("a.pdf", b"%PDF-1.7\nnothing of the kind"))
    assert told["overall"] != "VALID"
    assert told["report"]["signatures"] == []


async def test_names_are_shown_as_letters_never_as_markup(
    http: ClientSession, address: str, material: Material
) -> None:
    evil = ("<img src=x onerror=alert(1)>.pdf", material.one_signature.read_bytes())
    async with http.post(f"{address}/kiem-tra", data=form(evil, sender='"><script>')) as page:
        told = await page.text()
    assert "<img" not in told
    assert "&lt;img src=x onerror=alert(1)&gt;.pdf" in told
    assert '"><script>' not in told


# downloads -----------------------------------------------------------------------------------------------------------


async def sealed_of(http: ClientSession, address: str, file: Path) -> str:
    async with http.post(f"{address}/kiem-tra", data=form(file)) as page:
        assert page.headers["Cache-Control"] == "no-store"
        found = SEALED.search(await page.text())
    assert found is not None
    return found[1]


async def test_the_sealed_result_prints_the_report_without_the_file(
    http: ClientSession, address: str, material: Material
) -> None:
    sealed = await sealed_of(http, address, material.good)
    async with http.post(f"{address}/kiem-tra/tai-ve", data={"result": sealed, "format": "pdf"}) as got:
        assert (got.status, got.content_type) == (200, "application/pdf")
        assert "15-STC-VP%20c%C3%B4ng" in got.headers["Content-Disposition"]
        assert (await got.read()).startswith(b"%PDF-")
    async with http.post(f"{address}/kiem-tra/tai-ve", data={"result": sealed, "format": "json"}) as got:
        assert (await got.json())["format"] == "lienthong.check.v1"


async def test_a_result_of_ones_own_making_is_not_printed(
    http: ClientSession, address: str, material: Material
) -> None:
    sealed = await sealed_of(http, address, material.good)
    for told in (sealed[:-4] + "AAAA", "", "x"):
        async with http.post(f"{address}/kiem-tra/tai-ve", data={"result": told, "format": "pdf"}) as got:
            assert got.status == 410
            assert "CHECK_RESULT_GONE" in await got.text()


# bounds and doors ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def other(node: Node, **check_page: Any) -> AsyncIterator[str]:
    """The same node under other settings of the page."""
    async with serving(narrow(node, **check_page)) as address:
        yield address


async def get(http: ClientSession, url: str) -> tuple[int, str]:
    async with http.get(url) as got:
        return got.status, await got.text()


async def test_the_page_can_be_switched_off_and_closed_to_far_networks(http: ClientSession, node: Node) -> None:
    async with other(node, enabled=False) as address:
        assert (await get(http, f"{address}/kiem-tra"))[0] == 404
        assert "/kiem-tra" not in (await get(http, address))[1]
    async with other(node, networks=("10.0.0.0/8",)) as address:
        status, told = await get(http, f"{address}/kiem-tra")
        assert (status, "CHECK_NOT_ALLOWED" in told, "<form" in told) == (403, True, False)
        async with http.post(f"{address}/kiem-tra", data=form(("a.pdf", b"%PDF-"))) as page:
            assert page.status == 403


async def test_too_many_calls_a_minute_are_told_when_to_come_back(
    http: ClientSession, node: Node, material: Material
) -> None:
    async with other(node, per_minute=1) as address:
        answers: list[ClientResponse] = []
        for _ in range(2):
            async with http.post(f"{address}/kiem-tra", data=form(material.one_signature)) as page:
                answers.append(page)
        assert [page.status for page in answers] == [200, 429]
        assert 1 <= int(answers[1].headers["Retry-After"]) <= 61


async def test_no_more_visitors_than_places(node: Node) -> None:
    desk = CheckDesk(narrow(node, at_once=1, waiting=1))
    with desk.visit(), desk.visit(), pytest.raises(GatewayError) as refused, desk.visit():
        pass
    assert refused.value.code == "CHECKS_TOO_MANY"
    with desk.visit():  # who left made room
        pass


async def test_a_check_that_takes_too_long_is_ended(node: Node) -> None:
    desk = CheckDesk(narrow(node, time_limit_s=0.01))
    with pytest.raises(GatewayError) as refused:
        async with desk.turn():
            await asyncio.Event().wait()
    assert refused.value.code == "CHECK_TIMEOUT"


def narrow(node: Node, **check_page: Any) -> Node:
    values = {**node.settings.model_dump(), "check_page": {**node.settings.check_page.model_dump(), **check_page}}
    return replace(node, settings=Settings.model_validate(values))


async def test_a_node_that_stops_takes_no_more_files(http: ClientSession, node: Node, material: Material) -> None:
    app = make_app(node)
    async with serving(node, app) as address:
        close_gate(app)
        async with http.post(f"{address}/kiem-tra", data=form(material.good)) as page:
            assert page.status == 503
            assert "NODE_STOPPING" in await page.text()
