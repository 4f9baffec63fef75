"""The stage: PostgreSQL, the emulated axis, Kafka when asked for, and the node in as many processes as the plan says.

Every program is a process of its own over one PostgreSQL given by its address, as a province would run it, all on
loopback. The agencies of a generated province are enrolled with a key each; one pair of TEST certificates
signs for all.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from lienthong.bench.papers import SENDER, Papers
from lienthong.bench.scale.configs import KAFKA, NODE, axis_config
from lienthong.bench.scale.population import OUTSIDE_UNITS, Province
from lienthong.deploy.demo.pki import STORE
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway import bootstrap
from lienthong.gateway.access import issue_key
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.gateway.settings import Settings

START_SECONDS = 300.0
ALL_ROLES = ("api", "worker", "relay", "poller")
ONE: Mapping[str, Sequence[str]] = {"node": ALL_ROLES}
SEVERAL: Mapping[str, Sequence[str]] = {
    "api-1": ("api",),
    "worker-1": ("worker",),
    "worker-2": ("worker",),
    "rest-1": ("relay", "poller"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is put on stage. ``mode``: signing.mode; ``pool``: connections of each process of the node."""

    province: Province
    broker: str = "embedded"
    mode: str = "verify"
    processes: Mapping[str, Sequence[str]] = field(default_factory=lambda: ONE)
    pool: int = 12


@dataclass(slots=True, kw_only=True)
class Stage:
    plan: Plan
    folder: Path
    papers: Papers
    url: str
    control_url: str
    keys: Mapping[str, str]  # agency code to API key
    http: aiohttp.ClientSession
    database: asyncpg.Connection
    cluster: Cluster | None
    programs: dict[str, int]  # what runs, to its process id
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one connection, asked by several

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        async with self._asking:
            return list(await self.database.fetch(statement, *arguments))

    async def number(self, statement: str, *arguments: object) -> int:
        async with self._asking:
            return int(await self.database.fetchval(statement, *arguments))

    async def call(self, agency: str, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.keys[agency]}", **more.pop("headers", {})}
        async with self.http.request(method, self.url + path, headers=headers, **more) as response:
            return response.status, await response.json()


@asynccontextmanager
async def open_stage(folder: Path, plan: Plan, papers: Papers) -> AsyncIterator[Stage]:
    """Everything running, the directory taken over."""
    folder.mkdir(mode=0o711)  # noqa: ASYNC240 - nothing runs yet
    ports = dict(zip(("axis", "control", "node"), free_ports(3), strict=True))
    (folder / "axis.toml").write_text(axis_config(plan.province, ports))
    (folder / "axis.secret").write_text("TEST-SECRET")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedServer(folder / "postgres", randbytes=os.urandom))
        await migrate(server.dsn)
        cluster = stack.enter_context(Cluster(folder=folder / "kafka")) if plan.broker == "kafka" else None
        configs = {name: _config(folder, plan, name, ports, server.app_dsn, papers, cluster) for name in plan.processes}
        keys = await _enrol(Settings.load(next(iter(configs.values())), {}), plan.province, papers)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300), connector=aiohttp.TCPConnector(limit=0))
        )
        postmaster = int((server.cluster / "postmaster.pid").read_text().splitlines()[0])
        stage = Stage(
            plan=plan,
            folder=folder,
            papers=papers,
            url=f"http://127.0.0.1:{ports['node']}",
            control_url=f"http://127.0.0.1:{ports['control']}",
            keys=keys,
            http=http,
            database=await asyncpg.connect(server.dsn),
            cluster=cluster,
            programs={"postgres": postmaster},
        )
        stack.push_async_callback(stage.database.close)
        if cluster is not None and cluster.brokers[0].process is not None:
            stage.programs["kafka"] = cluster.brokers[0].process.pid
        await start_axis(stage, stack)
        for name, config in configs.items():
            stage.programs[name] = await program(stack, folder / f"{name}.log", "--config", str(config), "serve")
        await answering(http, f"{stage.url}/readyz")
        async with asyncio.timeout(START_SECONDS):
            while not await stage.number("SELECT count(*) FROM directory"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield stage


async def start_axis(stage: Stage, stack: AsyncExitStack) -> None:
    stage.programs["axis"] = await program(
        stack, stage.folder / "axis.log", "emulator", "--config", str(stage.folder / "axis.toml")
    )
    await answering(stage.http, f"{stage.control_url}/health")


async def program(stack: AsyncExitStack, log: Path, *arguments: str) -> int:
    """``python -m lienthong …`` until the stack closes; its process id."""
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


async def answering(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _config(
    folder: Path, plan: Plan, name: str, ports: Mapping[str, int], dsn: str, papers: Papers, cluster: Cluster | None
) -> Path:
    text = NODE.format(
        instance=name,
        roles=json.dumps(list(plan.processes[name])),
        dsn=dsn,
        pool=plan.pool,
        port=ports["node"],
        axis=ports["axis"],
        broker=plan.broker,
        mode=plan.mode,
        trust=papers.trust,
        store=STORE,
    )
    path = folder / f"{name}.toml"
    path.write_text(text + (KAFKA.format(servers=cluster.bootstrap) if cluster else ""))
    return path


async def _enrol(settings: Settings, province: Province, papers: Papers) -> dict[str, str]:
    """Every agency with a key; the certificates of the papers are everybody's."""
    async with bootstrap.command_node(settings) as node:
        ids = {one.code: node.new_id() for one in province.agencies}
        async with node.db.unit(None) as conn:
            for one in province.agencies:
                await node.db.queries.insert_agency(
                    conn,
                    id=ids[one.code],
                    code=one.code,
                    name=one.name,
                    in_charge="UBND tỉnh Mẫu",
                    address="Số 1 phố Mẫu",
                    email="vanthu@mau.example",
                )
            for one in (*province.agencies, *province.outside[:OUTSIDE_UNITS]):
                for line in papers.registry:
                    if line["agency_code"] == SENDER:
                        await node.db.queries.insert_certificate(
                            conn,
                            **{**line, "agency_code": one.code},
                            holder=one.name,
                            valid_from=papers.now - timedelta(days=30),
                            valid_to=None,
                        )
        return {
            code: await issue_key(node.db, agency_id, "bench", new_id=node.new_id, random_bytes=os.urandom)
            for code, agency_id in ids.items()
        }
