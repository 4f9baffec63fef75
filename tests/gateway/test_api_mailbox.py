"""Mailbox and incoming documents over HTTP: read by cursor, fetch bytes, register, refuse, report."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from lienthong.gateway.exchanges import Inward
from lienthong.gateway.files.layout import NODE_FILES
from lienthong.gateway.identifiers import Noun, show
from lienthong.gateway.pipeline.arrivals import put_into_mailbox

from .conftest import PDF

if TYPE_CHECKING:
    from lienthong.gateway.files.layout import AgencyKey

    from .conftest import Room

RAW = b"<edXML>as received</edXML>"


async def keep(room: Room, key: AgencyKey, content: bytes) -> str:
    async with room.node.files.receive(key, limit=1 << 20) as incoming:
        await incoming.write(content)
        return (await incoming.commit()).sha256


async def arrive(room: Room, number: int = 1, *, held: bool = False) -> str:
    """An incoming document of the receiver, as the pipeline leaves it."""
    node, queries = room.node, room.node.db.queries
    package_id, exchange_id = node.new_id(), node.new_id()
    raw, main = await keep(room, NODE_FILES, RAW), await keep(room, room.receiver, PDF)
    async with node.db.unit(room.receiver) as conn:
        await conn.execute(
            """insert into incoming_package (id, axis, receiver_doc_id, kind, state, sha256, size)
               values ($1, 'national', $2, 'edoc', 'received', $3, $4)""",
            package_id,
            f"r-{number}",
            raw,
            len(RAW),
        )
        await conn.execute(
            """insert into event (subject, subject_id, from_state, to_state, actor)
               values ('incoming_package', $1, '', 'received', 'node')""",
            package_id,
        )
        exchange = await queries.insert_exchange(
            conn,
            id=exchange_id,
            agency_id=room.receiver,
            direction="inward",
            origin="axis",
            state=Inward.HELD if held else Inward.DELIVERED,
            document_id=f"A01,2026/02/27,{number}/BNV-VP",
            sender_code="A01",
            sender_name="Bộ Nội vụ",
            code_number=str(number),
            code_notation="BNV-VP",
            promulgation_date=None,
            type_name="Công văn",
            doc_subject="V/v báo cáo",
            priority=1,
            business_type=0,
            book=None,
            metadata={"subject": "V/v báo cáo", "label": "Chỉ tham khảo", "signer": {"full_name": "Trần Văn Bình"}},
            content_digest=str(number),
            overall="INVALID",
            legal_value="reference",
            policy_id=None,
            traceparent=None,
            incoming_package_id=package_id,
            event_subject="inward",
            actor="node",
            reason=None,
        )
        await queries.insert_exchange_files(
            conn,
            exchange_id=exchange_id,
            agency_id=room.receiver,
            content_ids=["c1"],
            names=["công văn “đến”.pdf"],
            descriptions=[None],
            content_types=["application/pdf"],
            digests=[main],
            sizes=[len(PDF)],
            reports=[{"overall": "INVALID", "signatures": []}],
        )
        if not held:
            await put_into_mailbox(node, conn, exchange, label="Chỉ tham khảo")
    return show(Noun.EXCHANGE, exchange_id)


async def read(room: Room, path: str, key: str | None = None) -> dict[str, Any]:
    answer = await room.get(path, key=key or room.receiver_key)
    body: dict[str, Any] = await answer.json()
    assert answer.status == 200, body
    return body


async def test_the_mailbox_is_read_by_cursor(room: Room) -> None:
    ids = [await arrive(room, number) for number in (1, 2, 3)]
    first = await read(room, "/v1/mailbox?limit=2")
    assert [(item["cursor"], item["kind"], item["id"], item["label"]) for item in first["items"]] == [
        (1, "document", ids[0], "Chỉ tham khảo"),
        (2, "document", ids[1], "Chỉ tham khảo"),
    ]
    assert (first["next"], first["more"]) == (2, True)
    rest = await read(room, f"/v1/mailbox?after={first['next']}&limit=2")
    assert ([item["id"] for item in rest["items"]], rest["next"], rest["more"]) == ([ids[2]], 3, False)
    assert await read(room, "/v1/mailbox?after=3") == {"items": [], "next": 3, "more": False}


async def test_an_incoming_document_with_its_verdict(room: Room) -> None:
    view = await read(room, f"/v1/incoming/{await arrive(room)}")
    assert view["label"] == "Chỉ tham khảo"
    assert view["verdict"] == {
        "overall": "INVALID",
        "label": "KHÔNG HỢP LỆ",
        "legal_value": "reference",
        "legal_label": "Chỉ tham khảo",
    }
    assert (view["sender"], view["code"]) == ({"code": "A01", "name": "Bộ Nội vụ"}, "1/BNV-VP")
    assert view["envelope"] == {"subject": "V/v báo cáo", "signer": {"full_name": "Trần Văn Bình"}}
    assert view["package"]["sha256"] == hashlib.sha256(RAW).hexdigest()
    assert (view["state_label"], view["priority_label"]) == ("Đã đến hộp thư", "Khẩn")


async def test_bytes_come_as_they_were_received(room: Room) -> None:
    document = await arrive(room)
    answer = await room.get(f"/v1/incoming/{document}/package", key=room.receiver_key)
    assert await answer.read() == RAW
    answer = await room.get(f"/v1/incoming/{document}/files/0", key=room.receiver_key)
    digest = hashlib.sha256(PDF).digest()
    assert await answer.read() == PDF
    assert answer.headers["ETag"] == f'"{digest.hex()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="c_ng v_n ___n_.pdf"; '
        "filename*=UTF-8''c%C3%B4ng%20v%C4%83n%20%E2%80%9C%C4%91%E1%BA%BFn%E2%80%9D.pdf"
    )


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ({"Range": "bytes=0-4"}, 206, PDF[:5]),
        ({"Range": "bytes=5-"}, 206, PDF[5:]),
        ({"Range": "bytes=-3"}, 206, PDF[-3:]),
        ({"Range": "bytes=0-4", "If-Range": '"other"'}, 200, PDF),
        ({"Range": "bytes=99999-"}, 416, None),
        ({"Range": "chars=1-2"}, 416, None),
        ({"If-None-Match": f'"{hashlib.sha256(PDF).hexdigest()}"'}, 304, b""),
        ({"If-None-Match": '"other"'}, 200, PDF),
    ],
)
async def test_ranges_and_tags(room: Room, asked: dict[str, str], status: int, expected: bytes | None) -> None:
    path = f"/v1/incoming/{await arrive(room)}/files/0"
    answer = await room.get(path, key=room.receiver_key, headers=asked)
    content = await answer.read()
    assert answer.status == status
    if expected is not None:
        assert content == expected
    if status == 206:
        assert answer.headers["Content-Range"].endswith(f"/{len(PDF)}")


async def test_a_document_is_registered_once(room: Room) -> None:
    document = await arrive(room)
    path = f"/v1/incoming/{document}/registration"
    answer = await room.post(path, {"holder": "Phòng Ngân sách"}, key=room.receiver_key)
    body = await answer.json()
    assert answer.status == 200, body
    assert (body["number"], body["year"], body["book"], body["already"]) == (1, 2026, "van-ban-den", False)
    again = await (await room.post(path, {}, key=room.receiver_key)).json()
    assert (again["number"], again["already"]) == (1, True)
    clash = await room.post(path, {"number": 7}, key=room.receiver_key)
    assert (clash.status, (await clash.json())["code"]) == (409, "ALREADY_REGISTERED")
    view = await read(room, f"/v1/incoming/{document}")
    assert (view["state"], view["register_entry"]["number"]) == ("registered", "1")
    other = await arrive(room, 2)
    taken = await room.post(f"/v1/incoming/{other}/registration", {"number": 1}, key=room.receiver_key)
    assert (taken.status, (await taken.json())["code"]) == (409, "ARRIVAL_NUMBER_TAKEN")


async def test_statuses_follow_the_table(room: Room) -> None:
    document = await arrive(room)
    early = await room.post(f"/v1/incoming/{document}/statuses", {"status": "05"}, key=room.receiver_key)
    assert (early.status, (await early.json())["code"]) == (409, "STATE_CONFLICT")
    await room.post(f"/v1/incoming/{document}/registration", {}, key=room.receiver_key)
    for status, state in (("04", "assigned"), ("05", "processing"), ("06", "finished")):
        answer = await room.post(f"/v1/incoming/{document}/statuses", {"status": status}, key=room.receiver_key)
        assert (answer.status, (await answer.json())["state"]) == (200, state)
    timeline = await read(room, f"/v1/documents/{document}/timeline")
    assert [item["to"] for item in timeline["items"]] == [
        "received", "delivered", "registered", "assigned", "processing", "finished",
    ]  # fmt: skip
    assert timeline["items"][1]["subject_label"] == "Văn bản đến"
    assert timeline["items"][2]["actor"].startswith("api:")


async def test_a_refusal_needs_a_reason(room: Room) -> None:
    document = await arrive(room)
    path = f"/v1/incoming/{document}/refusal"
    for body in ({}, {"reason": " "}, {"reason": "x", "y": 1}):
        answer = await room.post(path, body, key=room.receiver_key)
        assert (answer.status, (await answer.json())["code"]) == (400, "REQUEST_INVALID")
    answer = await room.post(path, {"reason": "Không thuộc thẩm quyền."}, key=room.receiver_key)
    assert (answer.status, (await answer.json())["state_label"]) == (200, "Đã từ chối tiếp nhận")
    again = await room.post(path, {"reason": "Không thuộc thẩm quyền."}, key=room.receiver_key)
    assert again.status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/incoming/{id}", None),
        ("GET", "/v1/incoming/{id}/package", None),
        ("GET", "/v1/incoming/{id}/files/0", None),
        ("GET", "/v1/documents/{id}", None),
        ("GET", "/v1/documents/{id}/timeline", None),
        ("GET", "/v1/documents/{id}/certificate", None),
        ("POST", "/v1/incoming/{id}/registration", {}),
        ("POST", "/v1/incoming/{id}/refusal", {"reason": "x"}),
        ("POST", "/v1/incoming/{id}/statuses", {"status": "04"}),
    ],
)
async def test_another_agencys_document_is_not_there(room: Room, method: str, path: str, body: object) -> None:
    document = await arrive(room)
    headers = {"Authorization": f"Bearer {room.sender_key}"}
    for known in (document, show(Noun.EXCHANGE, UUID(int=7))):
        answer = await room.client.request(method, path.format(id=known), json=body, headers=headers)
        shown = await answer.json()
        assert answer.status == 404
        assert shown["code"] in {"DOCUMENT_NOT_FOUND", "FILE_NOT_IN_DOCUMENT"}
    assert (await read(room, f"/v1/incoming/{document}"))["state"] == "delivered"


async def test_both_registers_in_the_columns_of_the_decree(room: Room) -> None:
    await room.post(
        f"/v1/incoming/{await arrive(room)}/registration",
        {"holder": "Phòng Ngân sách", "arrival_date": "2026-03-01", "number": 3},
        key=room.receiver_key,
    )
    book = await read(room, "/v1/registers/incoming/2026")
    assert (book["title"], len(book["columns"])) == ("Sổ đăng ký văn bản đến", 10)
    assert book["items"][0]["cells"] == [
        "01/03/2026", "3", "Bộ Nội vụ", "1/BNV-VP", "", "Công văn. V/v báo cáo", "Phòng Ngân sách", "01/03/2026",
        "", "",
    ]  # fmt: skip
    gaps = await read(room, "/v1/registers/incoming/2026/gaps")
    assert gaps["gaps"] == [{"from": 1, "to": 2}]
    assert (await read(room, "/v1/registers/outgoing/2026"))["items"] == []


async def test_a_register_goes_on_page_by_page(room: Room) -> None:
    for number in range(1, 6):
        room.node.clock.advance(seconds=1)  # type: ignore[attr-defined]
        await room.post(f"/v1/incoming/{await arrive(room, number)}/registration", {}, key=room.receiver_key)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await read(room, f"/v1/registers/incoming/2026?limit=2{cursor}")
        seen += [line["number"] for line in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&after={page['next']}"
    assert seen == ["1", "2", "3", "4", "5"]


async def test_bytes_that_are_gone_or_cut_are_not_served(room: Room) -> None:
    path = f"/v1/incoming/{await arrive(room)}/files/0"
    async with room.node.files.at_hand(room.receiver, hashlib.sha256(PDF).hexdigest()) as stored:
        pass
    stored.write_bytes(PDF[:-1])
    answer = await room.get(path, key=room.receiver_key)
    assert (answer.status, (await answer.json())["code"]) == (503, "FILE_STORE_FAILED")
    stored.unlink()
    answer = await room.get(path, key=room.receiver_key)
    assert (answer.status, (await answer.json())["code"]) == (404, "FILE_NOT_FOUND")
