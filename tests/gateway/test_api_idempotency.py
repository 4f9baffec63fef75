"""Idempotency-Key: once, whatever happens to the caller or to the node."""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from lienthong.gateway import idempotency
from lienthong.gateway.errors import GatewayError
from lienthong.gateway.idempotency import Claim, Earlier, request_hash
from lienthong.gateway.submissions import SubmittedFile

from ..waiting import until
from .conftest import PDF, document

if TYPE_CHECKING:
    from .conftest import Room

MAIN = ("main", "công văn 15.pdf", PDF)


async def test_a_repetition_gets_the_same_answer(room: Room) -> None:
    first = await room.submit()
    files = room.stored()
    again = await room.submit()
    assert (again.status, await again.json()) == (first.status, await first.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert (await room.documents(), room.stored()) == (1, files)


async def test_key_order_and_unicode_form_of_the_metadata_do_not_matter(room: Room) -> None:
    await room.submit()
    turned = dict(reversed(document().items()))
    turned["subject"] = unicodedata.normalize("NFD", turned["subject"])
    assert (await room.submit(turned)).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("metadata", "files"),
    [
        (document(subject="khác"), [MAIN]),
        (document(), [("main", "công văn 15.pdf", PDF + b"%")]),
        (document(), [("main", "công văn 16.pdf", PDF)]),
        (document(), [MAIN, ("attachment", "a.txt", b"a")]),
        (document(secrecy="Mật"), [MAIN]),
    ],
)
async def test_other_content_under_the_same_key_conflicts(
    room: Room, metadata: dict[str, object], files: list[tuple[str, str, bytes]]
) -> None:
    await room.submit()
    before = room.stored()
    answer = await room.submit(metadata, *files)
    assert (answer.status, (await answer.json())["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert (await room.documents(), room.stored()) == (1, before)


async def test_keys_of_two_agencies_are_two_keys(room: Room) -> None:
    assert (await room.submit()).status == 202
    other = document(recipients=["000.00.08.H40"], notation="STC-VP")
    answer = await room.submit(other, key=room.receiver_key)
    assert (answer.status, "Idempotency-Replayed" in answer.headers) == (202, False)


async def test_a_twin_waits_while_the_first_is_at_work(room: Room) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n"
        begun.set()
        await go_on.wait()
        yield b"{}\r\n--b--\r\n"

    async with asyncio.TaskGroup() as group:
        first = group.create_task(room.send(slowly(), content_type="multipart/form-data; boundary=b"))
        await begun.wait()
        await until(lambda: room.one("SELECT count(*) FROM idempotency"))
        twin = await room.submit()
        assert (twin.status, (await twin.json())["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
        assert 1 <= int(twin.headers["Retry-After"]) <= 5
        go_on.set()
    assert first.result().status == 422
    assert (await room.submit()).status == 202


async def test_a_failed_request_frees_its_key(room: Room) -> None:
    assert (await room.submit(document(subject=None))).status == 422
    answer = await room.submit()
    assert (answer.status, "Idempotency-Replayed" in answer.headers) == (202, False)


async def test_the_claim_of_a_dead_process_expires(room: Room) -> None:
    held = await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id())
    assert isinstance(held, Claim)
    assert (await room.submit()).status == 409
    await room.one("UPDATE idempotency SET claimed_until = now() - interval '1 second' RETURNING 1")
    assert (await room.submit()).status == 202
    with pytest.raises(GatewayError, match="đang được xử lý"):
        await idempotency.extend(room.node, held)


async def test_open_claims_are_dropped_at_the_start_of_a_lone_node(room: Room) -> None:
    await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id())
    await idempotency.recover(room.node, of=None)
    assert (await room.submit()).status == 202
    await idempotency.recover(room.node, of=None)
    assert (await room.submit()).headers["Idempotency-Replayed"] == "true"


async def test_a_process_that_starts_again_frees_its_own_claims_and_nobody_elses(room: Room) -> None:
    await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id())
    await idempotency.recover(room.node, of="another")
    assert (await room.submit()).status == 409
    await idempotency.recover(room.node, of=room.node.settings.instance)
    assert (await room.submit()).status == 202


async def test_a_lost_claim_rolls_the_acceptance_back(room: Room) -> None:
    held = await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id())
    assert isinstance(held, Claim)
    await room.one("UPDATE idempotency SET claim = gen_random_uuid() RETURNING 1")

    async def accept() -> None:
        async with room.node.db.unit(room.sender) as conn:
            await conn.execute("INSERT INTO mailbox_counter (agency_id) VALUES ($1)", room.sender)
            await idempotency.finish(
                room.node, conn, held, request_hash="x", exchange_id=UUID(int=1), answer={"id": "x"}
            )

    with pytest.raises(GatewayError) as caught:
        await accept()
    assert caught.value.code == "IDEMPOTENCY_IN_PROGRESS"
    assert await room.one("SELECT count(*) FROM mailbox_counter") == 0


async def test_giving_up_never_drops_a_finished_claim(room: Room) -> None:
    await room.submit()
    token = await room.one("SELECT claim FROM idempotency")
    await idempotency.give_up(room.node, Claim(agency_id=room.sender, key="k-1", token=token))
    assert isinstance(await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id()), Earlier)


async def test_keys_are_forgotten_after_72_hours(room: Room) -> None:
    await room.submit()
    assert await idempotency.purge(room.node) == 0
    await room.one("UPDATE idempotency SET created_at = now() - interval '73 hours' RETURNING 1")
    assert isinstance(await idempotency.claim(room.node, room.sender, "k-1", token=room.node.new_id()), Claim)
    await room.one("UPDATE idempotency SET created_at = now() - interval '73 hours' RETURNING 1")
    assert await idempotency.purge(room.node) == 1


def test_the_hash_is_over_the_meaning() -> None:
    file = SubmittedFile(name="a.pdf", content_type="application/pdf", sha256="0" * 64, size=1)
    meaning = b'{"files":[["a.pdf","%s",1]],"metadata":{"a":"\xc4\x91","b":1}}' % (b"0" * 64)
    assert request_hash({"b": 1, "a": "đ"}, [file]) == hashlib.sha256(meaning).hexdigest()


async def test_many_twins_at_once_are_one_document(room: Room) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(room.submit()) for _ in range(12)]
    answers = [(task.result().status, await task.result().json()) for task in tasks]
    assert {status for status, _ in answers} <= {202, 409}
    assert len({body["id"] for status, body in answers if status == 202}) == 1
    assert {body["code"] for status, body in answers if status == 409} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert await room.documents() == 1


async def test_the_same_number_under_many_keys_is_one_document(room: Room) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(room.submit(idempotency_key=f"k-{number}")) for number in range(8)]
    assert sorted(task.result().status for task in tasks) == [202, *[409] * 7]
    assert await room.documents() == 1
    assert await room.one("SELECT count(*) FROM idempotency") == 1
