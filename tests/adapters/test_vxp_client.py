"""What our client puts on the wire and what it takes from it, where the contract does not reach."""

from __future__ import annotations

import asyncio
import base64
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from lienthong.adapters.axis import AckWord, MessageKind, OutcomeKind, OutgoingPackage
from lienthong.adapters.emulator.settings import Profile
from lienthong.adapters.errors import AxisError
from lienthong.adapters.vxp.client import VxpAxis, open_vxp
from lienthong.adapters.vxp.protocol import Operation
from lienthong.adapters.vxp.settings import VxpSettings
from lienthong.tests.adapters.axes import OUR_KEY, over_emulator
from lienthong.tests.adapters.packages import OURS, THEIRS, document, frozen

Clock = Callable[[], datetime]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
pytestmark = pytest.mark.timeout(20)
XML = b'<?xml version="1.0"?><edXML/>'


@asynccontextmanager
async def talking_to(handler: Handler, clock: Clock, **changes: object) -> AsyncIterator[VxpAxis]:
    """Our client against one handler that plays the axis and has our clock."""

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(clock().astimezone(UTC), usegmt=True)

    application = web.Application()
    application.on_response_prepare.append(dated)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        settings = VxpSettings(
            base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/",
            system_id="00.99.W00",
            secret=OUR_KEY,
            read_seconds=0.3,
            total_seconds=0.5,
        )
        async with open_vxp(replace(settings, **changes), clock=clock) as axis:
            yield axis
    finally:
        await runner.cleanup()


def fake_package(path: Path, size: int = 5, receivers: tuple[str, ...] = (THEIRS,)) -> OutgoingPackage:
    with path.open("wb") as file:
        file.truncate(size)
    return OutgoingPackage(
        kind=MessageKind.DOCUMENT,
        path=path,
        size=size,
        sha256="ab" * 32,
        sender_code=OURS,
        receiver_codes=receivers,
        document_id="x",
    )


def accepted() -> web.Response:
    return web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong", "DocId": "66b1"})


async def test_every_call_has_its_own_headers_and_no_left_overs(tmp_path: Path, clock: Clock) -> None:
    async with over_emulator(tmp_path / "axis", clock) as axis:
        await axis.ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
        clock.advance(seconds=7)
        await axis.ours.list_received(MessageKind.STATUS)
        await axis.ours.list_sent(axis_doc_id="a", kind=MessageKind.DOCUMENT)
        requests = [dict(one.headers) for one in axis.emulator.controls.requests.all()]
    sent, listed, looked_up = requests
    assert json.loads(sent["XroadVnpt-to"]) == [THEIRS]
    assert sent["XroadVnpt-timestamp"] != listed["XroadVnpt-timestamp"]
    assert listed["XroadVnpt-sign-header-key"] == "systemid;servicetype;messagetype;timestamp;Content-Type"
    assert "XroadVnpt-docId" not in listed
    assert looked_up["XroadVnpt-docId"] == "a"
    for headers in requests:
        text = json.dumps(headers)
        assert OUR_KEY not in text
        assert str(tmp_path) not in text
        assert headers["User-Agent"] == "JAVASDKAgent/1.0.0 XRoad/VPCP"
        assert "XroadVnpt-filePath" not in headers


async def test_the_body_is_the_file_and_crlf_with_a_known_length(tmp_path: Path, clock: Clock) -> None:
    seen: list[tuple[str | None, bytes]] = []

    async def axis(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers.get("Content-Length"), await request.read()))
        assert "Transfer-Encoding" not in request.headers
        return accepted()

    async with talking_to(axis, clock) as client:
        assert (await client.send(fake_package(tmp_path / "p"))).kind is OutcomeKind.ACCEPTED
    assert seen == [("7", b"\0" * 5 + b"\r\n")]


@pytest.mark.parametrize(("count", "has_to"), [(100, True), (101, False)])
async def test_a_long_list_of_recipients_stays_out_of_the_header(
    tmp_path: Path,
    clock: Clock,
    count: int,
    has_to: bool,
) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert ("XroadVnpt-to" in request.headers) == has_to
        return accepted()

    package = fake_package(tmp_path / "p", receivers=tuple(f"000.00.00.H{number}" for number in range(count)))
    async with talking_to(axis, clock) as client:
        assert (await client.send(package)).kind is OutcomeKind.ACCEPTED


async def test_a_redirect_is_not_followed(tmp_path: Path, clock: Clock) -> None:
    paths: list[str] = []

    async def axis(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        await request.read()
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with talking_to(axis, clock) as client:
        outcome = await client.send(fake_package(tmp_path / "p"))
        with pytest.raises(AxisError):
            await client.list_received(MessageKind.DOCUMENT)
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "HTTP_302")
    assert paths == ["/sendEdoc", "/getReceivedEdocList"]


async def test_what_cannot_be_sent_as_it_is_does_not_leave(tmp_path: Path, clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        pytest.fail(f"nothing may be sent: {request.path}")

    async with talking_to(axis, clock) as client:
        package = fake_package(tmp_path / "p")
        for wrong in (replace(package, size=6), replace(package, path=tmp_path / "gone")):
            outcome = await client.send(wrong)
            assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "FILE")
        outcome = await client.send(replace(package, sender_code="SỞ"))
        assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "HEADER_TEXT")


async def test_an_answer_drop_by_drop_ends_with_the_time_limit(tmp_path: Path, clock: Clock) -> None:
    """F29: each byte comes before the silence limit; the whole call still ends."""
    release = asyncio.Event()

    async def axis(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            try:
                await asyncio.wait_for(release.wait(), 0.05)
            except TimeoutError:
                continue
            break
        return response

    async with talking_to(axis, clock) as client:
        outcome = await client.send(fake_package(tmp_path / "p"))
        release.set()
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "TIMEOUT")


async def test_an_endless_answer_is_cut_off(clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(body=b"x" * 200_000)

    async with talking_to(axis, clock, max_list=100_000) as client:
        with pytest.raises(AxisError) as error:
            await client.list_received(MessageKind.DOCUMENT)
    assert (error.value.code, error.value.transient) == ("AXIS_TOO_LARGE", False)


def edoc(data: bytes, wrap: int = 0) -> web.Response:
    text = base64.encodebytes(data).decode() if wrap else base64.b64encode(data).decode()
    return web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": text})


@pytest.mark.parametrize(
    "download",
    [
        lambda: web.Response(status=404),
        lambda: web.Response(status=200),
        lambda: web.Response(status=500, text="<html>loi</html>"),
        lambda: web.Response(text='{"status":"FAIL"}'),
        lambda: web.Response(text="Khong tim thay"),
        lambda: web.Response(text="<!DOCTYPE html><html></html>"),
    ],
)
async def test_without_a_usable_download_get_edoc_is_asked(
    tmp_path: Path, clock: Clock, download: Callable[[], web.Response]
) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        return download() if Operation.DOWNLOAD in request.path else edoc(XML * 100, wrap=76)

    async with talking_to(axis, clock) as client:
        assert await client.fetch("id", tmp_path / "into") == len(XML) * 100
    assert (tmp_path / "into").read_bytes() == XML * 100


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf", b" \r\n", b"1212"])
async def test_a_download_with_odd_bytes_in_front_is_kept_as_it_is(tmp_path: Path, clock: Clock, lead: bytes) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        return web.Response(body=lead + XML)

    async with talking_to(axis, clock) as client:
        await client.fetch("id", tmp_path / "into")
    assert (tmp_path / "into").read_bytes() == lead + XML


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda: web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": ""}), "AXIS_UNREADABLE"),
        (
            lambda: web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": "?"}),
            "AXIS_UNREADABLE",
        ),
        (lambda: web.json_response({"status": "FAIL", "ErrorCode": "20", "ErrorDesc": "x"}), "AXIS_REFUSED"),
        (lambda: web.Response(status=401), "AXIS_KEY"),
        (lambda: web.Response(status=502, text="<html>"), "AXIS_HTTP"),
        (lambda: edoc(b"<" + b"x" * 5000), "AXIS_TOO_LARGE"),
    ],
)
async def test_when_neither_way_gives_a_package_nothing_is_left_behind(
    tmp_path: Path, clock: Clock, answer: Callable[[], web.Response], code: str
) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404) if Operation.DOWNLOAD in request.path else answer()

    async with talking_to(axis, clock, max_getedoc=4000) as client:
        with pytest.raises(AxisError) as error:
            await client.fetch("id", tmp_path / "into")
    assert error.value.code == code
    assert not (tmp_path / "into").exists()


async def test_a_download_that_breaks_off_is_no_package(tmp_path: Path, clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(XML)
        assert request.transport
        request.transport.abort()
        return response

    async with talking_to(axis, clock) as client:
        with pytest.raises(AxisError) as error:
            await client.fetch("id", tmp_path / "into")
    assert error.value.transient
    assert not (tmp_path / "into").exists()


async def test_a_package_over_the_limit_is_not_kept(tmp_path: Path, clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        return web.Response(body=XML * 100)

    async with talking_to(axis, clock, max_package=100) as client:
        with pytest.raises(AxisError) as error:
            await client.fetch("id", tmp_path / "into")
    assert error.value.code == "AXIS_TOO_LARGE"
    assert not (tmp_path / "into").exists()


async def test_a_big_package_passes_both_ways_in_a_window(tmp_path: Path, clock: Clock) -> None:
    size = 60 << 20

    async def axis(request: web.Request) -> web.StreamResponse:
        if Operation.DOWNLOAD in request.path:
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(60):
                await response.write(b"<" * (1 << 20))
            return response
        total = 0
        async for block in request.content.iter_chunked(1 << 20):
            total += len(block)
        assert total == size + 2
        return accepted()

    package = fake_package(tmp_path / "p", size=size)
    async with talking_to(axis, clock, total_seconds=15.0) as client:
        tracemalloc.start()
        assert (await client.send(package)).kind is OutcomeKind.ACCEPTED
        assert await client.fetch("id", tmp_path / "into") == size
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20 << 20


async def test_a_package_over_the_limit_of_the_axis_is_rejected_for_good(tmp_path: Path, clock: Clock) -> None:
    """F13: refused before or while its body is read, with much of it still on the way."""
    async with over_emulator(tmp_path / "axis", clock, profile=Profile(max_body=1 << 20)) as axis:
        outcome = await axis.ours.send(fake_package(tmp_path / "p", size=60 << 20))
        assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "HTTP_413")
        assert axis.emulator.controls.ledger.state.packages == {}


async def test_rows_without_their_id_make_the_list_unreadable(clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        rows = [{"docId": "1", "from": None, "status": "initial"}, {"docId": None}]
        return web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": rows})

    async with talking_to(axis, clock) as client:
        with pytest.raises(AxisError) as error:
            await client.list_received(MessageKind.DOCUMENT)
    assert error.value.code == "AXIS_UNREADABLE"


async def test_rows_that_are_done_are_not_waiting(clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        rows = [{"docId": "1", "from": None, "status": "initial"}, {"docId": "2", "status": "done"}]
        return web.json_response({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": rows})

    async with talking_to(axis, clock) as client:
        (item,) = await client.list_received(MessageKind.DOCUMENT)
    assert (item.receiver_doc_id, item.sender_code, item.status) == ("1", None, "INITIAL")


async def test_the_secret_is_not_printed(clock: Clock) -> None:
    settings = VxpSettings(base_url="http://127.0.0.1:1", system_id="a", secret="TEST-HIDDEN")
    assert "TEST-HIDDEN" not in repr(settings)


async def test_an_id_that_cannot_stand_in_a_header_is_refused_before_it_is_sent(clock: Clock) -> None:
    async def axis(request: web.Request) -> web.StreamResponse:
        pytest.fail(f"nothing may be sent: {request.path}")

    async with talking_to(axis, clock) as client:
        with pytest.raises(AxisError) as error:
            await client.ack("a\r\nb", AckWord.DONE)
    assert error.value.code == "AXIS_HEADER_TEXT"
