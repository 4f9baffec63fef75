"""A worker whose Kafka consumer gets nothing: readiness says so first, then the process goes; a Kafka that is away is
told and waited for."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

import aiohttp
import pytest

from lienthong.gateway.pipeline.handover import TOPIC
from lienthong.tests.chaos.kafka_faults import behind_doors, paused
from lienthong.tests.chaos.watching import KafkaWatch, Towards
from lienthong.tests.crash.processes import Program
from lienthong.tests.journeys.papers import Papers
from lienthong.tests.journeys.province import free_port, write_settings
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]
LONG = 60.0
STALL = 4.0  # seconds
PATIENT = 8.0  # for a Kafka that comes back


@dataclass(slots=True)
class FetchWatch(KafkaWatch):
    """Says of which topic a Fetch is, when it is of the ordinary lane."""

    def _named(self, towards: Towards, frame: bytes) -> bytes:
        name = KafkaWatch._named(self, towards, frame)
        topic = TOPIC.encode()
        return b"Fetch ordinary" if name == b"Fetch" and pack(">H", len(topic)) + topic in frame else name


def worker(folder: Path, dsn: str, papers: Papers, servers: str, *, stall: float) -> Program:
    more = f'[kafka]\nservers = "{servers}"\npartitions = 2\ncopies = 1\nin_sync = 1\nstall_seconds = {stall}\n'
    health = free_port()
    write_settings(folder, dsn=dsn, base_url="http://127.0.0.1:1/axis", port=free_port(), trust=papers.trust, more=more)
    path = folder / "node.toml"
    text = path.read_text().replace("[queue]\n", '[queue]\nbroker = "kafka"\n')
    path.write_text(text.replace("notice_s = 0\n", f"health_port = {health}\n"))
    arguments = ("--config", str(path), "serve", "--roles", "worker", "--instance", "w-1")
    return Program(arguments=arguments, log=folder / "log", ready=f"http://127.0.0.1:{health}/readyz")


async def readiness(http: aiohttp.ClientSession, program: Program) -> tuple[int, dict[str, Any]]:
    async with http.get(program.ready) as response:
        return response.status, await response.json()


async def test_one_consumer_that_hangs_ends_the_process_and_readiness_said_so_before(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    """Kafka answers everybody, but the fetches of one of the two lanes (aiokafka #1154)."""

    async def nothing() -> None:
        return

    async with (
        behind_doors(tmp_path / "kafka", watch=FetchWatch) as (cluster, (door,)),
        aiohttp.ClientSession() as http,
    ):
        program = worker(tmp_path, addresses[1], papers, cluster.door_bootstrap, stall=STALL)
        await program.start()
        try:
            await program.serving(http)
            door.on(b"Fetch ordinary", nothing, when="instead", count=1_000_000)

            async def stalled() -> dict[str, Any] | None:
                status, body = await readiness(http, program)
                return body if status == 503 else None

            body = await until(stalled, LONG)
            assert (body["code"], body["parts"]["broker"]) == ("BROKER_STALLED", "BROKER_STALLED")
            assert program.running is not None
            assert program.running.returncode is None
            async with asyncio.timeout(LONG):
                assert await program.running.wait() == 3
        finally:
            await program.kill()
    log = program.log.read_text()
    assert "kafka-consumer-stuck" in log
    assert "BROKER_STALLED" in log


async def test_an_absent_kafka_is_told_and_is_no_reason_to_go(
    addresses: tuple[str, str], tmp_path: Path, papers: Papers
) -> None:
    clock = asyncio.get_running_loop().time
    async with behind_doors(tmp_path / "kafka") as (cluster, _), aiohttp.ClientSession() as http:
        program = worker(tmp_path, addresses[1], papers, cluster.door_bootstrap, stall=PATIENT)
        await program.start()
        try:
            await program.serving(http)
            async with paused(cluster.brokers[0]):
                since = clock()

                async def away() -> bool:
                    status, body = await readiness(http, program)
                    return (status, body.get("code")) == (503, "KAFKA_AWAY")

                await until(away, LONG)
                await until(lambda: clock() > since + 1.25 * PATIENT, LONG)
                assert await away()
            await program.serving(http)
            assert program.running is not None
            program.running.send_signal(signal.SIGTERM)
            assert await program.running.wait() == 0
        finally:
            await program.kill()
