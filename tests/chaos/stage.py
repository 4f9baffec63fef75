"""A node of several processes over one PostgreSQL and, unless the embedded broker does, one real Kafka; and an axis.

Processes, server and broker are real and separate, so each can be killed alone; all of them end with the stage.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway import bootstrap
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.gateway.settings import Settings
from lienthong.tests.chaos.members import Member
from lienthong.tests.chaos.settings import Kafka, Plan, write_settings
from lienthong.tests.crash.archive import Archive, open_archive
from lienthong.tests.crash.processes import Program
from lienthong.tests.crash.scene import Cast, Scene, enrol, sign_papers
from lienthong.tests.crash.stage import patient_client, start_axis, write_axis
from lienthong.tests.journeys.papers import Papers
from lienthong.tests.journeys.province import free_port

EACH: Final = 2  # processes of every role
EMBEDDED_ROLES: Final = ("api", "worker", "poller")
KAFKA_ROLES: Final = (*EMBEDDED_ROLES, "relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stands below the node before it starts: papers, agencies, and how many brokers (0: the embedded one)."""

    papers: Papers
    cast: Cast
    brokers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    scene: Scene
    members: tuple[Member, ...]
    server: EmbeddedServer
    cluster: Cluster | None
    archive: Archive

    def of(self, role: str) -> tuple[Member, ...]:
        return tuple(one for one in self.members if role in one.plan.roles)


@asynccontextmanager
async def open_stage(folder: Path, ground: Ground) -> AsyncIterator[Stage]:
    """All processes serving."""
    async with AsyncExitStack() as stack:
        cluster = None
        if ground.brokers:
            cluster = Cluster(folder=folder / "kafka", size=ground.brokers)
            await asyncio.to_thread(cluster.__enter__)
            stack.callback(cluster.end)
        (folder / "node").mkdir(mode=0o711)
        server = await stack.enter_async_context(EmbeddedServer(folder / "node" / "postgres", randbytes=os.urandom))
        await migrate(server.dsn)
        watch = asyncio.create_task(server.supervise(), name="postgres")
        stack.callback(watch.cancel)
        axis, control = free_port(), free_port()
        write_axis(folder / "axis.toml", ground.cast, axis, control)
        (folder / "axis.secret").write_text("TEST-SECRET")
        plans = plan_of(ground, server.app_dsn, f"http://127.0.0.1:{axis}")
        paths = [write_settings(folder, plan, trust=ground.papers.trust, kafka=_told(cluster)) for plan in plans]
        async with bootstrap.command_node(Settings.load(paths[0], {})) as node:
            keys, operator = await enrol(node, ground.cast, ground.papers)
        sent, outside = await sign_papers(ground.papers, ground.cast)
        http = await stack.enter_async_context(patient_client())
        scene = Scene(
            folder=folder,
            cast=ground.cast,
            papers=ground.papers,
            sent_papers=sent,
            outside_paper=outside,
            node_urls=tuple(f"http://127.0.0.1:{plan.port}" for plan in plans if plan.port),
            control_url=await start_axis(stack, folder, control, http),
            keys=keys,
            operator_key=operator,
            http=http,
            alone=False,
        )
        archive = await stack.enter_async_context(open_archive(scene))
        members = []
        for plan, path in zip(plans, paths, strict=True):
            ready = f"http://127.0.0.1:{plan.port}/readyz"
            program = Program(arguments=("--config", str(path), "serve"), log=folder / f"{plan.name}.log", ready=ready)
            stack.push_async_callback(program.stop)
            members.append(Member(plan=plan, program=program, http=http))
        await asyncio.gather(*(member.serve(archive) for member in members))
        yield Stage(scene=scene, members=tuple(members), server=server, cluster=cluster, archive=archive)


def plan_of(ground: Ground, dsn: str, axis: str) -> list[Plan]:
    """Two processes of every role."""
    roles = KAFKA_ROLES if ground.brokers else EMBEDDED_ROLES
    return [
        Plan(name=f"{role}-{n}", roles=(role,), port=free_port() if role == "api" else 0, dsn=dsn, axis=axis)
        for role in roles
        for n in range(1, EACH + 1)
    ]


def _told(cluster: Cluster | None) -> Kafka | None:
    if cluster is None:
        return None
    copies = min(3, cluster.size)
    return Kafka(servers=cluster.bootstrap, copies=copies, in_sync=max(1, copies - 1))
