"""What the same work costs with bare libraries: pyHanko as it is installed; hash, base64, insert, one round trip.

No node and none of its rules. The verifying loop runs one process for each core; the other loop is one process that
keeps eight documents in flight against the node's PostgreSQL and an HTTP server that reads and answers.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import multiprocessing
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import aiohttp
import asyncpg
from aiohttp import web
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from lienthong.deploy.demo.pki import STORE
from lienthong.signing.trust import load_store

IN_FLIGHT = 8
LIMIT = 100_000_000


def verify_one(path: str, trust: str) -> int:
    """Both signatures of one file, with the trust store's lists, nothing remembered; how many were valid."""
    store = load_store(trust, STORE)
    with open(path, "rb") as stream:  # noqa: PTH123 - one handle for the reader
        valid = 0
        for signature in PdfFileReader(stream).embedded_signatures:
            context = ValidationContext(
                trust_roots=list(store.roots),
                other_certs=list(store.intermediates),
                crls=list(store.crls),
                allow_fetching=False,
                revocation_mode="soft-fail",
            )
            valid += validate_pdf_signature(signature, context, context).bottom_line
        return valid


def verification_rate(files: Sequence[Path], trust: Path, count: int) -> float:
    """Documents per second that pyHanko alone verifies on all cores."""
    cores = os.cpu_count() or 1
    names = [str(file) for file in itertools.islice(itertools.cycle(files), count)]
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(partial(verify_one, trust=str(trust)), names[:cores] * 2))  # the imports
        begun = time.perf_counter()
        valid = list(pool.map(partial(verify_one, trust=str(trust)), names))
        seconds = time.perf_counter() - begun
    assert set(valid) == {2}, f"a letter of the bench is not valid: {valid}"
    return count / seconds


async def loop_rate(files: Sequence[Path], dsn: str, count: int) -> float:
    """Documents per second through hash, base64, one insert with commit and one HTTP round trip with the bytes."""
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port := _free_port(),), daemon=True)
    server.start()
    pool = await asyncpg.create_pool(dsn, min_size=IN_FLIGHT, max_size=IN_FLIGHT)
    try:
        await pool.execute("CREATE TABLE IF NOT EXISTS bench_bare (sha256 text, size bigint, at timestamptz)")
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{port}/"
            await _answering(http, url)
            waiting = itertools.islice(itertools.cycle(files), count)
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(_one_after_another(waiting, pool, http, url))
            return count / (time.perf_counter() - begun)
    finally:
        await pool.close()
        server.terminate()
        server.join()


async def _one_after_another(
    waiting: Iterator[Path], pool: asyncpg.Pool, http: aiohttp.ClientSession, url: str
) -> None:
    for file in waiting:
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        body = base64.b64encode(content)
        await pool.execute("INSERT INTO bench_bare VALUES ($1, $2, now())", digest, len(content))
        async with http.post(url, data=_blocks(body)) as answer:
            await answer.read()


async def _blocks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1 << 20):
        yield body[start : start + (1 << 20)]


def serve(port: int) -> None:
    """The other end of the round trip."""

    async def take(request: web.Request) -> web.Response:
        async for _ in request.content.iter_any():
            pass
        return web.json_response({"status": "OK"})

    app = web.Application(client_max_size=LIMIT)
    app.router.add_route("*", "/", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


async def _answering(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with http.get(url):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
