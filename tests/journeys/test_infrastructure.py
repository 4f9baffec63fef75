"""Journeys through failures of what the node stands on: its wire to the axis, PostgreSQL, the disk, Kafka.

Documents are on their way in both directions while it happens. A caller is told 503 and when to come again, never 500;
afterwards everything has arrived once, and the node is the same process as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import pytest_asyncio

from lienthong.gateway.postgres.errors import DatabaseError
from lienthong.gateway.postgres.migrations.runner import migrate
from lienthong.gateway.postgres.supervisor import EmbeddedServer
from lienthong.tests.chaos import kafka_faults, postgres_faults
from lienthong.tests.chaos.disk_faults import MB, filled, small_disk
from lienthong.tests.chaos.kafka_faults import behind_doors
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.watching import HttpWatch, PgWatch
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.conftest import Addresses
from lienthong.tests.journeys.insistence import Insistence, arrived, at_the_axis, later, sent
from lienthong.tests.journeys.outsiders import bring, letter
from lienthong.tests.journeys.papers import OUTSIDE, SENDER, Papers
from lienthong.tests.journeys.province import LONG, Province, knows_agencies, open_province
from lienthong.tests.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


@pytest.fixture
def wire() -> Proxy:
    return Proxy(watch=HttpWatch)


@pytest_asyncio.fixture
async def province(addresses: Addresses, tmp_path: Path, papers: Papers, wire: Proxy) -> AsyncIterator[Province]:
    # No breaker here: it would keep documents off a wire that these tests want them to try (test_channels.py).
    unbroken = {"breaker_failures": 1000}
    async with wire, open_province(tmp_path, addresses.app_dsn, papers, wire=wire, retry=unbroken) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


async def outcomes(province: Province) -> list[str]:
    rows = await province.rows("SELECT outcome FROM attempt_outcome ORDER BY finished_at")
    return [row["outcome"] for row in rows]


CUTS = {
    "reset": Cut.RESET,
    "black hole": Cut.SILENT,
    "the axis has it and we do not know": Cut.ANSWERS,
    "nothing gets there": Cut.REQUESTS,
}


async def test_a_wire_that_is_cut_in_every_way_loses_and_doubles_nothing(
    province: Province, wire: Proxy, tmp_path: Path
) -> None:
    eoffice = Insistence(province=province, paper=await province.papers.signed("301"))
    theirs = await province.papers.signed("302", by=OUTSIDE)
    documents: list[str] = []
    for place, (name, how) in enumerate(CUTS.items(), 1):
        before = len(await outcomes(province))
        await wire.cut(how)
        documents.append(await eoffice.post(f"{300 + place}"))
        await bring(province, letter(province, f"{place}", theirs, to=(SENDER,)), tmp_path)

        async def tried(before: int = before) -> bool:
            return len(await outcomes(province)) > before

        await until(tried, LONG)
        assert (await outcomes(province))[before] in {"unknown", "retry"}, name
        await wire.mend()
        await sent(province, *documents)
        await arrived(province, place)
        assert len(at_the_axis(province)) == place, name
    assert not eoffice.refusals


async def test_a_wire_that_crawls_ends_in_time_and_the_document_arrives_once(province: Province, wire: Proxy) -> None:
    eoffice = Insistence(province=province, paper=await province.papers.signed("311"))
    wire.slow(0.2, 0.1, bytes_per_second=2_000)  # the package alone would take a minute
    document = await eoffice.post("311")

    async def tried() -> bool:
        return bool(await outcomes(province))

    await until(tried, LONG)
    assert (await outcomes(province))[0] == "unknown"
    wire.slow()
    await sent(province, document)
    assert len(at_the_axis(province)) == 1


# PostgreSQL ---------------------------------------------------------------------------------------------------------

AWAY = ("DATABASE_UNAVAILABLE", "DATABASE_UNREACHABLE")


class OwnDatabase(NamedTuple):
    """A server that only this test breaks, with somebody who starts it again, and the way to it."""

    server: EmbeddedServer
    wire: Proxy
    dsn: str


@pytest_asyncio.fixture
async def database_of_its_own(server_folder: Path, tmp_path: Path) -> AsyncIterator[OwnDatabase]:
    with small_disk(server_folder / tmp_path.name, 400 * MB) as folder:
        async with EmbeddedServer(folder, randbytes=Random(7).randbytes) as server, Proxy(watch=PgWatch) as wire:
            await migrate(server.dsn)
            watch = asyncio.create_task(always_started_again(server))
            yield OwnDatabase(server, wire, through(wire, server.app_dsn))
            watch.cancel()


async def always_started_again(server: EmbeddedServer) -> None:
    """As a service manager does, also when a start fails."""
    while True:
        with contextlib.suppress(DatabaseError):
            await server.supervise()


@pytest_asyncio.fixture
async def breakable(database_of_its_own: OwnDatabase, tmp_path: Path, papers: Papers) -> AsyncIterator[Province]:
    async with open_province(tmp_path, database_of_its_own.dsn, papers) as opened:
        await until(lambda: knows_agencies(opened), LONG)
        yield opened


@asynccontextmanager
async def posting(eoffice: Insistence, numbers: count[int], documents: list[str]) -> AsyncIterator[None]:
    """Inside the block one document after the other is posted."""
    over = asyncio.Event()

    async def post() -> None:
        while not over.is_set():
            documents.append(await eoffice.post(str(next(numbers))))

    task = asyncio.create_task(post())
    try:
        yield
    finally:
        over.set()
        await task


async def test_a_postgresql_that_ends_and_comes_back_costs_nothing_but_time(
    breakable: Province, database_of_its_own: OwnDatabase, tmp_path: Path
) -> None:
    """Fast and immediate shutdown, a session killed, all killed, the wire cut: the same node goes on."""
    server, wire, _ = database_of_its_own
    theirs = await breakable.papers.signed("402", by=OUTSIDE)

    async def cut() -> None:
        await wire.cut()
        await until(lambda: bool(eoffice.refusals), LONG)
        await wire.mend()

    faults: list[Callable[[], Awaitable[None]]] = [
        lambda: postgres_faults.restart(server.cluster, signal.SIGINT, server.dsn),
        lambda: postgres_faults.restart(server.cluster, signal.SIGQUIT, server.dsn),
        lambda: postgres_faults.restart(server.cluster, signal.SIGKILL, server.dsn),
        lambda: postgres_faults.kill_a_backend(server.dsn),
        cut,
    ]
    numbers, documents = count(401), list[str]()
    for place, fault in enumerate(faults, 1):
        eoffice = Insistence(province=breakable, paper=await breakable.papers.signed("401"))
        async with posting(eoffice, numbers, documents):
            await bring(breakable, letter(breakable, f"{place}", theirs, to=(SENDER,)), tmp_path)
            await fault()
        assert eoffice.only_says(*AWAY), eoffice.refusals
    await later(breakable)
    await sent(breakable, *documents)
    await arrived(breakable, len(faults))
    assert len(at_the_axis(breakable)) == len(documents)


async def test_a_postgresql_without_room_for_its_log_refuses_and_goes_on_when_there_is_some(
    breakable: Province, database_of_its_own: OwnDatabase
) -> None:
    """Without a new log file PostgreSQL ends in a panic, and cannot recover before there is room."""
    server, _, _ = database_of_its_own
    eoffice = Insistence(province=breakable, paper=await breakable.papers.signed("451"))
    documents = [await eoffice.post("451")]
    with filled(server.cluster.parent):
        await postgres_faults.use_up_the_log(server.dsn)
        await until(lambda: refused(eoffice), LONG)
        await until(lambda: postgres_faults.silent(server.dsn), LONG)
    await until(lambda: postgres_faults.answers(server.dsn), LONG)
    documents.append(await eoffice.post("452"))
    assert eoffice.only_says(*AWAY), eoffice.refusals
    await later(breakable)
    await sent(breakable, *documents)
    assert len(at_the_axis(breakable)) == 2


async def refused(eoffice: Insistence) -> bool:
    return await eoffice.attempt("452") is None


# Kafka --------------------------------------------------------------------------------------------------------------

DOORS = """[kafka]
servers = "{servers}"
partitions = 2
copies = 1
in_sync = 1
"""


@pytest.mark.timeout(300)
async def test_documents_are_taken_while_kafka_is_away_and_go_on_when_it_is_back(
    addresses: Addresses, tmp_path: Path, papers: Papers
) -> None:
    """Cut off, heard and not answering, standing still: eOffice is told 202 each time (and the operator why:
    test_stalls.py).
    """
    async with (
        behind_doors(tmp_path / "kafka") as (cluster, (door,)),
        open_province(
            tmp_path, addresses.app_dsn, papers, DOORS.format(servers=cluster.door_bootstrap), broker="kafka"
        ) as province,
    ):
        await until(lambda: knows_agencies(province), LONG)
        eoffice = Insistence(province=province, paper=await papers.signed("701"))
        documents = [await eoffice.post("701")]
        await sent(province, *documents)
        faults = [away(door, how) for how in (Cut.RESET, Cut.ANSWERS)]
        for place, fault in enumerate([*faults, kafka_faults.paused(cluster.brokers[0])], 702):
            async with fault:
                documents.append(await eoffice.post(str(place)))
                states = await province.sender.states(documents[-1])
                assert states == {"000.00.00.G99": "waiting"}
            await sent(province, *documents, patience=90)
        assert not eoffice.refusals
        assert len(at_the_axis(province)) == len(documents)


@asynccontextmanager
async def away(door: Proxy, how: Cut) -> AsyncIterator[None]:
    await door.cut(how)
    yield
    await door.mend()
