"""A node of several processes over one PostgreSQL and, unless the embedded broker does, one real Kafka; and an axis.

Processes, server and broker are real and separate, so each can be killed alone; all of them end with the stage. Where
a scene asks for it, a process has its own wire to the database, or to the axis, on which a fault can be put.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.deploy.s3.server import BUCKET, S3Server
from lienthong.gateway import bootstrap
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.gateway.settings import Settings
from lienthong.tests.chaos.disk_faults import small_disk
from lienthong.tests.chaos.members import Member
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.settings import Kafka, Plan, write_settings
from lienthong.tests.chaos.transactions import TransactionWatch
from lienthong.tests.chaos.watching import HttpWatch
from lienthong.tests.crash.archive import Archive, open_archive
from lienthong.tests.crash.processes import Program
from lienthong.tests.crash.scene import Cast, Scene, enrol, sign_papers
from lienthong.tests.crash.stage import patient_client, start_axis, write_axis
from lienthong.tests.journeys.papers import Papers
from lienthong.tests.journeys.province import free_port

KEYS: Final = "van-ban"  # before every key of the bucket
EMBEDDED_ROLES: Final = ("api", "worker", "poller")
KAFKA_ROLES: Final = (*EMBEDDED_ROLES, "relay")


class Wire(StrEnum):
    """Where a process's wire leads."""

    DATABASE = "database"
    AXIS = "axis"
    FILES = "files"  # an S3 server


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stands below the node before it starts. ``brokers``: of Kafka; 0: the embedded one. ``wired``: which roles
    have a wire of their own, and where to.
    """

    papers: Papers
    cast: Cast
    brokers: int
    wired: frozenset[tuple[str, Wire]] = frozenset()
    disk: int = 0  # bytes of a disk of its own for the file store (a mount, so only root can); 0: none
    each: int = 2  # processes of every role
    s3: bool = False  # the files lie on an S3 server


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    scene: Scene
    members: tuple[Member, ...]
    wires: Mapping[tuple[str, Wire], Proxy]  # by name of the process
    server: EmbeddedServer
    cluster: Cluster | None
    s3: S3Server | None
    archive: Archive

    def of(self, *roles: str) -> tuple[Member, ...]:
        return tuple(one for one in self.members if one.plan.roles[0] in roles)

    def wires_to(self, where: Wire) -> tuple[Proxy, ...]:
        return tuple(proxy for (_, end), proxy in self.wires.items() if end is where)


@asynccontextmanager
async def open_stage(folder: Path, ground: Ground) -> AsyncIterator[Stage]:
    """All processes serving."""
    async with AsyncExitStack() as stack:
        cluster = await _broker(stack, folder, ground)
        s3 = await _bucket(stack, folder, ground)
        (folder / "node").mkdir(mode=0o711, exist_ok=True)
        if ground.disk:
            stack.enter_context(small_disk(folder / "node" / "files", ground.disk))
        server = await stack.enter_async_context(EmbeddedServer(folder / "node" / "postgres", randbytes=os.urandom))
        await migrate(server.dsn)
        watch = asyncio.create_task(server.supervise(), name="postgres")
        stack.callback(watch.cancel)
        axis, control = free_port(), free_port()
        write_axis(folder / "axis.toml", ground.cast, axis, control)
        (folder / "axis.secret").write_text("TEST-SECRET")
        plain = plan_of(ground, server.app_dsn, f"http://127.0.0.1:{axis}", s3.endpoint if s3 else "")
        wires = await _wires(stack, ground, plain)
        plans = [_wired(plan, wires) for plan in plain]
        bucket = s3.settings(KEYS) if s3 else None
        paths = [
            write_settings(folder, plan, trust=ground.papers.trust, kafka=_told(cluster), bucket=bucket)
            for plan in plans
        ]
        http = await stack.enter_async_context(patient_client())
        urls = tuple(f"http://127.0.0.1:{plan.port}" for plan in plans if plan.port)
        control_url = await start_axis(stack, folder, control, http)
        settings = Settings.load(paths[0], {})
        settings = settings.model_copy(
            update={"database": settings.database.model_copy(update={"dsn": server.app_dsn})}
        )
        async with bootstrap.command_node(settings) as node:
            keys, operator = await enrol(node, ground.cast, ground.papers)
        sent, outside = await sign_papers(ground.papers, ground.cast)
        scene = Scene(
            folder=folder,
            objects=s3.data / BUCKET / KEYS if s3 else folder / "node" / "files",
            cast=ground.cast,
            papers=ground.papers,
            sent_papers=sent,
            outside_paper=outside,
            node_urls=urls,
            control_url=control_url,
            keys=keys,
            operator_key=operator,
            http=http,
            alone=False,
        )
        archive = await stack.enter_async_context(open_archive(scene))
        members = [_member(stack, scene, plan, path) for plan, path in zip(plans, paths, strict=True)]
        await asyncio.gather(*(member.serve() for member in members))
        yield Stage(
            scene=scene,
            members=tuple(members),
            wires=wires,
            server=server,
            cluster=cluster,
            s3=s3,
            archive=archive,
        )


def plan_of(ground: Ground, dsn: str, axis: str, files: str) -> list[Plan]:
    """So many processes of every role."""
    roles = KAFKA_ROLES if ground.brokers else EMBEDDED_ROLES
    return [
        Plan(
            name=f"{role}-{n}",
            roles=(role,),
            port=free_port() if role == "api" else 0,
            health=free_port(),
            dsn=dsn,
            axis=axis,
            files=files,
        )
        for role in roles
        for n in range(1, ground.each + 1)
    ]


def _member(stack: AsyncExitStack, scene: Scene, plan: Plan, path: Path) -> Member:
    log = scene.folder / f"{plan.name}.log"
    program = Program(arguments=("--config", str(path), "serve"), log=log, ready=plan.ready)
    stack.push_async_callback(program.stop)
    return Member(plan=plan, program=program, http=scene.http)


async def _broker(stack: AsyncExitStack, folder: Path, ground: Ground) -> Cluster | None:
    if not ground.brokers:
        return None
    cluster = Cluster(folder=folder / "kafka", size=ground.brokers)
    await asyncio.to_thread(cluster.__enter__)
    stack.callback(cluster.end)
    return cluster


async def _bucket(stack: AsyncExitStack, folder: Path, ground: Ground) -> S3Server | None:
    if not ground.s3:
        return None
    server = S3Server(folder=folder / "s3")
    await asyncio.to_thread(server.__enter__)
    stack.callback(server.stop)
    return server


async def _wires(stack: AsyncExitStack, ground: Ground, plans: list[Plan]) -> dict[tuple[str, Wire], Proxy]:
    wires = {}
    for plan in plans:
        for where, watch in WATCHES.items():
            if (plan.roles[0], where) in ground.wired:
                wires[plan.name, where] = await stack.enter_async_context(Proxy(watch=watch))
    return wires


WATCHES: Final = {Wire.DATABASE: TransactionWatch, Wire.AXIS: HttpWatch, Wire.FILES: HttpWatch}


def _wired(plan: Plan, wires: Mapping[tuple[str, Wire], Proxy]) -> Plan:
    """The plan with the addresses of its wires."""

    def address(where: Wire, straight: str) -> str:
        wire = wires.get((plan.name, where))
        return through(wire, straight) if wire else straight

    return replace(
        plan,
        dsn=address(Wire.DATABASE, plan.dsn),
        axis=address(Wire.AXIS, plan.axis),
        files=address(Wire.FILES, plan.files),
    )


def _told(cluster: Cluster | None) -> Kafka | None:
    if cluster is None:
        return None
    copies = min(3, cluster.size)
    return Kafka(servers=cluster.bootstrap, copies=copies, in_sync=max(1, copies - 1))
