"""The one place that builds the node: opens resources in order, closes them in reverse, runs the root tasks.

Only here the clock, randomness and identifiers come into being, and only here the concrete adapters are imported. One
task group owns everything that runs; a root task that returns before the stop is an error, so that the supervisor of
the process starts it again (STYLE.md, habit 23).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import shutil
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from ..adapters.axis import Axis, AxisAgency
from ..adapters.local import LocalAxis
from ..adapters.vxp.client import open_vxp
from ..adapters.vxp.settings import VxpSettings
from ..queue.embedded import EmbeddedBroker
from ..queue.leader import lead
from ..queue.port import Broker, Connection
from ..queue.settings import QueueSettings
from ..queue.stopping import ending
from ..queue.wakeups import Wakeups
from ..queue.worker import WorkerLoop
from ..signing.token_desk import TokenDesk
from . import idempotency, public_events
from .api.health import open_probes
from .api.server import serve_api
from .desk import sessions, states
from .desk.tools import Desk
from .directory import LOCAL
from .envelopes import open_signer
from .errors import GatewayError
from .evidence import EvidenceRoom
from .examiner import open_examiner
from .exchanges import rows as transition_rows
from .files.opening import open_files
from .identifiers import new_id
from .node import Node
from .pipeline.handover import TOPIC, consumer
from .pipeline.holding import hold_work
from .pipeline.steps import kinds
from .postgres.database import Database, DatabaseSettings
from .postgres.migrations.standing import bring_to_newest, check_at_newest
from .postgres.supervisor import EmbeddedServer
from .readiness import Readiness
from .revocation.opening import open_desk
from .roots import roots_of
from .settings import Settings
from .tokens import token_desk_settings
from .upkeep.sweeping import mark_store

CONSUMER: Final = "pipeline"
LEAVE_SECONDS: Final = 1.2  # what hangs after the drain is left then, and everything is closed
OPENING_SECONDS: Final = 4.0  # a start that is stopped gets so long to come to its end
LET_GO_SECONDS: Final = 0.6  # of the name, at a stop
NAME_SECONDS: Final = 8.0  # a killed process's connection may take a while to be missed


def clock() -> datetime:
    return datetime.now(UTC)


def fresh_id() -> UUID:
    return new_id(clock, os.urandom)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set, then drain: no new requests, work in hand finished, everything closed."""
    async with AsyncExitStack() as stack:
        node = server = None
        async with ending(stop, "start", within=OPENING_SECONDS):
            server = await _open_server(settings, stack)
            # Only the serving process empties what a crash left; a command beside it must not touch its working files.
            shutil.rmtree(scratch_of(settings), ignore_errors=True)
            opened = await stack.enter_async_context(open_node(settings, server))
            if server is not None:
                await take_up(opened)
            else:
                await stack.enter_async_context(_alone_of_its_name(opened))
                await idempotency.recover(opened, of=settings.instance)
            await mark_store(opened)
            node = opened
        if node is not None and not stop.is_set():
            spare_collections()
            await run_roots(node, stop, server)


@asynccontextmanager
async def _alone_of_its_name(node: Node) -> AsyncIterator[None]:
    """Leases and sessions carry the name of their process: a second one of the name would take the first one's work."""
    over, leads = asyncio.Event(), asyncio.Event()

    async def hold(ended: asyncio.Event) -> None:
        leads.set()
        await ended.wait()

    task = asyncio.create_task(lead(node.db, f"instance {node.settings.instance}", over, hold, poll=0.5))
    try:
        async with asyncio.timeout(NAME_SECONDS):
            await leads.wait()
    except TimeoutError as cause:
        message = f"Một tiến trình khác tên “{node.settings.instance}” đang chạy trên cùng cơ sở dữ liệu."
        raise GatewayError("INSTANCE_TAKEN", message) from cause
    else:
        yield
    finally:
        over.set()
        await asyncio.wait([task], timeout=LET_GO_SECONDS)
        if task.done():
            task.result()
        else:  # the database says nothing: the name is free when it finds the connection gone
            task.cancel()
            await asyncio.wait([task])


def spare_collections() -> None:
    """What is there now never becomes garbage, and little of what a document leaves needs the collector."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def take_up(node: Node) -> None:
    """What a killed process left: nobody else uses the embedded server's folder, so it is all ours and all over."""
    await idempotency.recover(node, of=None)
    await node.files.sweep_temporary(clock())


async def run_roots(node: Node, stop: asyncio.Event, server: EmbeddedServer | None = None) -> None:
    """Everything that runs by itself, in one task group, until the stop."""
    await sessions.forget_sessions(node)
    wakeups = Wakeups(node.db)
    broker = _broker(node, wakeups)
    broker.subscribe(consumer=CONSUMER, topic=TOPIC, handler=consumer(node))
    worker = WorkerLoop(
        node.db,
        kinds(node),
        owner=node.settings.instance,
        random=node.random,
        wakeups=wakeups,
        settings=queue_settings(node.settings),
        on_parked=lambda conn, work, reason: hold_work(node, conn, work, reason),
    )
    readiness = Readiness(node=node, stopping=stop.is_set, trouble=broker.trouble)
    api = partial(serve_api, node, trouble=broker.trouble)
    async with open_probes(readiness, node.settings.http.health_port), asyncio.TaskGroup() as group:
        watch = group.create_task(server.supervise(), name="postgres") if server else None
        roots = {"wakeups": wakeups.run(stop), **roots_of(node, broker, worker, api, stop)}
        patience = node.settings.queue.drain_seconds + LEAVE_SECONDS
        tasks = [group.create_task(_root(name, work, stop, patience), name=name) for name, work in roots.items()]
        await asyncio.wait(tasks)
        if watch is not None:
            watch.cancel()


def _broker(node: Node, wakeups: Wakeups) -> Broker:
    settings = queue_settings(node.settings)
    if node.settings.queue.broker == "kafka" and node.settings.kafka is not None:
        from ..queue.kafka import KafkaBroker  # here: the client library loads only where it is used

        kafka = node.settings.kafka.to_queue(node.settings.instance)
        return KafkaBroker(node.db, kafka, random=node.random, wakeups=wakeups, settings=settings)
    return EmbeddedBroker(node.db, random=node.random, wakeups=wakeups, settings=settings)


async def _root(name: str, work: Coroutine[object, object, None], stop: asyncio.Event, patience: float) -> None:
    """A root task that ends before the stop takes all others with it; one that hangs after it is left behind."""
    async with ending(stop, name, within=patience):
        await work
    if not stop.is_set():
        raise GatewayError("ROOT_TASK_ENDED", f"Tác vụ nền “{name}” tự kết thúc; nút dừng để được khởi động lại.")


def queue_settings(settings: Settings) -> QueueSettings:
    queue = settings.queue
    return QueueSettings(
        poll=queue.poll_seconds, batch=queue.batch, lease=queue.lease_seconds, drain=queue.drain_seconds
    )


async def _open_server(settings: Settings, stack: AsyncExitStack) -> EmbeddedServer | None:
    """The embedded server migrates itself; a given database that is not at head stops the start (decision 19)."""
    if settings.database.dsn is not None:
        await check_at_newest(settings.database.dsn)
        return None
    server = await stack.enter_async_context(EmbeddedServer(settings.postgres_dir, randbytes=os.urandom))
    await bring_to_newest(server.dsn)
    return server


@asynccontextmanager
async def open_node(settings: Settings, server: EmbeddedServer | None, *, serving: bool = True) -> AsyncIterator[Node]:
    """Everything the use cases work with, over a database that is at head. Only who serves opens the service key."""
    dsn = server.app_dsn if server else settings.database.dsn
    if dsn is None:
        raise GatewayError("SETTINGS_INVALID", "Thiếu database.dsn và không có PostgreSQL nhúng.")
    async with AsyncExitStack() as stack:
        pool = DatabaseSettings(
            connections_max=settings.database.pool_size,
            application_name=settings.instance,
            public_source=settings.public_source,
        )
        db = await stack.enter_async_context(Database(dsn, pool))
        await fill_transitions(db)
        files = open_files(settings, token=lambda: os.urandom(16).hex())
        await files.start(older_than=clock() - timedelta(hours=1))
        scratch = scratch_of(settings)
        scratch.mkdir(parents=True, exist_ok=True)
        examiner = await stack.enter_async_context(open_examiner(settings))
        tokens = await stack.enter_async_context(TokenDesk(settings=token_desk_settings(settings.signing)))
        revocation = await stack.enter_async_context(
            open_desk(settings, db, settings.trust_dir, run=examiner.run, clock=clock, chance=random.random)
        )
        yield Node(
            db=db,
            files=files,
            verifier=examiner,
            revocation=revocation,
            evidence=EvidenceRoom(files=files, clock=clock),
            axes=await _open_axes(settings, db, stack),
            settings=settings,
            clock=clock,
            new_id=fresh_id,
            random=random.random,
            scratch=scratch,
            signer=await stack.enter_async_context(open_signer(settings.service_key if serving else None)),
            desk=Desk(press=examiner, tokens=tokens),
            trust_folder=settings.trust_dir,
        )


def scratch_of(settings: Settings) -> Path:
    """Where this process writes packages before they are stored; processes of other names have their own."""
    return settings.data_dir / "scratch" / settings.instance


async def fill_transitions(db: Database) -> None:
    """The state tables of exchanges.py, for the foreign key of every event."""
    subjects, before, after = zip(*transition_rows(), *states.rows(), strict=True)
    async with db.unit(None) as conn:
        await db.queries.insert_transitions(conn, subjects=list(subjects), froms=list(before), tos=list(after))
        await _fill_public_types(db, conn)


async def _fill_public_types(db: Database, conn: Connection) -> None:
    subjects, before, after, types, codes = (list(column) for column in zip(*public_events.rows(), strict=True))
    await db.queries.insert_public_types(conn, subjects=subjects, froms=before, tos=after, types=types, codes=codes)


async def _open_axes(settings: Settings, db: Database, stack: AsyncExitStack) -> dict[str, Axis]:
    async def own() -> list[AxisAgency]:
        async with db.unit(None) as conn:
            return [
                AxisAgency(id=str(row["id"]), code=row["code"], name=row["name"], email=row["email"])
                async for row in db.queries.own_agencies(conn)
            ]

    axes: dict[str, Axis] = {LOCAL: LocalAxis(settings.data_dir / "local-axis", agencies=own, clock=clock)}
    for axis in settings.axes:
        vxp = VxpSettings(
            name=axis.name,
            base_url=axis.base_url,
            system_id=axis.system_id,
            secret=axis.secret_file.read(),
            connect_seconds=axis.connect_timeout_s,
            read_seconds=axis.read_timeout_s,
        )
        axes[axis.name] = await stack.enter_async_context(open_vxp(vxp, clock=clock))
    return axes


@asynccontextmanager
async def command_node(settings: Settings) -> AsyncIterator[Node]:
    """The node for one command of the command line: nothing runs, the database may be one that a node uses."""
    async with AsyncExitStack() as stack:
        server = None
        if settings.database.dsn is None:
            with contextlib.suppress(FileNotFoundError):
                server = await _open_server(settings, stack)
        yield await stack.enter_async_context(open_node(settings, server, serving=False))
