"""The rig: the emulated axis and the node as processes of their own, one agency with a key, the node's database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from lienthong.bench.papers import NAMES, OUTSIDE, SENDER, Papers
from lienthong.deploy.demo.pki import STORE
from lienthong.gateway import bootstrap
from lienthong.gateway.access import issue_key
from lienthong.gateway.cli.database import attached
from lienthong.gateway.settings import Settings

START_SECONDS = 60.0
AXIS = """
data = "axis"
port = {axis}
control_port = {control}
[[systems]]
id = "00.99.W00"
secret = "TEST-SECRET"
[[agencies]]
code = "{sender}"
name = "{sender_name}"
center = "00.99.W00"
[[agencies]]
code = "{outside}"
name = "{outside_name}"
center = "00.98.W00"
"""
NODE = """
data_dir = "node"
[http]
port = {node}
[signing]
mode = "{mode}"
trust_dir = "{trust}"
trust_store = "{store}"
[logging]
level = "warning"
[[axes]]
name = "quoc-gia"
base_url = "http://127.0.0.1:{axis}/XrdAdapter/adapter"
system_id = "00.99.W00"
secret_file = "axis.secret"
poll_seconds = 0.25
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    url: str
    control_url: str
    key: str
    pid: int  # of the node
    http: aiohttp.ClientSession
    database: asyncpg.Connection
    dsn: str

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        return list(await self.database.fetch(statement, *arguments))


@asynccontextmanager
async def open_rig(folder: Path, papers: Papers, *, mode: str) -> AsyncIterator[Rig]:
    """Everything running. ``mode`` as ``signing.mode`` of the settings."""
    axis, control, node = (_free_port() for _ in range(3))
    _write_axis(folder, axis, control)
    config = folder / "node.toml"
    config.write_text(NODE.format(node=node, axis=axis, mode=mode, trust=papers.trust, store=STORE))
    key = await _enrol(Settings.load(config, {}), papers)
    url, control_url = f"http://127.0.0.1:{node}", f"http://127.0.0.1:{control}"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)))
        await _program(stack, folder / "axis.log", "emulator", "--config", str(folder / "axis.toml"))
        await _ready(http, f"{control_url}/health")
        pid = await _program(stack, folder / "node.log", "--config", str(config), "serve")
        await _ready(http, f"{url}/readyz")
        dsn = attached(folder / "node" / "postgres", owner=True)
        database = await asyncpg.connect(dsn)
        stack.push_async_callback(database.close)
        while not await database.fetchval("SELECT count(*) FROM directory"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        yield Rig(url=url, control_url=control_url, key=key, pid=pid, http=http, database=database, dsn=dsn)


def _write_axis(folder: Path, axis: int, control: int) -> None:
    folder.mkdir(mode=0o711)
    names = {"sender_name": NAMES[SENDER], "outside_name": NAMES[OUTSIDE]}
    text = AXIS.format(axis=axis, control=control, sender=SENDER, outside=OUTSIDE, **names)
    (folder / "axis.toml").write_text(text)
    (folder / "axis.secret").write_text("TEST-SECRET")


async def _program(stack: AsyncExitStack, log: Path, *arguments: str) -> int:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lienthong", *arguments, stdout=output, stderr=output, start_new_session=True
        )

    async def end() -> None:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()

    stack.push_async_callback(end)
    return process.pid


async def _ready(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def _enrol(settings: Settings, papers: Papers) -> str:
    async with bootstrap.command_node(settings) as node:
        agency_id = node.new_id()
        async with node.db.unit(None) as conn:
            await node.db.queries.insert_agency(
                conn,
                id=agency_id,
                code=SENDER,
                name=NAMES[SENDER],
                in_charge="UBND tỉnh Mẫu",
                address="Số 1 phố Mẫu",
                email="vanthu@mau.example",
            )
            for line in papers.registry:
                await node.db.queries.insert_certificate(
                    conn,
                    **line,
                    holder=NAMES[line["agency_code"]],
                    valid_from=papers.now - timedelta(days=30),
                    valid_to=None,
                )
        return await issue_key(node.db, agency_id, "bench", new_id=node.new_id, random_bytes=os.urandom)


def metadata(papers: Papers, number: int) -> str:
    """Of one outgoing letter."""
    return json.dumps(
        {
            "recipients": [OUTSIDE],
            "number": f"{number:02d}",
            "notation": "SKHCN-CĐS",
            "promulgation_date": papers.today.isoformat(),
            "type_name": "Công văn",
            "subject": f"V/v đo tốc độ lần {number}",
            "signer": {"full_name": "Nguyễn Thị Quỳnh Hương", "position": "Phó Giám đốc", "competence": "KT."},
            "place": "Mẫu",
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
