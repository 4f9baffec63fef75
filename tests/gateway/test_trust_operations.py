"""What operators do about trust: the register of certificates, and what expires when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lienthong.deploy.demo.pki import STORE, Holder, Pki, make_pki
from lienthong.deploy.demo.pki_parts import Issued, asn1, pem
from lienthong.gateway import expiry
from lienthong.gateway.expiry import Expiry, Kind
from lienthong.gateway.node import Node
from lienthong.gateway.settings import Settings
from lienthong.signing.verifying import REVOCATION_JOBS, VerificationPool, VerificationSettings

from ..conftest import Clock
from .conftest import Room

NOW = datetime.fromisoformat("2026-03-02T01:30:00+00:00")
AGENCY = "000.00.00.H41"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return make_pki(NOW)


def issue(pki: Pki, *, days: float = 700, person: str | None = "Nguyễn Văn An") -> Issued:
    holder = Holder(agency_code=AGENCY, agency_name="Sở Tài chính tỉnh Mẫu", person=person)
    return pki.issue(holder, not_after=NOW + timedelta(days=days))


def line(issued: Issued, **changes: Any) -> dict[str, Any]:
    text = pem(issued.certificate).decode()
    return {"certificate": text, "agency": AGENCY, "role": "leader", "title": "Giám đốc", **changes}


async def test_certificate_is_entered_shown_and_ended(room: Room, pki: Pki) -> None:
    issued, key = issue(pki), room.operator_key
    path = "/v1/operations/certificates"
    added = await (await room.post(path, line(issued), key=key)).json()
    assert (added["sha256"], added["holder"]) == (issued.sha256, "Nguyễn Văn An")
    watched = await room.one("SELECT lists FROM certificate_seen WHERE sha256 = $1", issued.sha256)
    assert watched == ["http://pki.example/crl/sub.crl"], "kept fresh before the first document comes"
    again = await (await room.post(path, line(issued, title="Phó Giám đốc"), key=key)).json()
    assert again["id"] == added["id"], "the same certificate, agency and role is the same entry"
    initials = await (await room.post(path, line(issued, role="initials", title=None), key=key)).json()

    first = await (await room.get(f"{path}?limit=1", key=key)).json()
    assert [(one["role"], one["title"]) for one in first["items"]] == [("leader", "Phó Giám đốc")]
    rest = await (await room.get(f"{path}?limit=1&after={first['next']}", key=key)).json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([initials["id"]], None)
    assert (await (await room.get(f"{path}?agency=000.00.00.G12", key=key)).json())["items"] == []

    ended = await room.post(f"{path}/{issued.sha256}/end", {"reason": "Nghỉ hưu từ hôm nay"}, key=key)
    assert await ended.json() == {"ended": 2}
    (one, _other) = (await (await room.get(path, key=key)).json())["items"]
    assert (one["end_reason"], one["ended_by"] != "") == ("Nghỉ hưu từ hôm nay", True)
    assert datetime.fromisoformat(one["valid_to"]) == room.node.clock()
    refused = await room.post(path, line(issued), key=key)
    assert (refused.status, (await refused.json())["code"]) == (409, "CERTIFICATE_ENDED")
    twice = await room.post(f"{path}/{issued.sha256}/end", {"reason": "Lần nữa"}, key=key)
    assert (twice.status, (await twice.json())["code"]) == (404, "CERTIFICATE_UNKNOWN")


async def test_an_old_certificate_ends_ahead_while_the_new_one_is_taken_up(room: Room, pki: Pki, clock: Clock) -> None:
    """B14: the overlap is a time the operator names; it can be cut short, never stretched, never laid in the past."""
    issued, key = issue(pki), room.operator_key
    path = f"/v1/operations/certificates/{issued.sha256}/end"
    await room.post("/v1/operations/certificates", line(issued), key=key)

    async def end(**body: str) -> tuple[int, Any]:
        answer = await room.post(path, {"reason": "Đổi chứng thư", **body}, key=key)
        return answer.status, await answer.json()

    async def until_when() -> datetime:
        when: datetime = await room.one("SELECT valid_to FROM certificate WHERE sha256 = $1", issued.sha256)
        return when

    now = clock()
    past, none = (now - timedelta(minutes=1)).isoformat(), "2026-02-31T00:00:00+07:00"
    assert (await end(at=past))[1]["code"] == "CERTIFICATE_END_PAST"
    assert (await end(at=none))[1]["code"] == "REQUEST_INVALID"
    assert (await end(at="2026-03-02T09:00:00"))[1]["code"] == "REQUEST_INVALID"
    assert await end(at=(now + timedelta(hours=1)).isoformat()) == (200, {"ended": 1})
    assert await until_when() == now + timedelta(hours=1)
    assert (await end(at=(now + timedelta(hours=2)).isoformat()))[1]["code"] == "CERTIFICATE_UNKNOWN"
    clock.advance(minutes=10)
    assert await end() == (200, {"ended": 1})
    assert await until_when() == clock()


async def test_only_an_operator_may(room: Room, pki: Pki) -> None:
    for answer in (
        await room.post("/v1/operations/certificates", line(issue(pki))),
        await room.get("/v1/operations/certificates"),
        await room.get("/v1/operations/revocation"),
    ):
        assert (answer.status, (await answer.json())["code"]) == (403, "KEY_WRONG_KIND")


@pytest.mark.parametrize("content", ["x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "AAAA"])
async def test_what_is_no_certificate(room: Room, content: str) -> None:
    body = {"certificate": content, "agency": AGENCY, "role": "leader"}
    answer = await room.post("/v1/operations/certificates", body, key=room.operator_key)
    assert (answer.status, (await answer.json())["code"]) == (422, "SIG_CERTIFICATE_UNREADABLE")


async def test_nothing_is_fetched_and_nothing_is_amiss(room: Room) -> None:
    answer = await (await room.get("/v1/operations/revocation", key=room.operator_key)).json()
    assert answer == {"fetching": False, "troubles": []}
    ready = await (await room.get("/readyz", key="")).json()
    assert ready["warnings"] == []


# Expiry --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "notice"),
    [
        (timedelta(days=91), None),
        (timedelta(days=90), 90),
        (timedelta(days=61), 90),
        (timedelta(days=60), 60),
        (timedelta(days=30), 30),
        (timedelta(days=14), 14),
        (timedelta(days=8), 14),
        (timedelta(days=7), 7),
        (timedelta(days=1), 1),
        (timedelta(hours=1), 1),
        (timedelta(0), 0),
        (timedelta(days=-3), 0),
    ],
)
def test_days_of_notice(left: timedelta, notice: int | None) -> None:
    known = Expiry(kind=Kind.ROOT, subject="x", holder="x", expires_at=NOW + left)
    assert known.notice(NOW) == notice


@pytest.mark.parametrize(("life", "left", "notice"), [(7, 5, None), (7, 1, 1), (30, 14, 14), (30, 29, None), (7, 0, 0)])
def test_list_is_spoken_of_in_the_last_half_of_its_life(life: int, left: int, notice: int | None) -> None:
    known = Expiry(
        kind=Kind.LIST,
        subject="x",
        holder="x",
        expires_at=NOW + timedelta(days=left),
        life=timedelta(days=life),
    )
    assert known.notice(NOW) == notice


@pytest_asyncio.fixture
async def surveyed(node: Node, pki: Pki, tmp_path: Path) -> AsyncIterator[tuple[Node, VerificationPool]]:
    await asyncio.to_thread(pki.write_store, tmp_path)
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "data", "signing": {"trust_dir": str(tmp_path), "trust_store": STORE}}
    )
    async with VerificationPool(VerificationSettings(workers=1, extra_jobs=REVOCATION_JOBS)) as pool:
        object.__setattr__(node, "settings", settings)
        object.__setattr__(node, "verifier", pool)
        yield node, pool


async def test_each_expiry_is_told_once_also_after_a_restart(
    surveyed: tuple[Node, VerificationPool], pki: Pki, clock: Clock
) -> None:
    node, pool = surveyed
    await _enter(node, issue(pki, days=20))
    await _met(node, pki.tsa)

    async def told() -> list[tuple[str, int | None]]:
        found = await expiry.survey(node.db, node.settings, run=pool.run, now=clock())
        return [(one.kind.value, one.notice(clock())) for one in await expiry.tell(node.db, found, now=clock())]

    assert await told() == [("registered", 30)]
    assert await told() == []
    clock.advance(days=6, hours=1)
    assert await told() == [("registered", 14)]
    clock.advance(days=11)
    # The lists live thirty days and were never renewed here.
    assert await told() == [("registered", 7), ("revocation_list", 14), ("revocation_list", 14)]
    clock.advance(days=4)
    assert await told() == [("registered", 0)]
    kinds = {one.kind for one in await expiry.survey(node.db, node.settings, run=pool.run, now=clock())}
    assert kinds == {Kind.ROOT, Kind.INTERMEDIATE, Kind.LIST, Kind.REGISTERED, Kind.TIMESTAMPER}


async def _enter(node: Node, issued: Issued) -> None:
    async with node.db.unit(None) as conn:
        await node.db.queries.insert_certificate(
            conn,
            sha256=issued.sha256,
            agency_code=AGENCY,
            role="leader",
            holder="Nguyễn Văn An",
            valid_from=NOW - timedelta(days=30),
            valid_to=issued.certificate.not_valid_after_utc,
        )


async def _met(node: Node, issued: Issued) -> None:
    async with node.db.unit(None) as conn:
        await node.db.queries.certificates_seen(
            conn,
            digests=[issued.sha256],
            contents=[asn1(issued.certificate).dump()],
            holders=["TEST TSA"],
            authorities=[False],
            froms=[issued.certificate.not_valid_before_utc],
            tos=[issued.certificate.not_valid_after_utc],
            addresses=[{"lists": [], "responders": []}],
        )
