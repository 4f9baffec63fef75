"""POST /v1/documents and /v1/validations: what is accepted, and what is refused without leaving anything."""

from __future__ import annotations

import hashlib
import io
import json
import os
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from reportlab.pdfgen.canvas import Canvas

from lienthong.gateway.api.app import make_app
from lienthong.gateway.examiner import open_examiner

from .conftest import PDF, RECEIVER, SENDER, document, multipart

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Room

ANNEX = ("attachment", "phụ lục.txt", "Phụ lục kèm theo".encode())
MAIN = ("main", "công văn 15.pdf", PDF)


def codes(body: dict[str, Any]) -> dict[str, str]:
    """Place and code of every fault."""
    return {fault["place"]: fault["code"] for fault in body["faults"]}


async def refusal(room: Room, *args: Any, **options: Any) -> tuple[int, dict[str, Any]]:
    """The refusal of a submission; that it left nothing is checked every time."""
    answer = await room.submit(*args, **options)
    body = await answer.json()
    assert answer.content_type == "application/problem+json", body
    assert room.stored() == []
    assert await room.documents() == 0
    assert await room.one("SELECT count(*) FROM idempotency") == 0
    return answer.status, body


async def test_a_good_document_is_accepted_and_shown(room: Room) -> None:
    answer = await room.submit(document(), MAIN, ANNEX)
    body = await answer.json()
    assert (answer.status, body["state"], body["warnings"]) == (202, "accepted", []), body
    assert body["document_id"] == f"{SENDER},2026/03/02,15/STTTT-VP"
    assert answer.headers["Location"] == f"/v1/documents/{body['id']}"
    shown = await (await room.get(answer.headers["Location"])).json()
    assert [recipient["code"] for recipient in shown["recipients"]] == [RECEIVER]
    assert [(file["name"], file["sha256"], file["size"]) for file in shown["files"]] == [
        (name, hashlib.sha256(content).hexdigest(), len(content)) for _, name, content in (MAIN, ANNEX)
    ]
    assert shown["code"] == "15/STTTT-VP"
    assert sorted(path.name for path in room.stored()) == sorted(file["sha256"] for file in shown["files"])
    assert await room.one("SELECT count(*) FROM outbox") == 1


async def test_a_large_file_streams_through_windows(room: Room) -> None:
    content = PDF + os.urandom(3_000_000)
    answer = await room.submit(document(), ("main", "lớn.pdf", content))
    shown = await (await room.get((await answer.json())["id"].join(("/v1/documents/", "")))).json()
    assert shown["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()


async def test_names_and_texts_are_kept_in_nfc(room: Room) -> None:
    subject = "V/v góp ý dự thảo"
    name = "dự thảo.pdf"
    metadata = document(subject=unicodedata.normalize("NFD", subject))
    answer = await room.submit(metadata, ("main", unicodedata.normalize("NFD", name), PDF))
    shown = await (await room.get(answer.headers["Location"])).json()
    assert (shown["subject"], shown["files"][0]["name"]) == (subject, name)


async def test_a_secret_document_leaves_no_content(room: Room) -> None:
    large = PDF + b"x" * 2_000_000
    status, body = await refusal(room, document(secrecy="Tối mật"), ("main", "mật.pdf", large))
    assert (status, body["code"], body["blame"]) == (422, "SECRET_REFUSED", "document")
    assert body["type"] == "/errors/SECRET_REFUSED"
    assert "Tối mật" in body["detail"]


async def test_every_fault_of_the_metadata_at_once(room: Room) -> None:
    metadata = document(
        recipients=[],
        subject="",
        promulgation_date="2026-02-30",
        extra=1,
        signer={"position": 5, "x": 1},
        notation=None,
    )
    status, body = await refusal(room, metadata)
    assert (status, body["code"]) == (422, "SUBMISSION_INVALID")
    assert codes(body) == {
        "/recipients": "FIELD_LENGTH",
        "/subject": "FIELD_FORMAT",
        "/promulgation_date": "FIELD_FORMAT",
        "/extra": "FIELD_UNKNOWN",
        "/signer/full_name": "FIELD_REQUIRED",
        "/signer/position": "FIELD_TYPE",
        "/signer/x": "FIELD_UNKNOWN",
        "/notation": "FIELD_REQUIRED",
    }
    assert all(fault["message"].endswith((".", "$")) for fault in body["faults"])


async def test_rules_are_asked_before_a_file_is_kept(room: Room) -> None:
    metadata = document(recipients=["KHONG.CO", SENDER], promulgation_date="2026-03-09")
    status, body = await refusal(room, metadata)
    assert (status, body["code"]) == (422, "SUBMISSION_INVALID")
    assert codes(body) == {
        "/recipients/0": "RECIPIENT_UNKNOWN",
        "/recipients/1": "RECIPIENT_SELF",
        "/promulgation_date": "DATE_IN_FUTURE",
    }


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([("main", "công văn.docx", PDF)], {"main:công văn.docx": "FILE_NOT_PDF"}),
        ([("main", "a.pdf", b"MZ" + b"\0" * 9000)], {"main:a.pdf": "FILE_TYPE_MISMATCH"}),
        ([("main", "a.pdf", b"")], {"main:a.pdf": "FILE_EMPTY"}),
        ([MAIN, ("attachment", "a.exe", b"MZ")], {"attachment:a.exe": "FILE_FORMAT_NOT_ALLOWED"}),
        (
            [("main", "b.doc", b"x" * 600_000), ("attachment", "c.xlsx", b"no zip"), ANNEX],
            {"main:b.doc": "FILE_NOT_PDF", "attachment:c.xlsx": "FILE_TYPE_MISMATCH"},
        ),
        ([MAIN, ("attachment", "x\u202efdp.txt", b"x")], {"attachment:x\u202efdp.txt": "FILE_NAME"}),
    ],
)
async def test_a_file_that_is_not_what_it_says(
    room: Room, files: list[tuple[str, str, bytes]], expected: dict[str, str]
) -> None:
    status, body = await refusal(room, document(), *files)
    assert (status, codes(body)) == (422, expected)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe{}",
        b'{"a":1,"a":2}',
        b'{"copies":NaN}',
        b"[" * 100_000,
        b'{"copies":' + b"9" * 5000 + b"}",
    ],
)
async def test_metadata_that_is_no_json_object(room: Room, content: bytes) -> None:
    status, body = await refusal(room, content)
    assert (status, body["code"]) == (400, "JSON_INVALID")


@pytest.mark.parametrize("bad", ["\x00", "\u202e", "\ud800", "\x1b"])
async def test_characters_that_mislead_or_break(room: Room, bad: str) -> None:
    status, body = await refusal(room, json.dumps(document(subject=f"a{bad}b", place=bad)).encode())
    assert (status, codes(body)) == (422, {"/subject": "FIELD_CHARACTERS", "/place": "FIELD_CHARACTERS"})


@pytest.mark.parametrize(
    "files",
    [
        [("attachment", "a.pdf", PDF)],
        [MAIN, MAIN],
        [MAIN, ("other", "a.pdf", PDF)],
        [("metadata", "m.json", b"{}"), MAIN],
    ],
)
async def test_parts_out_of_order(room: Room, files: list[tuple[str, str, bytes]]) -> None:
    status, body = await refusal(room, document(), *files)
    assert (status, body["code"]) == (400, "MULTIPART_PARTS")


async def test_the_same_number_twice_in_a_year(room: Room) -> None:
    assert (await room.submit()).status == 202
    answer = await room.submit(document(subject="khác"), idempotency_key="k-2")
    body = await answer.json()
    assert (answer.status, body["code"], codes(body)) == (409, "NUMBER_TAKEN", {"/number": "NUMBER_TAKEN"})


async def test_a_reserved_number_is_used_once(room: Room) -> None:
    order = {"year": 2026, "notation": "STTTT-VP"}
    answer = await room.post("/v1/numbers", order)
    reserved = await answer.json()
    assert (answer.status, reserved["number"], reserved["book"]) == (201, 1, "van-ban-di")
    metadata = document(number=None, reservation=reserved["reservation"])
    first = await room.submit(metadata)
    assert (await first.json())["document_id"].endswith(",01/STTTT-VP")
    second = await room.submit(metadata | {"subject": "khác"}, idempotency_key="k-2")
    assert (second.status, (await second.json())["code"]) in {(409, "RESERVATION_USED"), (409, "NUMBER_TAKEN")}


async def test_validation_says_everything_and_keeps_nothing(room: Room) -> None:
    metadata = document(subject=None)
    answer = await room.submit(metadata, ("main", "a.doc", b"x"), path="/v1/validations")
    body = await answer.json()
    assert (answer.status, body["acceptable"]) == (200, False)
    assert codes(body) == {"/subject": "FIELD_REQUIRED", "main:a.doc": "FILE_NOT_PDF"}
    assert (room.stored(), await room.documents()) == ([], 0)


async def test_validation_judges_the_signatures(room: Room, tmp_path: Path) -> None:
    page = io.BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 720, "chua ky")
    canvas.save()
    async with open_examiner(room.node.settings) as examiner:
        node = replace(room.node, verifier=examiner, trust_folder=tmp_path)
        async with TestClient(TestServer(make_app(node))) as client:
            answer = await client.post(
                "/v1/validations",
                data=multipart(document(), ("main", "a.pdf", page.getvalue()), ANNEX),
                headers={"Authorization": f"Bearer {room.sender_key}"},
            )
            body = await answer.json()
    assert (answer.status, body["acceptable"], body["faults"]) == (200, False, []), body
    main, annex = body["files"]
    assert (main["overall_label"], main["report"]["reason_code"]) == ("KHÔNG HỢP LỆ", "SIG_NOT_SIGNED")
    assert (annex["sha256"], annex["report"]) == (hashlib.sha256(ANNEX[2]).hexdigest(), None)
    assert (room.stored(), await room.documents()) == ([], 0)


async def test_validation_of_a_secret_document_reads_no_file(room: Room) -> None:
    answer = await room.submit(document(secrecy="Mật"), path="/v1/validations")
    assert (answer.status, (await answer.json())["code"]) == (422, "SECRET_REFUSED")
    assert room.stored() == []
