"""A node that is asked to stop (SIGTERM), as a process of its own: intake ends first, what is in hand is finished or
given back, the end comes in time whatever hangs, and the next start repeats nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lienthong.adapters.emulator.app import Emulator, open_emulator
from lienthong.adapters.emulator.faults import Fault, FaultCode
from lienthong.adapters.emulator.settings import EmulatorSettings
from lienthong.adapters.vxp.protocol import Operation
from lienthong.deploy.kafka.cluster import Cluster
from lienthong.gateway import bootstrap
from lienthong.gateway.node import Node
from lienthong.gateway.pipeline.handover import TOPIC
from lienthong.gateway.postgres.occupants import occupants
from lienthong.queue.kafka_clients import behind
from lienthong.queue.messages import Lane
from lienthong.tests.chaos.postgres_faults import paused
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.crash.processes import Program
from lienthong.tests.journeys.papers import SENDER, Papers
from lienthong.tests.journeys.province import (
    AXIS_SEED,
    LONG,
    Agency,
    Province,
    agency_of,
    free_port,
    settle_in,
    write_settings,
)
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]
NGHE_AN = "000.00.00.H41"
DRAIN = 6.0
NOTICE = 5.0
SHORT = 2.0  # a drain in which nothing can be done anyway
DEADLINE = DRAIN + 2.0  # seconds from the signal to the end of the process
BUSY = 4.0  # more on a machine that does other things


@dataclass(slots=True, kw_only=True)
class Scene:
    """A node as one process, the axis and the database of the test."""

    program: Program
    health: str
    base: str
    http: aiohttp.ClientSession
    node: Node  # over the same database, runs nothing
    emulator: Emulator
    papers: Papers
    sender: Agency

    async def start(self) -> None:
        await self.program.start()
        await self.program.serving(self.http)
        await until(lambda: self.rows("SELECT 1 FROM directory LIMIT 1"), LONG)

    def ask_to_stop(self) -> float:
        assert self.program.running is not None
        self.program.running.send_signal(signal.SIGTERM)
        return asyncio.get_running_loop().time()

    async def ended(self, asked: float) -> None:
        """In order and in time."""
        assert self.program.running is not None
        status = await self.program.running.wait()
        took = asyncio.get_running_loop().time() - asked
        assert status == 0, self.program.log.read_text()[-3000:]
        assert took < DEADLINE + BUSY
        self.program.running = None

    async def ready(self, base: str) -> tuple[int, dict[str, Any]]:
        async with self.http.get(f"{base}/readyz") as response:
            return response.status, await response.json()

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        async with self.node.db.unit(None) as conn:
            return list(await conn.fetch(statement, *arguments))

    async def post(self, number: str) -> tuple[int, dict[str, Any]]:
        paper = await self.papers.signed(number)
        letter = Province.letter(self, number, NGHE_AN)  # type: ignore[arg-type]
        return await self.sender.post(letter, paper, key=number)

    async def arrived(self, *documents: str) -> None:
        async def finished() -> bool:
            return all([await self.sender.states(one) == {NGHE_AN: "finished"} for one in documents])

        await until(finished, 2 * LONG)
        packages = self.emulator.controls.ledger.state.packages.values()
        sent = Counter(one.document_id for one in packages if one.kind == "edoc" and SENDER in one.document_id)
        assert sorted(sent.values()) == [1] * len(documents)


@asynccontextmanager
async def open_scene(
    folder: Path,
    dsn: str,
    papers: Papers,
    more: str = "",
    broker: str = "",
    notice: float = 0.5,
    drain: float = DRAIN,
) -> AsyncIterator[Scene]:
    seed = dataclasses.replace(
        EmulatorSettings.from_toml(AXIS_SEED), data=folder / "axis", port=0, control_port=0, pace=0.02
    )
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(open_emulator(seed))
        port, health = free_port(), free_port()
        settings = write_settings(folder, dsn=dsn, base_url=emulator.base_url, port=port, trust=papers.trust, more=more)
        path = folder / "node.toml"
        text = path.read_text().replace("read_timeout_s = 2.0", "read_timeout_s = 60.0")
        text = text.replace("notice_s = 0\n", f"notice_s = {notice}\nhealth_port = {health}\nshutdown_s = {drain}\n")
        path.write_text(text.replace("[queue]\n", f"[queue]\ndrain_seconds = {drain}\n{broker}"))
        node = await stack.enter_async_context(bootstrap.open_node(settings, None))
        connector = aiohttp.TCPConnector(force_close=True)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        ids = await settle_in(node, papers)
        base = f"http://127.0.0.1:{port}"
        program = Program(
            arguments=("--config", str(path), "serve"), log=folder / "log", ready=f"http://127.0.0.1:{health}/readyz"
        )
        stack.push_async_callback(program.kill)
        yield Scene(
            program=program,
            health=f"http://127.0.0.1:{health}",
            base=base,
            http=http,
            node=node,
            emulator=emulator,
            papers=papers,
            sender=await agency_of(node, http, base, ids, SENDER),
        )


async def test_a_node_whose_axis_hangs_stops_in_time_and_sends_nothing_twice(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    async with open_scene(tmp_path, addresses[1], papers, notice=NOTICE) as scene:
        await scene.start()
        scene.emulator.controls.faults.inject(Fault(code=FaultCode.STORED_SILENT, operation=Operation.SEND))
        status, sent = await scene.post("71")
        assert status == 202
        await until(lambda: not scene.emulator.controls.faults.active(), LONG)  # the axis has it, and says nothing

        await papers.signed("72")  # at hand when it is sent

        asked = scene.ask_to_stop()

        async def told() -> bool:
            return (await scene.ready(scene.health))[0] == 503

        await until(told, LONG)
        for place in (scene.base, scene.health):  # still there, so that a balancer learns it
            status, body = await scene.ready(place)
            assert (status, body["code"]) == (503, "NODE_STOPPING")
        status, refused = await scene.post("72")
        assert (status, refused["code"]) == (503, "NODE_STOPPING")
        await scene.ended(asked)
        assert await scene.rows("SELECT FROM work WHERE state = 'leased'") == []

        scene.emulator.controls.faults.clear()
        await scene.start()
        await scene.arrived(sent["id"])
        await scene.ended(scene.ask_to_stop())


async def test_offsets_are_committed_and_an_absent_kafka_holds_no_stop_up(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers, kafka: Cluster
) -> None:
    more = f'[kafka]\nservers = "{kafka.bootstrap}"\nprefix = "stop."\npartitions = 2\ncopies = 1\nin_sync = 1\n'
    async with open_scene(tmp_path, addresses[1], papers, more, broker='broker = "kafka"\n') as scene:
        await scene.start()
        _, first = await scene.post("73")
        await scene.arrived(first["id"])
        await scene.ended(scene.ask_to_stop())
        assert scene.node.settings.kafka is not None
        settings = scene.node.settings.kafka.to_queue("test")
        for lane in Lane:  # nothing of what was done comes again
            left = await behind(settings, settings.topic(TOPIC, lane), f"pipeline.{TOPIC}.{lane.name.lower()}")
            assert set(left.values()) == {0}

        await scene.start()
        broker = kafka.brokers[0].process
        assert broker is not None
        broker.send_signal(signal.SIGSTOP)
        try:
            status, second = await scene.post("74")
            assert status == 202  # PostgreSQL has it
            assert (await scene.ready(scene.base))[0] == 200
            await scene.ended(scene.ask_to_stop())
        finally:
            broker.send_signal(signal.SIGCONT)
        await scene.start()
        await scene.arrived(first["id"], second["id"])
        await scene.ended(scene.ask_to_stop())


async def test_a_database_that_stands_still_holds_no_stop_up_and_costs_no_document(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    """Connections stay open and nothing is answered, as when the server's machine or its disk hangs."""
    async with (
        Proxy() as wire,
        open_scene(tmp_path, through(wire, addresses[1]), papers, drain=SHORT) as scene,
    ):
        await scene.start()
        _, first = await scene.post("75")
        await papers.signed("76")
        await wire.cut(Cut.SILENT)
        unheard = asyncio.create_task(scene.post("76"))
        status, body = await scene.ready(scene.health)
        assert (status, body["code"]) == (503, "DATABASE_UNAVAILABLE")

        await scene.ended(scene.ask_to_stop())
        with contextlib.suppress(aiohttp.ClientError):
            assert (await unheard)[0] != 202
        said = scene.program.log.read_text()
        assert "database-silent" in said
        assert "left-in-the-middle" in said

        await wire.mend()
        await scene.start()
        status, second = await scene.post("76")
        assert status == 202, second
        await scene.arrived(first["id"], second["id"])
        await scene.ended(scene.ask_to_stop())


async def test_its_own_database_is_woken_and_stopped_in_order_when_it_stands_still(
    tmp_path: Path, server_folder: Path, papers: Papers
) -> None:
    health, data = free_port(), server_folder / "still"
    write_settings(tmp_path, dsn="", port=free_port(), trust=papers.trust)
    path, log = tmp_path / "node.toml", tmp_path / "log"
    text = path.read_text().replace('dsn = ""\n', "").replace(str(tmp_path / "node"), str(data))
    text = text.replace("notice_s = 0\n", f"notice_s = 0\nhealth_port = {health}\nshutdown_s = {SHORT}\n")
    path.write_text(text.replace("[queue]\n", f"[queue]\ndrain_seconds = {SHORT}\n"))
    program = Program(arguments=("--config", str(path), "serve"), log=log, ready=f"http://127.0.0.1:{health}/readyz")
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        await program.start()
        process, cluster = program.running, data / "postgres" / "cluster"
        assert process is not None
        try:
            await program.serving(http)
            async with paused(cluster):
                assert not await program.answers(http)
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(SHORT + 2.0 + BUSY):
                    assert await process.wait() == 0, log.read_text()[-3000:]
        finally:
            with contextlib.suppress(ProcessLookupError):
                await program.kill()
    assert not occupants(cluster)
    assert "database-silent" in log.read_text()
    assert "database system is shut down" in (data / "postgres" / "server.log").read_text()


@pytest.mark.parametrize("database", ["given", "own"])
async def test_a_stop_during_the_start_is_orderly(
    addresses: tuple[str, str], tmp_path: Path, server_folder: Path, papers: Papers, database: str
) -> None:
    data = server_folder / "stopped" / database  # the server's account may enter it
    write_settings(tmp_path, dsn=addresses[1], port=free_port(), trust=papers.trust)
    path = tmp_path / "node.toml"
    if database == "own":
        text = path.read_text().replace(f'dsn = "{addresses[1]}"\n', "")
        path.write_text(text.replace(str(tmp_path / "node"), str(data)))
    log = tmp_path / "log"
    program = Program(arguments=("--config", str(path), "serve"), log=log, ready="")
    await program.start()
    process = program.running
    assert process is not None
    try:
        await until(lambda: "node-starting" in log.read_text(), LONG)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE + BUSY):
            assert await process.wait() == 0, log.read_text()[-3000:]
    finally:
        with contextlib.suppress(ProcessLookupError):
            await program.kill()
    assert not occupants(data / "postgres" / "cluster")
