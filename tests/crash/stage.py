"""The scene of the crash test: one node with its embedded PostgreSQL, and the emulated axis, both real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from lienthong.deploy.demo.pki import STORE
from lienthong.gateway import bootstrap
from lienthong.gateway.settings import Settings
from lienthong.tests.crash.processes import Program, Victim
from lienthong.tests.crash.scene import Cast, Scene, agencies_of_the_axis, enrol, sign_papers, two_neighbours
from lienthong.tests.journeys.papers import make_papers
from lienthong.tests.journeys.province import free_port

PORTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    scene: Scene
    victim: Victim


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
breaker_base_seconds = 0.3
breaker_cap_seconds = 1.0
[signing]
trust_dir = "{trust}"
trust_store = "{store}"
workers = 1
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
    cast = two_neighbours()
    axis, control, node = (free_port() for _ in range(PORTS))
    write_axis(folder / "axis.toml", cast, axis, control)
    (folder / "axis.secret").write_text("TEST-SECRET")
    (folder / "node.toml").write_text(NODE.format(node=node, axis=axis, trust=papers.trust, store=STORE))
    async with bootstrap.command_node(Settings.load(folder / "node.toml", {})) as made:
        keys, operator = await enrol(made, cast, papers)
    sent, outside = await sign_papers(papers, cast)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(patient_client())
        control_url = await start_axis(stack, folder, control, http)
        url = f"http://127.0.0.1:{node}"
        program = Program(
            arguments=("--config", str(folder / "node.toml"), "serve"), log=folder / "node.log", ready=f"{url}/readyz"
        )
        victim = Victim(program=program, cluster=folder / "node" / "postgres" / "cluster", http=http)
        stack.push_async_callback(program.stop)
        await victim.serve()
        scene = Scene(
            folder=folder,
            objects=folder / "node" / "files",
            cast=cast,
            papers=papers,
            sent_papers=sent,
            outside_paper=outside,
            node_urls=(url,),
            control_url=control_url,
            keys=keys,
            operator_key=operator,
            http=http,
            alone=True,
        )
        yield Stage(scene=scene, victim=victim)


def patient_client() -> aiohttp.ClientSession:
    """No connection outlives a request: every one meets the process that lives now."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=10), connector=aiohttp.TCPConnector(force_close=True)
    )


async def start_axis(stack: AsyncExitStack, folder: Path, control: int, http: aiohttp.ClientSession) -> str:
    """The emulator as a process of its own until the stack unwinds; the address of its control plane."""
    url = f"http://127.0.0.1:{control}"
    emulator = Program(
        arguments=("emulator", "--config", str(folder / "axis.toml")), log=folder / "axis.log", ready=f"{url}/health"
    )
    await emulator.start()
    stack.push_async_callback(emulator.stop)
    await emulator.serving(http)
    return url


def write_axis(path: Path, cast: Cast, axis: int, control: int) -> None:
    path.write_text(AXIS.format(axis=axis, control=control) + agencies_of_the_axis(cast))
