"""What only a distant store can do wrong: be away, refuse, give other bytes, send elsewhere."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lienthong.deploy.s3.server import S3Server, free_port
from lienthong.gateway.files.errors import FileError
from lienthong.gateway.files.s3 import S3Store
from lienthong.gateway.settings import Settings, SettingsError
from lienthong.tests.file_stores import Shelf, s3_place, s3_store

AGENCY = "so-tttt"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def shelf(s3_server: S3Server, tmp_path: Path) -> Shelf:
    return Shelf(folder=tmp_path, server=s3_server)


async def put(store: S3Store, content: bytes) -> str:
    async with store.receive(AGENCY, limit=1 << 30) as incoming:
        await incoming.write(content)
        return (await incoming.commit()).sha256


async def refused(question: Any) -> FileError:
    with pytest.raises(FileError) as caught:
        await question
    assert "TEST" not in str(caught.value), "a key stands in the message"
    return caught.value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access_key": "TEST-nobody"}, "FILE_STORE_REFUSED"),
        ({"secret_key": "TEST-wrong"}, "FILE_STORE_REFUSED"),
        ({"bucket": "lienthong-absent"}, "FILE_STORE_BUCKET"),
        ({"endpoint": "http://127.0.0.1:1"}, "FILE_STORE_FAILED"),
    ],
)
async def test_the_start_says_what_is_wrong(
    s3_server: S3Server, tmp_path: Path, change: dict[str, str], code: str
) -> None:
    store = s3_store(s3_place(s3_server, "start", **change), tmp_path)
    error = await refused(store.start(older_than=LONG_AGO))
    assert (error.code, error.blame, error.transient) == (code, "ours", True)


async def test_the_probe_leaves_nothing(shelf: Shelf) -> None:
    await shelf.open().start(older_than=LONG_AGO)
    assert shelf.objects() == []


async def test_bytes_that_differ_from_their_digest_are_never_at_hand(shelf: Shelf) -> None:
    store = shelf.open()
    await store.start(older_than=LONG_AGO)
    sha256 = await put(store, b"what was stored")
    shelf.damage(AGENCY, sha256, b"what lies there")
    for _ in range(2):
        with pytest.raises(FileError) as caught:
            async with store.at_hand(AGENCY, sha256):
                pytest.fail("damaged bytes were handed out")
        assert (caught.value.code, caught.value.transient) == ("FILE_DAMAGED", False)
    assert list(shelf.folder.glob("machine-*/cache/*")) == []


async def test_a_server_that_was_killed_is_an_outage_until_it_is_back(tmp_path: Path) -> None:
    with S3Server(folder=tmp_path / "server", port=free_port()) as server:
        shelf = Shelf(folder=tmp_path, server=server)
        store = shelf.open()
        await store.start(older_than=LONG_AGO)
        sha256 = await put(store, b"before")
        server.kill()
        errors = [await refused(put(store, b"during")), await refused(store.exists(AGENCY, sha256))]
        assert [(error.code, error.transient) for error in errors] == [("FILE_STORE_FAILED", True)] * 2
        assert shelf.temporary() == []
        await asyncio.to_thread(server.start)
        assert await store.exists(AGENCY, sha256)
        await put(store, b"during")
        assert len(shelf.objects()) == 2


class _Sent(BaseHTTPRequestHandler):
    """Answers each question with a redirect to ``elsewhere``."""

    elsewhere = ""
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(307)
        self.send_header("Location", self.elsewhere)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(elsewhere: str) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    handler = type("_One", (_Sent,), {"elsewhere": elsewhere, "asked": asked})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_redirect_leads_nowhere(s3_server: S3Server, tmp_path: Path) -> None:
    with answering("/") as (other, asked_there), answering(f"http://localhost:{other}/secret") as (port, asked):
        place = s3_place(s3_server, "redirected", endpoint=f"http://127.0.0.1:{port}")
        store = s3_store(place, tmp_path)
        await store.new_temporary()
        for question in (store.exists(AGENCY, "0" * 64), put(store, b"x"), anext(store.stream(AGENCY, "0" * 64))):
            assert (await refused(question)).code == "FILE_STORE_FAILED"
        assert len(asked) >= 3
        assert asked_there == []


# Settings -----------


def section(folder: Path, **changes: object) -> dict[str, Any]:
    for name in ("access", "secret"):
        (folder / name).write_text(f"TEST-{name}")
    good = {"endpoint": "https://s3.tinh.example:9000", "bucket": "van-ban"}
    keys = {"access_key_file": "access", "secret_key_file": "secret"}
    return {"files": {"store": "s3", "s3": {**good, **keys, **changes}}}


def load(folder: Path, values: dict[str, Any]) -> Settings:
    return Settings.model_validate(values, context={"folder": folder})


def test_a_bucket_is_a_setting(tmp_path: Path) -> None:
    s3 = load(tmp_path, section(tmp_path)).files.s3
    assert s3 is not None
    assert (s3.bucket, s3.secret_key_file.read()) == ("van-ban", "TEST-secret")
    assert "TEST" not in repr(s3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"endpoint": "http://s3.tinh.example"}, "https"),
        ({"endpoint": "s3.tinh.example"}, "https://máy:cổng"),
        ({"endpoint": "https://ai:mat-khau@s3.tinh.example"}, "https://máy:cổng"),
        ({"bucket": "Văn bản"}, "sai dạng"),
        ({"prefix": "../khac"}, "sai dạng"),
        ({"secret_key_file": "absent"}, "tệp bí mật"),
    ],
)
def test_what_cannot_work_stops_the_start(tmp_path: Path, change: dict[str, str], words: str) -> None:
    text = section(tmp_path, **change)["files"]["s3"]
    lines = "\n".join(f'{name} = "{value}"' for name, value in text.items())
    (tmp_path / "node.toml").write_text(f'[files]\nstore = "s3"\n[files.s3]\n{lines}\n')
    with pytest.raises(SettingsError, match=re.escape(words)):
        Settings.load(tmp_path / "node.toml", {})


def test_a_store_needs_its_section() -> None:
    with pytest.raises(ValueError, match=r"files\.s3"):
        Settings.model_validate({"files": {"store": "s3"}})
