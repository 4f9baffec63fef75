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

EACH: Final = 2  # processes of every role
EMBEDDED_ROLES: Final = ("api", "worker", "poller")
KAFKA_ROLES: Final = (*EMBEDDED_ROLES, "relay")


class Wire(StrEnum):
    """Where a process's wire leads."""

    DATABASE = "database"
    AXIS = "axis"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    scene: Scene
    members: tuple[Member, ...]
    wires: Mapping[tuple[str, Wire], Proxy]  # by name of the process
    server: EmbeddedServer
    cluster: Cluster | None
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
        plain = plan_of(ground, server.app_dsn, f"http://127.0.0.1:{axis}")
        wires = await _wires(stack, ground, plain, axis)
        plans = [_wired(plan, wires) for plan in plain]
        paths = [write_settings(folder, plan, trust=ground.papers.trust, kafka=_told(cluster)) for plan in plans]
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
        yield Stage(scene=scene, members=tuple(members), wires=wires, server=server, cluster=cluster, archive=archive)


def plan_of(ground: Ground, dsn: str, axis: str) -> list[Plan]:
    """Two processes of every role."""
    roles = KAFKA_ROLES if ground.brokers else EMBEDDED_ROLES
    return [
        Plan(
            name=f"{role}-{n}",
            roles=(role,),
            port=free_port() if role == "api" else 0,
            health=free_port(),
            dsn=dsn,
            axis=axis,
        )
        for role in roles
        for n in range(1, EACH + 1)
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


async def _wires(stack: AsyncExitStack, ground: Ground, plans: list[Plan], axis: int) -> dict[tuple[str, Wire], Proxy]:
    wires = {}
    for plan in plans:
        if (plan.roles[0], Wire.DATABASE) in ground.wired:
            wires[plan.name, Wire.DATABASE] = await stack.enter_async_context(Proxy(watch=TransactionWatch))
        if (plan.roles[0], Wire.AXIS) in ground.wired:
            wire = Proxy(("127.0.0.1", axis), watch=HttpWatch)
            wires[plan.name, Wire.AXIS] = await stack.enter_async_context(wire)
    return wires


def _wired(plan: Plan, wires: Mapping[tuple[str, Wire], Proxy]) -> Plan:
    """The plan with the addresses of its wires."""
    database, axis = wires.get((plan.name, Wire.DATABASE)), wires.get((plan.name, Wire.AXIS))
    return replace(
        plan,
        dsn=through(database, plan.dsn) if database else plan.dsn,
        axis=f"http://127.0.0.1:{axis.port}" if axis else plan.axis,
    )


def _told(cluster: Cluster | None) -> Kafka | None:
    if cluster is None:
        return None
    copies = min(3, cluster.size)
    return Kafka(servers=cluster.bootstrap, copies=copies, in_sync=max(1, copies - 1))
