"""Journeys of documents that their senders take back (axis.md F20, F21): by status 13 or by a recall document.

Before the document, while it is held, and after 06: nobody reads what was taken back, and the sender gets 15, or 16
where a policy lets the receiver refuse.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lienthong.edxml.identifiers import DocumentId, OrganCode
from lienthong.edxml.model import Business, BusinessType, ResponseFor, StaffInfo, StatusPackage
from lienthong.tests.journeys.outsiders import VIETNAM, bring, letter, organization
from lienthong.tests.journeys.papers import OUTSIDE, SENDER
from lienthong.tests.journeys.province import LONG, Province
from lienthong.tests.journeys.test_inward import answers, documents, holds
from lienthong.tests.waiting import until

ELSEWHERE = "000.00.00.G06"


def named(province: Province, number: str) -> DocumentId:
    return DocumentId.make(OrganCode.parse(OUTSIDE), province.papers.today, number, "UBND-VX")


def take_back(province: Province, number: str, *, by: str = OUTSIDE) -> StatusPackage:
    """Status 13: the sender of the document asks the receiver, who is named in ResponseFor."""
    return StatusPackage(
        sender=organization(by),
        response_for=ResponseFor(
            organ=OrganCode.parse(SENDER),
            code=f"{number}/UBND-VX",
            document_id=named(province, number),
            promulgation_date=province.papers.today,
        ),
        status_code="13",
        timestamp=province.node.clock().astimezone(VIETNAM).replace(microsecond=0),
        description="Gửi nhầm nơi nhận",
        staff=StaffInfo(department="Văn thư", staff="Người Mẫu"),
    )


async def told(province: Province, label: str) -> list[dict[str, Any]]:
    return [item for item in await province.sender.mailbox("status") if item["label"] == label]


async def repeated(province: Province) -> bool:
    asked = await province.rows("SELECT answer FROM recall WHERE sender_code = $1", OUTSIDE)
    return [row["answer"] for row in asked] == ["15", "15"]


async def in_the_mailbox(province: Province, number: str, tmp_path: Path) -> str:
    paper = await province.papers.signed(number, by=OUTSIDE)
    await bring(province, letter(province, number, paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    document: str = item["id"]
    return document


async def report(province: Province, document: str, code: str, **more: str) -> tuple[int, Any]:
    path = f"/v1/incoming/{document}/statuses"
    return await province.sender.call("POST", path, json={"status": code, **more})


async def reads_nothing(province: Province, document: str) -> None:
    """Neither the file nor the package; what is known of the recall is there."""
    for place in ("files/0", "package"):
        code, problem = await province.sender.call("GET", f"/v1/incoming/{document}/{place}")
        assert (code, problem["code"]) == (410, "DOCUMENT_RECALLED")
    _, view = await province.sender.call("GET", f"/v1/incoming/{document}")
    assert (view["state_label"], view["recall"]["answer"]) == ("Đã thu hồi", "15")
    assert view["recall"]["from_code"] == OUTSIDE


@pytest.mark.parametrize("route", ["status", "document"])
async def test_a_document_that_comes_after_its_recall_is_recalled_at_once(
    province: Province, tmp_path: Path, route: str
) -> None:
    """F21: the request is kept until its document comes; then nobody reads it, and 01 and 15 go back."""
    if route == "status":
        await bring(province, take_back(province, "61"), tmp_path)
    else:
        paper = await province.papers.signed("62", by=OUTSIDE)
        what = Business(type=BusinessType.RECALL, document_id=named(province, "61"), reason="Gửi nhầm", paper=False)
        await bring(province, letter(province, "62", paper, to=(SENDER,), business=what), tmp_path)

    async def kept() -> list[dict[str, Any]]:
        return await province.rows("SELECT route FROM recall WHERE exchange_id IS NULL")

    assert [row["route"] for row in await until(kept, LONG)] == [route]
    paper = await province.papers.signed("61", by=OUTSIDE)
    await bring(province, letter(province, "61", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: told(province, "Đã thu hồi trước khi đến"), LONG)
    await reads_nothing(province, item["id"])
    assert item["id"] not in {one["id"] for one in await documents(province)}
    await until(lambda: answers(province)[-2:] == ["01", "15"], LONG)


async def test_a_recall_after_completion_is_carried_out_by_the_clerk(province: Province, tmp_path: Path) -> None:
    """F21, after 06: the work stops, 16 is against the law unless a policy says otherwise, 15 ends it."""
    document = await in_the_mailbox(province, "63", tmp_path)
    await province.sender.call("POST", f"/v1/incoming/{document}/registration", json={})
    assert (await report(province, document, "06"))[0] == 200
    assert (await report(province, document, "15"))[1]["code"] == "RECALL_NOT_ASKED"

    await bring(province, take_back(province, "63", by=ELSEWHERE), tmp_path)  # nobody takes back what is not his
    await bring(province, take_back(province, "63"), tmp_path)
    (item,) = await until(lambda: told(province, "Bên gửi yêu cầu thu hồi"), LONG)
    assert (item["id"], item["detail"]["description"]) == (document, "Gửi nhầm nơi nhận")
    assert (await report(province, document, "05"))[1]["code"] == "STATE_CONFLICT"
    refused = await report(province, document, "16", description="Đã giải quyết xong")
    assert (refused[0], refused[1]["code"]) == (409, "RECALL_BINDING")
    assert (await province.sender.call("GET", f"/v1/incoming/{document}/files/0"))[0] == 200

    code, answer = await report(province, document, "15", description="Đã hủy văn bản")
    assert (code, answer["state"]) == (200, "recalled")
    assert (await report(province, document, "15"))[0] == 200
    await reads_nothing(province, document)
    again = replace(take_back(province, "63"), description="Gửi lại yêu cầu")
    await bring(province, again, tmp_path)  # asked once more, also by a sender who missed the answer
    await until(lambda: repeated(province), LONG)
    await reads_nothing(province, document)
    await until(lambda: answers(province) == ["01", "03", "06", "15"], LONG)
    by_others = await province.rows("SELECT exchange_id FROM recall WHERE sender_code = $1", ELSEWHERE)
    assert [row["exchange_id"] for row in by_others] == [None]


async def test_where_a_policy_lets_it_a_recall_is_refused_with_a_reason(province: Province, tmp_path: Path) -> None:
    async with province.node.db.unit(None) as conn:
        await province.node.db.queries.insert_agency_policy(
            conn,
            key="recall_refusable",
            agency_code=SENDER,
            valid_from=date(2020, 1, 1),
            valid_to=None,
            value=True,
            legal_basis="Quy chế thử nghiệm",
        )
    document = await in_the_mailbox(province, "64", tmp_path)
    await province.sender.call("POST", f"/v1/incoming/{document}/registration", json={})
    await bring(province, take_back(province, "64"), tmp_path)
    await until(lambda: told(province, "Bên gửi yêu cầu thu hồi"), LONG)
    assert (await report(province, document, "16"))[1]["code"] == "REASON_MISSING"
    code, answer = await report(province, document, "16", description="Đang là căn cứ giải quyết hồ sơ")
    assert (code, answer["state"]) == (200, "registered")
    assert (await province.sender.call("GET", f"/v1/incoming/{document}/files/0"))[0] == 200
    await until(lambda: answers(province) == ["01", "03", "16"], LONG)


async def test_what_is_still_held_is_recalled_by_the_node(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.altered("65", by=OUTSIDE)
    await bring(province, letter(province, "65", paper, to=(SENDER,)), tmp_path)
    await until(lambda: holds(province), LONG)
    await bring(province, take_back(province, "65"), tmp_path)
    (item,) = await until(lambda: told(province, "Bên gửi yêu cầu thu hồi"), LONG)
    assert await holds(province) == []
    await reads_nothing(province, item["id"])
    await until(lambda: answers(province) == ["15"], LONG)
