"""Journeys of incoming documents: what the receiver's eOffice, the operator and the sender see."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lienthong.adapters.axis import MessageKind, OutgoingPackage
from lienthong.edxml.identifiers import DocumentId
from lienthong.edxml.model import Business, BusinessType, Replacement, UpdateInfo
from lienthong.signing.evidence_files import read_bundle
from lienthong.tests.journeys.outsiders import bring, letter, status
from lienthong.tests.journeys.papers import NEIGHBOUR, OUTSIDE, SENDER
from lienthong.tests.journeys.province import LONG, Province
from lienthong.tests.waiting import until


async def documents(province: Province) -> list[dict[str, Any]]:
    return await province.sender.mailbox("document")


async def holds(province: Province) -> list[dict[str, Any]]:
    _, page = await province.operator.call("GET", "/v1/operations/holds")
    return page["items"]


def answers(province: Province) -> list[str]:
    """Business statuses that reached the outside agency, as the axis has them."""
    packages = province.emulator.controls.ledger.state.packages.values()
    return [one.status_code for one in packages if one.kind == "status" and one.deliveries[0].receiver == OUTSIDE]


async def test_a_good_letter_is_delivered_registered_and_worked_on(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("81", by=OUTSIDE)
    await bring(province, letter(province, "81", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == "Hợp lệ"

    document = item["id"]
    _, view = await province.sender.call("GET", f"/v1/incoming/{document}")
    assert view["files"][0]["sha256"] == sha256(paper.read_bytes()).hexdigest()
    assert "SIG_WARN_APPEARANCE" not in json.dumps(view)
    _, content = await province.sender.call("GET", f"/v1/incoming/{document}/files/0")
    assert content == paper.read_bytes()
    hidden, _ = await province.neighbour.call("GET", f"/v1/incoming/{document}")
    assert hidden == 404

    _, evidence = await province.sender.call("GET", f"/v1/documents/{document}/evidence/0")
    (tmp_path / "chung-cu.json").write_text(json.dumps(evidence), encoding="utf-8")
    kept = read_bundle(tmp_path / "chung-cu.json", view["files"][0]["sha256"])
    assert kept.manifest["report"]["overall"] == "VALID"
    hidden, _ = await province.neighbour.call("GET", f"/v1/documents/{document}/evidence/0")
    assert hidden == 404

    _, first = await province.sender.call("POST", f"/v1/incoming/{document}/registration", json={})
    _, again = await province.sender.call("POST", f"/v1/incoming/{document}/registration", json={})
    assert first["number"] == again["number"] == 1
    for code in ("04", "05", "06"):
        path = f"/v1/incoming/{document}/statuses"
        done, answer = await province.sender.call("POST", path, json={"status": code})
        assert done == 200, answer
    await until(lambda: answers(province) == ["01", "03", "04", "05", "06"], LONG)


async def test_one_signature_of_two_is_delivered_for_reference(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.leader_only("82", by=OUTSIDE)
    await bring(province, letter(province, "82", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == "Chỉ tham khảo"
    _, view = await province.sender.call("GET", f"/v1/incoming/{item['id']}")
    assert view["verdict"]["legal_value"] == "reference"


async def test_a_seal_that_is_not_red_is_a_warning_and_no_reason_to_hold(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.sealed_in_blue("95", by=OUTSIDE)
    await bring(province, letter(province, "95", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == "Hợp lệ"
    _, view = await province.sender.call("GET", f"/v1/incoming/{item['id']}")
    shown = json.dumps(view)
    assert "SIG_WARN_APPEARANCE_SEAL_COLOUR" in shown, sorted(view)


async def test_an_altered_letter_is_held_and_nothing_happens_by_itself(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.altered("83", by=OUTSIDE)
    await bring(province, letter(province, "83", paper, to=(SENDER,)), tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    assert hold["proposal"] == "02"
    assert await documents(province) == []
    assert answers(province) == []

    path = f"/v1/operations/holds/{hold['id']}/cancel"
    done, answer = await province.operator.call("POST", path, json={"reason": "Nội dung đã bị sửa sau khi ký."})
    assert done == 200, answer
    await until(lambda: answers(province) == ["02"], LONG)


async def test_a_held_letter_that_a_person_releases_is_for_reference_only(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.altered("84", by=OUTSIDE)
    await bring(province, letter(province, "84", paper, to=(SENDER,)), tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    path = f"/v1/operations/holds/{hold['id']}/release"
    await province.operator.call("POST", path, json={"reason": "Bên gửi xác nhận qua điện thoại."})
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"].startswith("Chỉ tham khảo")


async def test_a_letter_delivered_twice_is_one_document(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("85", by=OUTSIDE)
    package = letter(province, "85", paper, to=(SENDER,))
    await bring(province, package, tmp_path)
    await bring(province, package, tmp_path)

    async def both_known() -> bool:
        rows = await province.rows("SELECT state, acknowledged_at FROM incoming_package ORDER BY state")
        return [row["state"] for row in rows] == ["delivered", "duplicate"] and all(
            row["acknowledged_at"] for row in rows
        )

    await until(both_known, LONG)
    assert len(await documents(province)) == 1
    await until(lambda: answers(province) == ["01"], LONG)


async def test_the_same_identifier_with_other_content_is_held(province: Province, tmp_path: Path) -> None:
    first = await province.papers.signed("86", by=OUTSIDE)
    other = await province.papers.signed("87", by=OUTSIDE)
    await bring(province, letter(province, "86", first, to=(SENDER,)), tmp_path)
    await until(lambda: documents(province), LONG)
    await bring(province, letter(province, "86", other, to=(SENDER,)), tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    assert hold["code"] == "DUPLICATE_OTHER_CONTENT"


async def test_a_letter_to_two_of_our_agencies_reaches_both(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("88", by=OUTSIDE)
    await bring(province, letter(province, "88", paper, to=(SENDER, NEIGHBOUR)), tmp_path)
    await until(lambda: documents(province), LONG)
    await until(lambda: province.neighbour.mailbox("document"), LONG)

    async def both_lines_of_the_axis_are_settled() -> bool:
        rows = await province.rows("SELECT state FROM incoming_package ORDER BY state")
        return [row["state"] for row in rows] == ["delivered", "duplicate"]

    await until(both_lines_of_the_axis_are_settled, LONG)
    assert len(await documents(province)) == 1
    assert len(await province.neighbour.mailbox("document")) == 1


OLD = DocumentId(f"{OUTSIDE},2026/01/05,7/UBND-VX")


@pytest.mark.parametrize(
    ("business", "label"),
    [
        (Business(type=BusinessType.RECALL, document_id=OLD, paper=False), "Thu hồi – Hợp lệ"),
        (
            Business(
                type=BusinessType.UPDATE,
                document_id=OLD,
                paper=False,
                update=UpdateInfo(document_changed=True, receivers_changed=False),
            ),
            "Cập nhật – Hợp lệ",
        ),
        (
            Business(type=BusinessType.REPLACE, paper=False, replacements=(Replacement(document_id=OLD),)),
            "Thay thế – Hợp lệ",
        ),
    ],
)
async def test_recall_update_and_replacement_reach_the_mailbox_labelled(
    province: Province, tmp_path: Path, business: Business, label: str
) -> None:
    paper = await province.papers.signed("90", by=OUTSIDE)
    await bring(province, letter(province, "90", paper, to=(SENDER,), business=business), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == label


async def test_a_refusal_needs_a_reason(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("91", by=OUTSIDE)
    await bring(province, letter(province, "91", paper, to=(SENDER,)), tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    path = f"/v1/incoming/{item['id']}/refusal"
    refused, _ = await province.sender.call("POST", path, json={"reason": "  "})
    assert refused == 400
    done, _ = await province.sender.call("POST", path, json={"reason": "Gửi nhầm đơn vị."})
    assert done == 200
    await until(lambda: answers(province) == ["01", "02"], LONG)
    late, problem = await province.sender.call("POST", f"/v1/incoming/{item['id']}/registration", json={})
    assert (late, problem["code"]) == (409, "STATE_CONFLICT")


async def test_an_orphan_status_is_parked_and_matched_when_its_document_is_known(
    province: Province, tmp_path: Path
) -> None:
    await bring(province, status(province, "03", sender=OUTSIDE, of=SENDER, number="92"), tmp_path)

    async def parked() -> bool:
        return [row["state"] for row in await province.rows("SELECT state FROM incoming_package")] == ["parked"]

    await until(parked, LONG)
    (row,) = await province.rows("SELECT document_id, status_code FROM orphan_status")
    assert row["status_code"] == "03"

    paper = await province.papers.signed("92")
    _, accepted = await province.sender.post(province.letter("92", OUTSIDE), paper, key="late")

    async def matched() -> bool:
        history = await province.rows("SELECT status_code FROM status_entry WHERE from_code = $1", OUTSIDE)
        return "03" in {row["status_code"] for row in history}

    await until(matched, LONG)
    assert accepted["document_id"] == row["document_id"]


async def test_a_document_nobody_of_ours_is_named_in_is_held(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("93", by=OUTSIDE)
    package = letter(province, "93", paper, to=("000.00.03.H99",))  # of our centre, not of this node
    await bring(province, package, tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    assert hold["code"] == "NOT_FOR_US"


async def test_a_certificate_registered_under_an_old_code_of_the_sender_is_his(
    province: Province, tmp_path: Path
) -> None:
    """The axis says that 000.00.00.G14 was the ministry's code before; papers are signed as that of today."""
    async with province.node.db.unit(None) as conn:
        await conn.execute("UPDATE certificate SET agency_code = '000.00.00.G14' WHERE agency_code = $1", OUTSIDE)
    paper = await province.papers.signed("95", by=OUTSIDE)
    package = letter(province, "95", paper, to=(SENDER,), sender="000.00.00.G06")
    await bring(province, package, tmp_path)
    (item,) = await until(lambda: documents(province), LONG)
    assert item["label"] == "Hợp lệ"


async def test_a_letter_signed_by_another_agency_than_its_sender_is_held(province: Province, tmp_path: Path) -> None:
    paper = await province.papers.signed("96", by=OUTSIDE)
    await bring(province, letter(province, "96", paper, to=(SENDER,), sender="000.00.00.G06"), tmp_path)
    (hold,) = await until(lambda: holds(province), LONG)
    assert hold["code"].startswith("SIG_")
    assert await documents(province) == []


async def test_what_cannot_be_read_is_stored_acknowledged_and_held(province: Province, tmp_path: Path) -> None:
    """The local channel carries any bytes, as an axis of another make may."""
    content = b"1212<?xml version='1.0'?><edXML>"
    path = tmp_path / "broken.edxml"
    path.write_bytes(content)
    package = OutgoingPackage(
        kind=MessageKind.DOCUMENT,
        path=path,
        size=len(content),
        sha256=sha256(content).hexdigest(),
        sender_code=NEIGHBOUR,
        receiver_codes=(SENDER,),
        document_id="broken",
    )
    await province.node.axes["local"].send(package)
    (hold,) = await until(lambda: holds(province), LONG)
    assert (hold["code"], hold["proposal"]) == ("EDXML_NOT_WELL_FORMED", "02")

    async def acknowledged() -> list[dict[str, Any]]:
        return await province.rows("SELECT sha256 FROM incoming_package WHERE acknowledged_at IS NOT NULL")

    (row,) = await until(acknowledged, LONG)
    assert row["sha256"] == package.sha256
    assert await documents(province) == []
