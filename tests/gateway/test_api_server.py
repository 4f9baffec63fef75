"""The surface as a root task: it listens, and at the stop it finishes what is inside and lets in nothing new."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lienthong.gateway.api.server import serve_api
from lienthong.gateway.settings import Settings

from ..waiting import until
from .conftest import PDF

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.gateway.node import Node

    from .conftest import Room


@asynccontextmanager
async def serving(node: Node, **http: Any) -> AsyncIterator[tuple[int, asyncio.Event]]:
    port, stop = unused_port(), asyncio.Event()
    settings = Settings.model_validate(
        {"data_dir": node.settings.data_dir, "http": {"port": port, "notice_s": 0, **http}}
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_api(replace(node, settings=settings), stop))
        await until(lambda: answers(port), 20.0)
        yield port, stop
        stop.set()


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a probing connection may be accepted by who closes just then
async def test_an_upload_inside_is_finished_at_the_stop(room: Room) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    head = b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n'

    async def slowly() -> AsyncIterator[bytes]:
        yield head
        begun.set()
        await go_on.wait()
        yield b'{}\r\n--b\r\nContent-Disposition: form-data; name="main"; filename="a.pdf"\r\n\r\n' + PDF + b"\r\n--b--"

    headers = {
        "Authorization": f"Bearer {room.sender_key}",
        "Idempotency-Key": "k",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    async with (
        serving(room.node) as (port, stop),
        aiohttp.ClientSession() as http,
        asyncio.TaskGroup() as group,
    ):
        url = f"http://127.0.0.1:{port}/v1/documents"
        upload = group.create_task(http.post(url, data=slowly(), headers=headers))
        await begun.wait()
        await until(lambda: room.one("SELECT count(*) FROM idempotency"))
        stop.set()
        await until(lambda: refuses(port))
        go_on.set()
        answer = await upload
        assert (answer.status, (await answer.json())["code"]) == (422, "SUBMISSION_INVALID")
    gc.collect()


TYPE = b"Content-Type: multipart/form-data; boundary=b\r\n"
HEADS = {
    "names in any case": (
        b"AUTHORIZATION: bearer %s\r\niDEMPOTENCY-kEY: k\r\ncontent-TYPE: Multipart/Form-Data; BOUNDARY=b\r\n",
        422,
    ),
    "a folded line": (
        b"Authorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Type: multipart/form-data;\r\n boundary=b\r\n",
        400,
    ),
    "a key read from a file with its end of line": (
        b"Idempotency-Key: k\r\nAuthorization: Bearer \n%s\r\n" + TYPE,
        400,
    ),
    "a space before the colon": (b"Authorization : Bearer %s\r\nIdempotency-Key: k\r\n" + TYPE, 400),
    "two lengths": (b"Authorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Length: 5\r\n" + TYPE, 400),
    "a length and chunks": (
        b"Authorization: Bearer %s\r\nIdempotency-Key: k\r\nTransfer-Encoding: chunked\r\n" + TYPE,
        400,
    ),
    "a NUL": (b"Authorization: Bearer %s\r\nIdempotency-Key: k\0\r\n" + TYPE, 400),
    "letters with marks": ("Authorization: Bearer %s\r\nIdempotency-Key: khóa\r\n".encode() + TYPE, 400),
    "a value without end": (b"Authorization: Bearer %s\r\nX-A: " + b"a" * 9000 + b"\r\n", 400),
    "names without end": (b"Authorization: Bearer %s\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(300)), 400),
    "no type": (b"Authorization: Bearer %s\r\nIdempotency-Key: k\r\n", 415),
    "another type": (
        b"Authorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Type: application/octet-stream\r\n",
        415,
    ),
}


@pytest.mark.parametrize("head", HEADS)
async def test_unusual_headers_are_understood_or_refused(
    room: Room, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines, status = HEADS[head]
    body = b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n--b--\r\n'
    first = b"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    async with serving(room.node) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first + lines.replace(b"%s", room.sender_key.encode()) + length + body)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    top, _, told = answer.partition(b"\r\n\r\n")
    problem = json.loads(told)
    assert (int(top.split()[1]), problem["status"]) == (status, status)
    assert b"application/problem+json" in top
    assert problem["code"] in ("SUBMISSION_INVALID", "REQUEST_INVALID", "MEDIA_TYPE_UNSUPPORTED", "HTTP_MALFORMED")
    assert room.sender_key.encode() not in answer
    assert room.sender_key not in caplog.text
    assert await room.documents() == 0


@pytest.mark.parametrize("line", [b"POST", b"GET / HTTP/9.9", b"\x16\x03\x01\x02\x00", b"GET /\x00 HTTP/1.1"])
async def test_what_is_not_http_is_refused_in_the_words_of_the_catalogue(room: Room, line: bytes) -> None:
    async with serving(room.node) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(line + b"\r\nHost: 127.0.0.1\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (problem["code"], problem["status"]) == ("HTTP_MALFORMED", 400)
    assert "HTTP/1.1" in problem["detail"]


async def refuses(port: int) -> bool:
    return not await answers(port)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the probing connection ends before its TLS begins
async def test_tls_of_its_own(room: Room, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with serving(room.node, tls_cert_file=certificate, tls_key_file=key) as (port, _):
        context = ssl.create_default_context(cafile=str(certificate))
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"https://127.0.0.1:{port}/healthz", ssl=context) as answer,
        ):
            assert await answer.json() == {"status": "ok"}


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST")])
    now = dt.datetime.now(dt.UTC)
    local = x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([local]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths[1].write_bytes(private)
    return paths
