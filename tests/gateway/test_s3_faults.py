"""The way to an S3 server: TLS that is trusted or not, and a server that answers nothing, half, or breaks off.

Each is told by its code and in bounded time; what was stored stays, what was refused leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from lienthong.deploy.kafka.tls import Tls, write_tls
from lienthong.deploy.s3.server import S3Server
from lienthong.gateway.files.errors import FileError
from lienthong.gateway.files.s3 import S3Store
from lienthong.gateway.readiness import Readiness
from lienthong.gateway.settings import Settings
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.tls_front import tls_before
from lienthong.tests.chaos.watching import HttpWatch
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.file_stores import s3_place, s3_store
from lienthong.tests.waiting import until

from .conftest import Room

AGENCY = "so-tttt"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PATIENCE = 0.3  # seconds that the stores of these tests give the server
BOUND = 10 * PATIENCE  # in which every question has its answer, or its error


async def put(store: S3Store, content: bytes) -> str:
    async with store.receive(AGENCY, limit=1 << 30) as incoming:
        await incoming.write(content)
        return (await incoming.commit()).sha256


async def taken(store: S3Store, sha256: str) -> bytes:
    async with store.at_hand(AGENCY, sha256) as path:
        return await asyncio.to_thread(path.read_bytes)


async def streamed(store: S3Store, sha256: str) -> bytes:
    return b"".join([piece async for piece in store.stream(AGENCY, sha256)])


async def refusal(question: Awaitable[object]) -> FileError:
    with pytest.raises(FileError) as caught:
        async with asyncio.timeout(BOUND):
            await question
    return caught.value


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# TLS ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return write_tls(tmp_path)


@pytest_asyncio.fixture
async def secure(s3_server: S3Server, tls: Tls) -> AsyncIterator[int]:
    async with tls_before(s3_server.port, tls.server) as port:
        yield port


def with_authority(
    server: S3Server, root: Path, port: int, authority: bytes | None, host: str = "127.0.0.1"
) -> S3Store:
    place = s3_place(server, root.name.replace("_", "-"), endpoint=f"https://{host}:{port}", authority=authority)
    return s3_store(place, root)


async def test_a_private_authority_given_by_the_settings_is_trusted(
    s3_server: S3Server, tmp_path: Path, tls: Tls, secure: int
) -> None:
    store = with_authority(s3_server, tmp_path, secure, tls.authority.read_bytes())
    await store.start(older_than=LONG_AGO)
    content = Random(1).randbytes(9 << 20)  # of more than one part
    sha256 = await put(store, content)
    assert await taken(store, sha256) == content
    assert [one.sha256 async for page in store.listing() for one in page] == [sha256]
    await store.remove(AGENCY, sha256)
    assert not await store.exists(AGENCY, sha256)


@pytest.mark.parametrize("wrong", ["no authority", "another authority", "another name"])
async def test_a_certificate_that_is_not_trusted_is_called_that_and_nothing_is_sent(
    s3_server: S3Server, tmp_path: Path, tls: Tls, secure: int, wrong: str
) -> None:
    (tmp_path / "other").mkdir()
    others = write_tls(tmp_path / "other").authority.read_bytes()
    authority = {"no authority": None, "another authority": others, "another name": tls.authority.read_bytes()}[wrong]
    host = "localhost" if wrong == "another name" else "127.0.0.1"
    store = with_authority(s3_server, tmp_path, secure, authority, host)
    errors = [await refusal(store.start(older_than=LONG_AGO)), await refusal(store.exists(AGENCY, "0" * 64))]
    assert {(error.code, error.blame, error.transient) for error in errors} == {("FILE_STORE_TRUST", "ours", True)}
    assert "files.s3.ca_file" in errors[0].message


@pytest.mark.parametrize(("trusted", "said"), [(True, "ok"), (False, "FILE_STORE_TRUST")])
async def test_readiness_says_whether_the_certificate_is_trusted(
    room: Room, s3_server: S3Server, tmp_path: Path, tls: Tls, secure: int, trusted: bool, said: str
) -> None:
    authority = tls.authority.read_bytes() if trusted else None
    store = with_authority(s3_server, tmp_path / "machine", secure, authority)
    (tmp_path / "machine" / "files").mkdir(parents=True)
    report = await Readiness(node=dataclasses.replace(room.node, files=store)).look()
    assert report.parts["files"] == said


def test_an_authority_that_is_no_certificate_stops_the_start(tmp_path: Path) -> None:
    for name in ("access", "secret", "authority"):
        (tmp_path / name).write_text("TEST")
    section = {
        "endpoint": "https://s3.tinh.example:9000",
        "bucket": "van-ban",
        "access_key_file": "access",
        "secret_key_file": "secret",
        "ca_file": "authority",
    }
    with pytest.raises(ValueError, match="ca_file không phải chứng thư PEM"):
        Settings.model_validate({"files": {"store": "s3", "s3": section}}, context={"folder": tmp_path})


# Answers that do not come -------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Proxy]:
    async with Proxy(watch=HttpWatch) as opened:
        yield opened


@pytest_asyncio.fixture
async def store(s3_server: S3Server, tmp_path: Path, wire: Proxy) -> S3Store:
    """Reaches the server over the wire alone; started, so that only what follows meets the fault."""
    endpoint = through(wire, s3_server.endpoint)
    prefix = tmp_path.name.replace("_", "-")
    made = s3_store(s3_place(s3_server, prefix, endpoint=endpoint, answer_seconds=PATIENCE), tmp_path)
    await made.start(older_than=LONG_AGO)
    return made


@pytest.mark.parametrize("how", [Cut.RESET, Cut.SILENT, Cut.ANSWERS])
async def test_a_server_that_never_answers_is_an_outage_in_bounded_time(
    store: S3Store, wire: Proxy, tmp_path: Path, how: Cut
) -> None:
    before = await put(store, b"before")
    await wire.cut(how)
    questions: list[Awaitable[object]] = [
        put(store, b"during"),
        store.exists(AGENCY, before),
        taken(store, before),
        streamed(store, before),
        anext(store.listing()),
        store.claim("a database"),
        store.remove(AGENCY, before),
    ]
    errors = [await refusal(question) for question in questions]
    assert {(error.code, error.blame, error.transient) for error in errors} == {("FILE_STORE_FAILED", "ours", True)}
    assert left_in(tmp_path) == [], "nothing of it is left on this machine"
    await wire.mend()
    assert await taken(store, await put(store, b"during")) == b"during"


@pytest.mark.parametrize("then", ["breaks off", "stands still"])
@pytest.mark.parametrize("ask", [taken, streamed])
async def test_half_a_file_is_never_handed_out_as_a_whole(
    store: S3Store, wire: Proxy, tmp_path: Path, then: str, ask: Callable[[S3Store, str], Awaitable[bytes]]
) -> None:
    content = Random(2).randbytes(8 << 20)
    sha256 = await put(store, content)
    passed = wire.passed["client"]

    wire.slow(bytes_per_second=20 << 20)
    question = asyncio.ensure_future(ask(store, sha256))
    await until(lambda: wire.passed["client"] - passed > len(content) // 2)
    await wire.cut(Cut.RESET if then == "breaks off" else Cut.SILENT)
    assert (await refusal(question)).code == "FILE_STORE_FAILED"
    assert left_in(tmp_path) == []
    wire.slow()
    await wire.mend()
    assert await ask(store, sha256) == content


async def test_an_answer_that_is_lost_after_the_server_has_the_file_leaves_it_once(store: S3Store, wire: Proxy) -> None:
    lost = wire.on(b" -> HTTP/1.1 200", wire.drop, towards="client", when="instead")
    sha256 = await put(store, b"kept")
    assert lost.struck.is_set()
    assert [one.sha256 async for page in store.listing() for one in page] == [sha256]
    assert await taken(store, sha256) == b"kept"
