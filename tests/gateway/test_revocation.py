"""Revocation data fetched over real HTTP from the TEST authorities: what enters the store, what is refused, outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.x509 import ReasonFlags

from lienthong.deploy.demo.pki import STORE, Holder
from lienthong.deploy.demo.pki_parts import Issued
from lienthong.deploy.demo.revocation_server import RevocationServer, open_revocation_server
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.revocation.addresses import addresses_of
from lienthong.gateway.revocation.desk import RevocationDesk
from lienthong.gateway.revocation.opening import open_desk as open_revocation_desk
from lienthong.gateway.settings import Settings
from lienthong.signing.report import FileReport, Overall, Question, SignerRole
from lienthong.signing.request import VerificationRequest
from lienthong.signing.trust import load_store
from lienthong.signing.verifying import REVOCATION_JOBS, VerificationPool, VerificationSettings

from ..conftest import Clock
from ..signing.desk import SENDER, SENDER_NAME, Desk, answer_of, open_desk, registered


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A PKI of this module's own: its authorities revoke and are revoked."""
    return open_desk(tmp_path_factory.mktemp("paper"), datetime.fromisoformat("2026-03-02T01:30:00+00:00"))


@dataclass(slots=True, kw_only=True)
class Node:
    """What of a node fetches and verifies."""

    paper: Desk
    server: RevocationServer
    desk: RevocationDesk
    pool: VerificationPool
    clock: Clock
    trust: Path

    async def verify(self, document: bytes, *signers: Issued) -> FileReport:
        path = self.trust / "in.pdf"
        path.write_bytes(document)
        registry = tuple(registered(one, SignerRole.LEADER) for one in signers) or self.paper.registry
        return await self.pool.verify(
            VerificationRequest(
                path=str(path),
                policy="NA_ANY_ONE" if signers else "ND30",
                now=self.clock(),
                trust_folder=str(self.trust),
                trust_store=STORE,
                sender_code=SENDER,
                sender_name=SENDER_NAME,
                registry=registry,
            )
        )

    async def both(self, **settings: Any) -> bytes:
        return await asyncio.to_thread(self.paper.both, **settings)  # pyHanko runs a loop of its own

    async def sign(self, by: Issued) -> bytes:
        return await asyncio.to_thread(self.paper.sign, self.paper.blank, by, "A", timestamp=False)


@pytest.fixture
def revocation() -> dict[str, Any]:
    """Settings of [revocation] that a test wants otherwise (parametrize it)."""
    return {}


@pytest_asyncio.fixture
async def node(
    paper: Desk, database: Database, clock: Clock, tmp_path: Path, revocation: dict[str, Any]
) -> AsyncIterator[Node]:
    paper.pki.write_store(tmp_path)
    for name in ("root.crl", "sub.crl"):
        (tmp_path / STORE / "crls" / name).unlink()  # nothing is held at first
    wanted = VerificationSettings(workers=1, extra_jobs=REVOCATION_JOBS)
    async with open_revocation_server(paper.pki, clock=clock) as server, VerificationPool(wanted) as pool:
        host = server.base.removeprefix("http://")
        mirrors = [f"http://pki.example/ => {server.base}/", f"http://ocsp.pki.example/ => {server.base}/"]
        settings = Settings.model_validate(
            {
                "signing": {"trust_dir": str(tmp_path), "trust_store": STORE},
                "revocation": {"allowed_hosts": [host], "mirrors": mirrors, **revocation},
            }
        )
        async with open_revocation_desk(
            settings, database, tmp_path, run=pool.run, clock=clock, chance=lambda: 0.5
        ) as desk:
            yield Node(paper=paper, server=server, desk=desk, pool=pool, clock=clock, trust=tmp_path)
    paper.pki.sub.revoked.clear()


def spoilt(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def foreign_list(node: Node) -> bytes:
    """Same names, another key: an authority that only looks like ours."""
    own, node.server.pki = node.server.pki, node.paper.foreign
    try:
        return node.server.list_of("root")
    finally:
        node.server.pki = own


async def test_what_a_document_lacks_is_fetched(node: Node) -> None:
    signed = await node.both()
    before = await node.verify(signed)
    assert before.overall is Overall.UNDETERMINED
    await node.desk.remember(before.materials)
    assert await node.desk.supply(before.materials)
    after = await node.verify(signed)
    assert after.overall is Overall.VALID, after.reason
    assert sorted(set(node.server.asked)) == ["/crl/root.crl", "/crl/sub.crl"]
    assert not node.desk.troubles()
    asked = len(node.server.asked)
    assert not await node.desk.supply(before.materials), "nothing is due"
    assert len(node.server.asked) == asked


async def test_twenty_documents_ask_once(node: Node) -> None:
    materials = (await node.verify(await node.both())).materials
    await asyncio.gather(*(node.desk.supply(materials) for _ in range(20)))
    assert sorted(node.server.asked) == ["/crl/root.crl", "/crl/sub.crl"]


@pytest.mark.parametrize("revocation", [{"allowed_hosts": []}, {"allowed_hosts": ["127.0.0.1:9"]}])
async def test_no_address_of_a_stranger_is_asked(node: Node) -> None:
    """Hosts that the operator did not name, even behind his own mirror: the verdict stays undetermined."""
    signed = await node.both()
    materials = (await node.verify(signed)).materials
    assert any(material.lists for material in materials)
    assert not await node.desk.supply(materials)
    assert not await node.desk.refresh()
    assert node.server.asked == []
    assert (await node.verify(signed)).overall is Overall.UNDETERMINED


async def test_redirect_leads_nowhere(node: Node) -> None:
    async with open_revocation_server(node.paper.pki, clock=node.clock) as elsewhere:
        node.server.redirect = f"{elsewhere.base}/crl/sub.crl"
        materials = (await node.verify(await node.both())).materials
        assert not await node.desk.supply(materials)
        assert elsewhere.asked == []
    assert "HTTP 302" in node.desk.troubles()[0].error


async def test_refreshed_ahead_of_expiry_and_kept_through_an_outage(node: Node) -> None:
    signed = await node.both(timestamp=False)
    report = await node.verify(signed)
    await node.desk.remember(report.materials)
    assert await node.desk.refresh() == 2
    first = load_store(str(node.trust), STORE).digest
    assert await node.desk.refresh() == 0, "fresh lists are not asked for again"
    node.clock.advance(hours=7)
    assert await node.desk.refresh() == 2
    second = load_store(str(node.trust), STORE).digest
    assert second != first

    node.server.broken = True
    node.clock.advance(hours=7)
    assert await node.desk.refresh() == 0
    assert {one.lacking for one in node.desk.troubles()} == {False}, "what is held still serves"
    assert (await node.verify(signed)).overall is Overall.VALID
    node.clock.advance(days=8)
    assert await node.desk.refresh() == 0
    assert {one.lacking for one in node.desk.troubles()} == {True}
    assert (await node.verify(signed)).reason_code == "SIG_REVOCATION_UNKNOWN"

    node.server.broken = False
    node.clock.advance(hours=2)
    assert await node.desk.refresh() == 2
    assert not node.desk.troubles()
    assert (await node.verify(signed)).overall is Overall.VALID


async def test_a_restart_remembers_what_is_due(node: Node, database: Database) -> None:
    await node.desk.remember((await node.verify(await node.both())).materials)
    await node.desk.refresh()
    asked = len(node.server.asked)
    again = Settings.model_validate({"revocation": node.desk.settings.model_dump(), "signing": {"trust_store": STORE}})
    async with open_revocation_desk(
        again, database, node.trust, run=node.pool.run, clock=node.clock, chance=lambda: 0.5
    ) as desk:
        assert await desk.refresh() == 0
    assert len(node.server.asked) == asked


async def test_no_bad_list_replaces_a_good_one(node: Node) -> None:
    await node.desk.remember((await node.verify(await node.both())).materials)
    await node.desk.refresh()
    held = {f.name: f.read_bytes() for f in (node.trust / STORE / "crls").iterdir()}
    node.clock.advance(hours=7)
    now, list_of = node.clock(), node.server.list_of
    offered = {
        "SIG_CRL_UNREADABLE": b"<html>",
        "SIG_CRL_SIGNATURE": spoilt(list_of("sub")),
        "SIG_CRL_STALE": list_of("sub", at=now - timedelta(days=8)),
        "SIG_CRL_OLDER": list_of("sub", at=now - timedelta(days=1)),
        "SIG_CRL_ISSUER_UNKNOWN": foreign_list(node),
    }
    for code, content in offered.items():
        node.server.instead = content
        assert await node.desk.refresh() == 0
        assert {one.error.partition(":")[0] for one in node.desk.troubles()} == {code}
        node.clock.advance(hours=2)
    node.server.instead = list_of("sub", at=node.clock() + timedelta(hours=1))
    assert await node.desk.refresh() == 0, "not yet of this hour"
    assert {f.name: f.read_bytes() for f in (node.trust / STORE / "crls").iterdir()} == held


@pytest.mark.parametrize("revocation", [{"max_bytes": 100}])
async def test_endless_answer_is_cut_off(node: Node) -> None:
    materials = (await node.verify(await node.both())).materials
    assert not await node.desk.supply(materials)
    assert {one.error.partition(":")[0] for one in node.desk.troubles()} == {"REVOCATION_TOO_LARGE"}


@pytest.mark.parametrize("revocation", [{"wait_s": 0.3}])
async def test_host_that_never_answers_costs_one_document_its_patience(node: Node) -> None:
    materials = (await node.verify(await node.both())).materials
    node.server.silent = True
    assert not await node.desk.supply(materials)
    asked = len(node.server.asked)
    assert asked
    assert not await node.desk.supply(materials)
    assert len(node.server.asked) == asked, "the next document does not wait for it"
    node.server.silent = False
    node.clock.advance(minutes=3)
    assert await node.desk.supply(materials)


async def test_status_by_ocsp_where_no_list_is_named(node: Node) -> None:
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Lê Thị Bình")
    person = node.paper.pki.issue(holder, with_lists=False)
    signed = await node.sign(person)
    before = await node.verify(signed, person)
    assert before.reason_code == "SIG_REVOCATION_UNKNOWN"
    await node.desk.remember(before.materials)
    assert await node.desk.supply(before.materials)
    assert "/ocsp/sub" in node.server.asked
    assert not [name for name in node.server.asked if name == "/crl/sub.crl"]
    assert (await node.verify(signed, person)).overall is Overall.VALID
    node.paper.pki.sub.revoke(person, node.clock(), ReasonFlags.key_compromise)
    node.clock.advance(hours=7)
    assert await node.desk.refresh() >= 1
    report = await node.verify(signed, person)
    assert answer_of(report, Question.VALIDITY).code in ("SIG_REVOKED", "SIG_REVOKED_TIME_UNPROVEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByOcsp:
    """A document of somebody whose certificate names no list, only a responder."""

    person: Issued
    signed: bytes

    async def asked(self, node: Node) -> str | None:
        """One attempt to refresh what is known of him; the code of what went wrong."""
        node.clock.advance(hours=7)
        materials = (await node.verify(self.signed, self.person)).materials
        await node.desk.remember(materials)
        await node.desk.supply(materials)
        amiss = [one.error for one in node.desk.troubles() if one.address.endswith("/ocsp/sub")]
        return amiss[0].partition(":")[0] if amiss else None

    async def verdict(self, node: Node) -> tuple[Overall, str | None]:
        report = await node.verify(self.signed, self.person)
        return report.overall, report.reason_code


@pytest_asyncio.fixture
async def by_ocsp(node: Node) -> ByOcsp:
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Lê Thị Bình")
    person = node.paper.pki.issue(holder, with_lists=False)
    return ByOcsp(person=person, signed=await node.sign(person))


UNKNOWN = (Overall.UNDETERMINED, "SIG_REVOCATION_UNKNOWN")


@pytest.mark.parametrize("revocation", [{"timeout_s": 0.5}])
@pytest.mark.parametrize(
    ("trouble", "code"),
    [("503", "REVOCATION_UNREACHABLE"), ("silence", "REVOCATION_UNREACHABLE"), ("an old answer", "SIG_OCSP_STALE")],
)
async def test_a_responder_in_trouble_neither_makes_valid_nor_takes_away_what_is_held(
    node: Node, by_ocsp: ByOcsp, trouble: str, code: str
) -> None:
    """B13, policy in an outage: without an answer undetermined, with one it serves until it expires, then again."""

    def fall() -> None:
        node.server.broken = trouble == "503"
        node.server.silent = trouble == "silence"
        old = node.server.status_of(
            "sub", by_ocsp.person.certificate.serial_number, at=node.clock() - timedelta(days=8)
        )
        node.server.instead = old if trouble == "an old answer" else None

    def rise() -> None:
        node.server.broken, node.server.silent, node.server.instead = False, False, None

    await by_ocsp.asked(node)  # the lists of the authorities are there from now on
    (node.trust / STORE / "ocsp" / f"{by_ocsp.person.sha256}.ocsp").unlink()
    fall()
    assert await by_ocsp.asked(node) == code
    assert await by_ocsp.verdict(node) == UNKNOWN
    rise()
    assert await by_ocsp.asked(node) is None
    assert (await by_ocsp.verdict(node))[0] is Overall.VALID
    fall()
    assert await by_ocsp.asked(node) == code
    assert (await by_ocsp.verdict(node))[0] is Overall.VALID, "what is held serves until it expires"
    node.clock.advance(days=8)
    assert await by_ocsp.asked(node) == code
    assert await by_ocsp.verdict(node) == UNKNOWN


async def test_a_revoked_certificate_does_not_become_good_by_an_answer_of_yesterday(
    node: Node, by_ocsp: ByOcsp
) -> None:
    """B13: whoever sits in between can hand out an older answer that is still in its term; it changes nothing."""
    assert await by_ocsp.asked(node) is None
    assert (await by_ocsp.verdict(node))[0] is Overall.VALID
    good = node.server.status_of("sub", by_ocsp.person.certificate.serial_number)
    node.paper.pki.sub.revoke(by_ocsp.person, node.clock() - timedelta(days=2), ReasonFlags.key_compromise)
    assert await by_ocsp.asked(node) is None
    revoked = await by_ocsp.verdict(node)
    assert revoked[0] is not Overall.VALID
    node.server.instead = good
    assert await by_ocsp.asked(node) == "SIG_OCSP_OLDER"
    assert await by_ocsp.verdict(node) == revoked


async def test_status_that_says_nothing(node: Node) -> None:
    holder = Holder(agency_code=SENDER, agency_name=SENDER_NAME, person="Lê Thị Bình")
    person = node.paper.pki.issue(holder, with_lists=False)
    materials = (await node.verify(await node.sign(person), person)).materials
    for content in (b"", b"0\x03\n\x01\x06", b"<html>"):
        node.server.instead = content
        assert not await node.desk.supply(materials)
        assert "SIG_OCSP_UNREADABLE" in {one.error.partition(":")[0] for one in node.desk.troubles()}
        node.clock.advance(hours=2)


async def test_suspension_that_was_lifted_still_counts_at_its_time(node: Node) -> None:
    """TN-4.2: tạm dừng at the time of signing makes invalid, also when the certificate is in force again."""
    signed = await node.both(at=node.clock() + timedelta(hours=1))
    sound = await node.both(at=node.clock() + timedelta(hours=20))
    await node.desk.remember((await node.verify(signed)).materials)
    node.paper.pki.sub.revoke(node.paper.leader, node.clock(), ReasonFlags.certificate_hold)
    assert await node.desk.refresh() == 2
    node.clock.advance(hours=12)
    node.paper.pki.sub.revoked.clear()
    assert await node.desk.refresh() == 2
    node.clock.advance(hours=12)
    report = await node.verify(signed)
    assert answer_of(report, Question.VALIDITY, 0).code == "SIG_SUSPENDED"
    assert report.overall is Overall.INVALID
    assert (await node.verify(sound)).overall is Overall.VALID


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("http://ca.example/a.crl", "http://ca.example/a.crl"),
        ("http://CA.example:80/a.crl", "http://CA.example:80/a.crl"),
        ("http://ocsp.alias/", "http://ca.example/ocsp/"),
        ("http://ca.example:8080/a.crl", None),
        ("http://other.example:9000/a.crl", "http://other.example:9000/a.crl"),
        ("http://other.example/a.crl", None),
        ("http://user@ca.example/a.crl", None),
        ("ldap://ca.example/cn=x", None),
        ("file:///etc/passwd", None),
        ("http://ca.example.evil.example/", None),
        ("http://[::1", None),
        ("http:///x", None),
    ],
)
def test_addresses(address: str, asked: str | None) -> None:
    rules = addresses_of(["ca.example", "other.example:9000"], ["http://ocsp.alias/ => http://ca.example/ocsp/"])
    assert rules.resolve(address) == asked
