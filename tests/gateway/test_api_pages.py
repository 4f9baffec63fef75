"""Pages for people, problem documents of everything, and the catalogue joined to every code the code can say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import lienthong
from lienthong.gateway.api.app import make_app
from lienthong.gateway.api.problems import answer, describe, load_catalogue
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.signing.answers import FILE_REASONS, PHRASES, WARNINGS

if TYPE_CHECKING:
    from lienthong.gateway.node import Node

    from .conftest import Room

CATALOGUE = load_catalogue()
ROOT = Path(lienthong.__file__).parent
FOLDERS = ("adapters", "edxml", "gateway", "queue", "signing")
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# Words in the same shape that no surface shows as a code of ours.
NO_CODES = frozenset(
    {
        # pyHanko's and libxml2's own words, names of signature policies, words of the emulator's control plane
        "FORMAT_FAILURE", "NA_ANY_ONE", "ST_TWO", "ST_TWO_PLUS_NHAY", "TN_TITLE_AND_AGENCY", "AGENCY_ONLY",
        "LEADER_NUMBER_AGENCY", "NUMBER_FIRST", "PAPER_SCAN", "TT01_2019", "RSA_PKCS",
        "NOT_APPLICABLE", "BAD_REQUEST", "TOO_LARGE", "UNKNOWN_AGENCY", "UNKNOWN_DELIVERY", "UNKNOWN_PACKAGE",
    }
)  # fmt: skip


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)


async def test_every_link_of_the_pages_leads_somewhere(room: Room) -> None:
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        if path in seen or path == "/readyz":
            continue
        seen.add(path)
        page = await room.get(path, key="")
        assert page.status == 200, path
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        if page.content_type == "text/html":
            links = Links()
            links.feed(await page.text())
            assert links.inline == []
            own = [link for link in links.found if link != "data:,"]  # the icon that spares a request
            assert all(link.startswith(("/", "#")) for link in own)
            waiting += [link for link in own if link.startswith("/")]
    assert {
        "/docs",
        "/kiem-tra",
        "/static/check.js",
        "/openapi.yaml",
        "/static/swagger-ui/swagger-ui-bundle.js",
        "/errors/SECRET_REFUSED",
    } <= seen
    assert {f"/errors/{code}" for code in CATALOGUE} <= seen


async def test_the_page_of_an_error_says_cause_cure_and_law(room: Room) -> None:
    page = await (await room.get("/errors/SECRET_REFUSED", key="")).text()
    entry = CATALOGUE["SECRET_REFUSED"]
    for text in (entry.title, entry.cause, entry.action, entry.legal_basis):
        assert text is not None
        assert text in page
    assert '<html lang="vi">' in page


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "PAGE_NOT_FOUND"),
        ("GET", "/errors/NOTHING", 404, "PAGE_NOT_FOUND"),
        ("DELETE", "/v1/mailbox", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/validations", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_also_the_servers_own_refusals_are_problems(
    room: Room, method: str, path: str, status: int, code: str
) -> None:
    got = await room.client.request(method, path)
    body = await got.json()
    assert (got.status, got.content_type, body["code"]) == (status, "application/problem+json", code)
    assert body["type"] == f"/errors/{code}"
    assert ("Allow" in got.headers) == (status == 405)


async def test_a_json_body_has_its_limit_and_its_kind(room: Room) -> None:
    got = await room.post("/v1/numbers", {"notation": "x" * 300_000, "year": 2026})
    assert (got.status, (await got.json())["code"]) == (413, "BODY_TOO_LARGE")
    headers = {"Authorization": f"Bearer {room.sender_key}", "Content-Type": "text/plain"}
    got = await room.client.post("/v1/numbers", data="{}", headers=headers)
    assert (got.status, (await got.json())["code"]) == (415, "MEDIA_TYPE_UNSUPPORTED")


async def test_what_nobody_foresaw_is_an_incident_without_details(node: Node) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise ZeroDivisionError("secret detail")

    app = make_app(node)
    app.router.add_get("/broken", broken)
    async with TestClient(TestServer(app)) as client:
        got = await client.get("/broken")
        body = await got.json()
    assert (got.status, body["code"]) == (500, "INTERNAL")
    assert len(body["incident"]) == 32
    assert "secret" not in str(body)


def test_a_code_outside_the_catalogue_is_still_a_problem() -> None:
    got = answer(CATALOGUE, GatewayError("NO_SUCH_CODE", "x"), instance="/")
    assert got.status == 500


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(), "DATABASE_UNAVAILABLE"),
        (TimeoutError(), "DATABASE_UNAVAILABLE"),
        (asyncpg.DeadlockDetectedError(), "DATABASE_UNAVAILABLE"),
        (DatabaseError("DATABASE_CLOSED", "x", transient=True), "DATABASE_CLOSED"),
        (FileNotFoundError(), None),
        (asyncpg.UniqueViolationError(), None),
        (KeyError("x"), None),
    ],
)
def test_only_what_will_pass_is_said_to_pass(error: Exception, code: str | None) -> None:
    known = describe(error)
    assert (known and known.code) == code
    assert known is None or known.retry_after == 5


def is_code(text: str) -> bool:
    return text in CATALOGUE or CODE.fullmatch(text) is not None


def codes_said() -> Iterator[tuple[str, str]]:
    """Every string of the source that has the shape of a code, with its place."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_code(node.value):
                    yield node.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_code_of_the_source_is_in_the_catalogue() -> None:
    prefixes = ("LIENTHONG_", "SCHEMAV_", "HTTP_")
    wire = {"HEADER_TEXT", "NO_DOC_ID", "PG_VERSION", "SASL_SSL"}
    unknown = {
        code: place
        for code, place in codes_said()
        if code not in CATALOGUE and code not in NO_CODES | wire and not code.startswith(prefixes)
    }
    assert unknown == {}


def test_every_word_of_the_report_is_in_the_catalogue() -> None:
    assert (PHRASES.keys() | FILE_REASONS.keys() | WARNINGS.keys()) <= CATALOGUE.keys()


def test_the_catalogue_has_no_code_that_nothing_says() -> None:
    said = {code for code, _ in codes_said()}
    assert CATALOGUE.keys() - said == set()


def test_every_entry_is_whole() -> None:
    for entry in CATALOGUE.values():
        assert entry.blame in {"ours", "peer", "document", "network"}
        assert entry.http is None or 400 <= entry.http < 600
        for text in (entry.title, entry.cause, entry.action):
            assert len(text) > 5
        assert not entry.title.endswith(".")
        assert entry.cause.endswith(".")
        assert entry.action.endswith(".")
