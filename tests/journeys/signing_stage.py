"""An agency that signs: two real tokens (SoftHSM), a TEST time authority, and the calls its eOffice makes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from lienthong.deploy.demo.annexes import compose_annex
from lienthong.deploy.demo.compose import compose_letter
from lienthong.deploy.demo.pki import Holder, Pki, make_pki
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.deploy.demo.texts import agency_table, review_letter
from lienthong.deploy.demo.time_authority import time_authority
from lienthong.gateway.node import Node
from lienthong.signing.stamps import handwriting_png, seal_png
from lienthong.tests.journeys.papers import NAMES, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Agency, knows_agencies, open_province
from lienthong.tests.signing.softhsm import Drawer, SoftToken, furnish, open_drawer
from lienthong.tests.signing.test_digitised import on_canvas, scanned
from lienthong.tests.waiting import until

LEADER = "Nguyễn Thị Quỳnh Hương"
DRAFTER = "Trần Văn Soạn"
CLERK = "Lê Văn Thư"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What exists before any node runs: PKI, trust folder, tokens, unsigned papers."""

    folder: Path
    pki: Pki
    papers: Papers
    drawer: Drawer
    leader: SoftToken
    agency: SoftToken
    elsewhere: Issued  # the leader's key in a computer of his own
    seal_elsewhere: Issued
    tsa_url: str

    def letter(self) -> Path:
        """An unsigned letter with gaps for number and date."""
        target = self.folder / "letter.pdf"
        if not target.exists():
            compose_letter(target, review_letter(number=None, day=None))
        return target

    def scan(self) -> Path:
        """A paper that was signed by hand, as a scanner sees it."""
        target = self.folder / "scan.pdf"
        return target if target.exists() else on_canvas(target, scanned(200))

    def annex(self) -> Path:
        target = self.folder / "annex.pdf"
        if not target.exists():
            compose_annex(target, agency_table())
        return target

    def settings(self, more: str = "") -> str:
        configuration = self.drawer.environment["SOFTHSM2_CONF"]
        return f"""
modules = ["{self.leader.module}"]
module_environment = ["SOFTHSM2_CONF={configuration}"]
tsa_url = "{self.tsa_url}"
{more}
"""


@contextmanager
def open_office(folder: Path) -> Iterator[Office]:
    now = datetime.now(UTC)
    pki = make_pki(now)
    pki.write_store(folder / "trust")
    drawer = open_drawer(folder / "softhsm")
    person = Holder(agency_code=SENDER, agency_name=NAMES[SENDER], person=LEADER, title="Phó Giám đốc")
    leader = furnish(drawer, pki, person, "lanhdao", "24681357", {"ky": "2048", "nhay": "2048"})
    agency = furnish(
        drawer, pki, Holder(agency_code=SENDER, agency_name=NAMES[SENDER]), "coquan", "13572468", {"dau": "2048"}
    )
    elsewhere = pki.issue(person)
    seal_elsewhere = pki.issue(Holder(agency_code=SENDER, agency_name=NAMES[SENDER]))
    lines = (
        {"sha256": elsewhere.sha256, "agency_code": SENDER, "role": "leader", "holder": LEADER},
        {"sha256": seal_elsewhere.sha256, "agency_code": SENDER, "role": "agency", "holder": NAMES[SENDER]},
        {"sha256": leader.sha256("ky"), "agency_code": SENDER, "role": "leader", "holder": LEADER},
        {"sha256": leader.sha256("nhay"), "agency_code": SENDER, "role": "initials", "holder": DRAFTER},
        {"sha256": agency.sha256("dau"), "agency_code": SENDER, "role": "agency", "holder": NAMES[SENDER]},
    )
    with time_authority(pki.timestamper()) as url:
        yield Office(
            folder=folder,
            pki=pki,
            papers=Papers(folder=folder, now=now, registry=lines),
            drawer=drawer,
            leader=leader,
            agency=agency,
            elsewhere=elsewhere,
            seal_elsewhere=seal_elsewhere,
            tsa_url=url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningAgency:
    """The eOffice of the sender, with its people and their tokens."""

    eoffice: Agency
    office: Office
    node: Node  # over the same database

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[tuple[Any, Any]]:
        async with self.node.db.unit(None) as conn:
            yield conn, self.node.db.queries

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        async with self.unit() as (conn, _):
            return [dict(row) for row in await conn.fetch(statement)]

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        return await self.eoffice.call(method, path, **options)

    async def post(self, path: str, body: object, **options: Any) -> tuple[int, Any]:
        return await self.call("POST", path, json=body, **options)

    def request(self, **changes: Any) -> dict[str, Any]:
        value = {
            "notation": "SKHCN-CĐS",
            "type_name": "Công văn",
            "subject": "V/v rà soát kết nối liên thông",
            "place": "Mẫu",
            "signer": {
                "full_name": LEADER,
                "position": "PHÓ GIÁM ĐỐC",
                "capacity": "KT.",
                "delegation": {"principal": "GIÁM ĐỐC", "by": "Phạm Văn Trưởng"},
            },
            **changes,
        }
        return {name: item for name, item in value.items() if item is not None}

    async def try_case(self, key: str, *files: Path, **changes: Any) -> tuple[int, Any]:
        form = aiohttp.FormData()
        form.add_field("metadata", json.dumps(self.request(**changes)), content_type="application/json")
        for place, file in enumerate(files or (self.office.letter(),)):
            form.add_field("main" if place == 0 else "attachment", file.read_bytes(), filename=file.name)
        return await self.call("POST", "/v1/signing/cases", data=form, headers={"Idempotency-Key": key})

    async def case(self, key: str, *files: Path, **changes: Any) -> str:
        status, answer = await self.try_case(key, *files, **changes)
        assert status == 201, answer
        identifier: str = answer["id"]
        return identifier

    async def show(self, case: str) -> dict[str, Any]:
        status, answer = await self.call("GET", f"/v1/signing/cases/{case}")
        assert status == 200, answer
        shown: dict[str, Any] = answer
        return shown

    async def set_pictures(self) -> None:
        pictures = {
            self.office.leader.sha256("ky"): handwriting_png("Hương"),
            self.office.agency.sha256("dau"): seal_png("TEST"),
        }
        for certificate, png in pictures.items():
            body = {"certificate": certificate, "png": base64.b64encode(png).decode()}
            status, answer = await self.post("/v1/signing/pictures", body)
            assert status == 200, answer

    def _key(self, role: str) -> tuple[SoftToken, str]:
        return {
            "leader": (self.office.leader, "ky"),
            "initials": (self.office.leader, "nhay"),
            "clerk": (self.office.agency, "dau"),
        }[role]

    async def try_session(self, role: str, *cases: str, pin: str | None = None, **changes: Any) -> tuple[int, Any]:
        token, label = self._key(role)
        body = {
            "by": CLERK,
            "role": role,
            "cases": list(cases),
            "token": {"module": token.module, "serial": token.serial},
            "certificate": token.sha256(label),
            "pin": pin or token.pin,
            **changes,
        }
        return await self.post("/v1/signing/sessions", body)

    async def session(self, role: str, *cases: str, **changes: Any) -> dict[str, Any]:
        status, answer = await self.try_session(role, *cases, **changes)
        assert status == 201, answer
        opened: dict[str, Any] = answer
        return opened

    async def try_sign(self, session: dict[str, Any], *cases: str, secret: str | None = None) -> tuple[int, Any]:
        headers = {"Signing-Session": session["secret"] if secret is None else secret}
        return await self.post(
            f"/v1/signing/sessions/{session['id']}/signatures", {"cases": list(cases)}, headers=headers
        )

    async def sign(self, role: str, *cases: str) -> list[dict[str, Any]]:
        """Open a session, sign, close it again."""
        session = await self.session(role, *cases)
        status, answer = await self.try_sign(session, *cases)
        assert status == 200, answer
        await self.post(f"/v1/signing/sessions/{session['id']}/close", None)
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def ticket(self, case: str, certificate: str, channel: str = "ticket") -> dict[str, Any]:
        body = {"by": CLERK, "channel": channel, "certificate": certificate}
        status, answer = await self.post(f"/v1/signing/cases/{case}/tickets", body)
        assert status == 201, answer
        issued: dict[str, Any] = answer
        return issued

    async def number(self, case: str, **changes: Any) -> tuple[int, Any]:
        return await self.post(f"/v1/signing/cases/{case}/number", {"by": CLERK, **changes})

    async def release(self, case: str, *recipients: str) -> tuple[int, Any]:
        body: dict[str, Any] = {"by": CLERK}
        if recipients:
            body["document"] = {"recipients": list(recipients)}
        return await self.post(f"/v1/signing/cases/{case}/release", body)

    async def file(self, case: str, position: int = 0) -> bytes:
        status, content = await self.call("GET", f"/v1/signing/cases/{case}/files/{position}")
        assert status == 200, content
        found: bytes = content
        return found


@asynccontextmanager
async def open_signing(folder: Path, dsn: str, office: Office, more: str = "") -> AsyncIterator[SigningAgency]:
    async with open_province(folder, dsn, office.papers, signing=office.settings(more)) as province:
        await until(lambda: knows_agencies(province), LONG)
        agency = SigningAgency(eoffice=province.sender, office=office, node=province.node)
        await agency.set_pictures()
        yield agency
