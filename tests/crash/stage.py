"""The scene of the crash test: settings, agencies with keys, one signed letter for each sender, both programs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from lienthong.deploy.demo.pki import STORE
from lienthong.gateway import bootstrap
from lienthong.gateway.access import issue_key
from lienthong.gateway.settings import Settings
from lienthong.tests.crash.processes import Program, Victim
from lienthong.tests.journeys.papers import NAMES, NEIGHBOUR, OUTSIDE, SENDER, Papers, make_papers
from lienthong.tests.journeys.province import free_port

ROBOT = "000.00.00.H41"
ROBOT_SAYS = ("01", "03")
PORTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    folder: Path
    papers: Papers
    sent_paper: Path  # the one PDF of all outgoing documents
    outside_paper: Path  # the one PDF of all incoming documents
    node_url: str
    control_url: str
    keys: dict[str, str]  # agency code to API key
    victim: Victim
    http: aiohttp.ClientSession

    @property
    def data(self) -> Path:
        return self.folder / "node"


AXIS = """
data = "axis"
port = {axis}
control_port = {control}
pace = 0.02
[[systems]]
id = "00.99.W00"
secret = "TEST-SECRET"
[[systems]]
id = "00.98.W00"
secret = "TEST-SECRET-H98"
"""
AGENCY = """
[[agencies]]
code = "{code}"
name = "{name}"
center = "{center}"
script = {script}
"""
NODE = """
data_dir = "node"
province_name = "tỉnh Mẫu"
[http]
port = {node}
[files]
reserve_bytes = 0
[queue]
poll_seconds = 0.5
[retry]
base_seconds = 0.2
unknown_wait_seconds = 0.2
[signing]
trust_dir = "{trust}"
trust_store = "{store}"
[[axes]]
name = "quoc-gia"
base_url = "http://127.0.0.1:{axis}/XrdAdapter/adapter"
system_id = "00.99.W00"
secret_file = "axis.secret"
poll_seconds = 0.2
read_timeout_s = 5.0
directory_sync_seconds = 60
"""


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """Both programs running, the node ready to be killed."""
    papers = await asyncio.to_thread(make_papers, folder / "papers", datetime.now(UTC))
    axis, control, node = (free_port() for _ in range(PORTS))
    _write_axis(folder / "axis.toml", axis, control)
    (folder / "axis.secret").write_text("TEST-SECRET")
    (folder / "node.toml").write_text(NODE.format(node=node, axis=axis, trust=papers.trust, store=STORE))
    keys = await _enrol(Settings.load(folder / "node.toml", {}), papers)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=10), connector=aiohttp.TCPConnector(force_close=True)
            )
        )
        control_url = f"http://127.0.0.1:{control}"
        emulator = Program(
            arguments=("emulator", "--config", str(folder / "axis.toml")),
            log=folder / "axis.log",
            ready=f"{control_url}/health",
        )
        await emulator.start()
        stack.push_async_callback(emulator.stop)
        await emulator.serving(http)
        url = f"http://127.0.0.1:{node}"
        program = Program(
            arguments=("--config", str(folder / "node.toml"), "serve"), log=folder / "node.log", ready=f"{url}/readyz"
        )
        victim = Victim(program=program, cluster=folder / "node" / "postgres" / "cluster", http=http)
        stack.push_async_callback(program.stop)
        await victim.serve()
        yield Stage(
            folder=folder,
            papers=papers,
            sent_paper=await papers.signed("01"),
            outside_paper=await papers.signed("01", by=OUTSIDE),
            node_url=url,
            control_url=control_url,
            keys=keys,
            victim=victim,
            http=http,
        )


def _write_axis(path: Path, axis: int, control: int) -> None:
    parts = [AXIS.format(axis=axis, control=control)]
    for code, center, script in (
        (SENDER, "00.99.W00", ()),
        (NEIGHBOUR, "00.99.W00", ()),
        (ROBOT, "00.41.W00", ROBOT_SAYS),
        (OUTSIDE, "00.98.W00", ()),
    ):
        name = NAMES.get(code, "UBND tỉnh Nghệ An")
        parts.append(AGENCY.format(code=code, name=name, center=center, script=json.dumps(script)))
    path.write_text("".join(parts))


async def _enrol(settings: Settings, papers: Papers) -> dict[str, str]:
    """The node's agencies, the certificates of everybody, a key for each eOffice."""
    keys: dict[str, str] = {}
    async with bootstrap.command_node(settings) as node:
        for code in (SENDER, NEIGHBOUR):
            agency_id = node.new_id()
            async with node.db.unit(None) as conn:
                await node.db.queries.insert_agency(
                    conn,
                    id=agency_id,
                    code=code,
                    name=NAMES[code],
                    in_charge="UBND tỉnh Mẫu",
                    address="Số 1 phố Mẫu",
                    email="vanthu@mau.example",
                )
            keys[code] = await issue_key(node.db, agency_id, "eOffice", new_id=node.new_id, random_bytes=os.urandom)
        async with node.db.unit(None) as conn:
            for line in papers.registry:
                await node.db.queries.insert_certificate(
                    conn,
                    **line,
                    holder=NAMES[line["agency_code"]],
                    valid_from=papers.now - timedelta(days=30),
                    valid_to=None,
                )
    return keys
