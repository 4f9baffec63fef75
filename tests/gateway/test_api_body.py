"""Bodies that are too large, too slow, cut off or no multipart at all; and the same parts however they are cut."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lienthong.gateway.api.multipart import MultipartReader, PartData, PartEnd, PartEvent, PartStart, decoded_name
from lienthong.gateway.errors import GatewayError

from ..waiting import until
from .conftest import PDF, document, multipart

if TYPE_CHECKING:
    from .conftest import Room

FORM = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'


async def pour(*pieces: bytes, times: int = 1) -> AsyncIterator[bytes]:
    for _ in range(times):
        for piece in pieces:
            yield piece


async def refused(room: Room, body: bytes | AsyncIterator[bytes], content_type: str = FORM) -> tuple[int, str]:
    answer = await room.send(body, content_type=content_type)
    assert room.stored() == []
    assert await room.one("SELECT count(*) FROM idempotency") == 0
    return answer.status, (await answer.json())["code"]


SMALL = {"max_body_bytes": 100_000, "max_file_bytes": 50_000, "max_metadata_bytes": 2_000}
small = pytest.mark.parametrize("http", [SMALL])


@small
async def test_a_body_that_says_it_is_too_large(room: Room) -> None:
    assert await refused(room, HEAD + b" " * 100_000) == (413, "BODY_TOO_LARGE")


@small
async def test_a_body_that_turns_out_too_large(room: Room) -> None:
    assert await refused(room, pour(HEAD, b"\r\n--b", b" " * 60_000, times=2)) == (413, "BODY_TOO_LARGE")


@small
async def test_a_preamble_is_counted_too(room: Room) -> None:
    assert await refused(room, pour(b"x" * 60_000, times=2)) == (413, "BODY_TOO_LARGE")


async def test_an_endless_preamble_is_no_multipart(room: Room) -> None:
    assert await refused(room, pour(b"x" * 100_000, times=20)) == (400, "MULTIPART_INVALID")


@small
async def test_a_file_that_is_too_large(room: Room) -> None:
    answer = await room.submit(document(), ("main", "a.pdf", PDF + b"x" * 50_000))
    assert (answer.status, (await answer.json())["code"], room.stored()) == (413, "FILE_TOO_LARGE", [])


@small
async def test_metadata_that_is_too_large(room: Room) -> None:
    answer = await room.submit(document(note="x" * 2_000))
    assert (answer.status, (await answer.json())["code"]) == (413, "METADATA_TOO_LARGE")


@pytest.mark.parametrize(
    "body",
    [b"", b"--b--\r\n", HEAD, HEAD + b"{}", b"--b\r\n\r\n\r\n--b--\r\n", b"--b\r\nContent-Disposition: \xff\r\n\r\n"],
)
async def test_a_body_that_ends_too_early(room: Room, body: bytes) -> None:
    status, code = await refused(room, body)
    assert (status, code) in {(400, "MULTIPART_INVALID"), (400, "MULTIPART_PARTS")}


async def test_too_many_parts(room: Room) -> None:
    files = [("main", "a.pdf", PDF), *[("attachment", "a.txt", b"a")] * 100]
    answer = await room.submit(document(), *files)
    assert (answer.status, (await answer.json())["code"], room.stored()) == (400, "MULTIPART_INVALID", [])


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("multipart/mixed; boundary=b", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        (f"multipart/form-data; boundary={'b' * 71}", 400),
    ],
)
async def test_a_body_of_another_kind(room: Room, content_type: str, status: int) -> None:
    assert (await refused(room, HEAD, content_type))[0] == status


@pytest.mark.parametrize("http", [{"body_timeout_s": 0.1}])
async def test_a_sender_that_falls_silent(room: Room) -> None:
    forever = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield HEAD
        await forever.wait()

    assert await refused(room, silent()) == (408, "BODY_SLOW")
    forever.set()


async def test_a_sender_that_hangs_up(room: Room) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", room.client.port)
    head = (
        f"POST /v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {room.sender_key}\r\n"
        f"Idempotency-Key: k\r\nContent-Type: {FORM}\r\nContent-Length: 9999\r\n\r\n"
    )
    writer.write(head.encode() + HEAD)
    await writer.drain()
    await until(lambda: room.one("SELECT count(*) FROM idempotency"))
    writer.close()
    await until(lambda: room.one("SELECT count(*) = 0 FROM idempotency"))
    assert await reader.read() == b""


@pytest.mark.parametrize("http", [{"max_uploads": 1}])
async def test_no_more_uploads_than_there_are_places(room: Room) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield HEAD
        begun.set()
        await go_on.wait()

    async with asyncio.TaskGroup() as group:
        first = group.create_task(room.send(slowly(), content_type=FORM))
        await begun.wait()
        await until(lambda: room.one("SELECT count(*) FROM idempotency"))
        answer = await room.submit(idempotency_key="k-2")
        assert (answer.status, (await answer.json())["code"]) == (503, "UPLOADS_TOO_MANY")
        assert int(answer.headers["Retry-After"]) > 0
        go_on.set()
    assert first.result().status == 400
    assert (await room.submit()).status == 202


def parts_of(body: bytes, cuts: list[int]) -> list[tuple[PartStart, bytes]]:
    reader = MultipartReader(b"b", most_parts=10)
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    events: list[PartEvent] = []
    for start, stop in itertools.pairwise(edges):
        events += reader.feed(body[start:stop])
    reader.end()
    parts: list[tuple[PartStart, bytes]] = []
    for event in events:
        if isinstance(event, PartStart):
            parts.append((event, b""))
        elif isinstance(event, PartData):
            parts[-1] = (parts[-1][0], parts[-1][1] + event.content)
        else:
            assert isinstance(event, PartEnd)
    return parts


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(
        st.binary(max_size=60)
        | st.sampled_from([b"\r\n--", b"\r\n--c\r\n", b"\r\n-b", b"\r\n", b"\r", b"-b\r\n", b"\n--b"]),
        min_size=1,
        max_size=3,
    ),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_the_same_parts_however_the_body_is_cut(contents: list[bytes], cuts: list[int]) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="n"; filename="f"\r\n\r\n'
    body = b"".join(head + content + b"\r\n" for content in contents) + b"--b--\r\n"
    # A sender chooses a boundary that his content does not hold.
    assume(not any(b"\r\n--b" in b"\r\n" + content for content in contents))
    assert [content for _, content in parts_of(body, cuts)] == contents


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=4))
def test_any_bytes_are_parts_or_our_error(body: bytes, cuts: list[int]) -> None:
    with suppress(GatewayError):
        parts_of(body.replace(b"\0\0", b"\r\n--b"), cuts)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("c%C3%B4ng%20v%C4%83n.pdf", "công văn.pdf"),
        ("100%.pdf", "100%.pdf"),
        ("%FF.pdf", "%FF.pdf"),
        ("công%20văn.pdf", "công%20văn.pdf"),
    ],
)
def test_names_that_a_client_percent_encodes(sent: str, meant: str) -> None:
    assert decoded_name(sent) == meant


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        ('form-data; name="main"; filename="công văn.pdf"', "công văn.pdf"),
        ('form-data; name="main"; filename="a \\"b\\".pdf"', 'a "b".pdf'),
        ('form-data; name="main"; filename="a %22b%22; c=d.pdf"', 'a "b"; c=d.pdf'),
        ("form-data; name=main; filename=a.pdf", "a.pdf"),
        ("Form-Data; Filename*=utf-8''c%C3%B4ng.pdf; filename=\"cong.pdf\"; name=main", "công.pdf"),
        ('form-data; name="main"; filename=""', ""),
        ('form-data; name="main"', None),
    ],
)
def test_the_names_that_clients_give(header: str, filename: str | None) -> None:
    head = f"--b\r\nX: y\r\ncontent-disposition: {header}\r\n\r\n\r\n--b--".encode()
    assert parts_of(head, []) == [(PartStart("main", filename), b"")]


@pytest.mark.parametrize(
    "header", ["form-data; name=main; filename*=utf-8''%FF.pdf", "form-data", "attachment; name=a"]
)
def test_a_part_whose_name_cannot_be_read(header: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parts_of(f"--b\r\ncontent-disposition: {header}\r\n\r\n\r\n--b--".encode(), [])
    assert caught.value.code == "MULTIPART_INVALID"


def test_the_form_of_the_tests_is_what_clients_send() -> None:
    assert multipart(document()).is_multipart
