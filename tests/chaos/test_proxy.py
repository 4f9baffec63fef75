"""The wire of the fault tests, over real programs: it carries, it is cut and mended, and it strikes exactly."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from lienthong.adapters.axis import MessageKind, OutcomeKind
from lienthong.adapters.vxp.client import open_vxp
from lienthong.gateway.postgres.database import Database
from lienthong.gateway.postgres.sockets import OPTIONS
from lienthong.tests.adapters.axes import OverEmulator, our_settings, over_emulator
from lienthong.tests.adapters.packages import document, frozen
from lienthong.tests.chaos.proxy import Proxy, through
from lienthong.tests.chaos.watching import HttpWatch, KafkaWatch, PgWatch, RawWatch, Sight, Towards
from lienthong.tests.chaos.wires import Cut
from lienthong.tests.conftest import Addresses
from lienthong.tests.waiting import until

pytestmark = pytest.mark.timeout(60)
PATIENCE = 15.0
WRITE = "insert into said (n) values ($1)"
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


class Wired(NamedTuple):
    """A database by way of the proxy, and a way around it."""

    proxy: Proxy
    dsn: str
    around: asyncpg.Connection

    async def written(self) -> list[int]:
        return [row["n"] for row in await self.around.fetch("select n from said order by n")]


@pytest_asyncio.fixture
async def wired(addresses: Addresses) -> AsyncIterator[Wired]:
    around = await asyncpg.connect(addresses.dsn)
    await around.execute("create table said (n int)")
    async with Proxy(watch=PgWatch) as proxy:
        yield Wired(proxy, through(proxy, addresses.dsn), around)
    await around.close()


async def test_what_passes_is_carried_both_ways(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    assert await connection.fetchval("select sum(n) from generate_series(1, 100000) n") == 5000050000
    assert len(await connection.fetchval("select repeat('ă', 1000000)")) == 1000000
    await connection.close()
    assert wired.proxy.passed["client"] > 2_000_000
    assert wired.proxy.connections == 1
    await until(lambda: not wired.proxy.open)


async def test_a_cut_resets_who_is_there_and_refuses_who_comes_until_it_is_mended(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    await wired.proxy.cut()
    with pytest.raises(LOST):
        await connection.fetchval("select 1")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(wired.dsn)
    await wired.proxy.mend()
    again = await asyncpg.connect(wired.dsn)
    assert await again.fetchval("select 1") == 1
    await again.close()


async def test_a_black_hole_says_nothing_until_it_is_mended(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    await wired.proxy.cut(Cut.SILENT)
    asked = asyncio.ensure_future(connection.execute(WRITE, 1))
    coming = asyncio.ensure_future(asyncpg.connect(wired.dsn))
    await until(lambda: wired.proxy.connections == 2)
    done, _ = await asyncio.wait({asked, coming}, timeout=0.3)
    assert not done
    assert await wired.written() == []
    await wired.proxy.mend()
    assert await asked == "INSERT 0 1"
    await (await coming).close()
    await connection.close()
    assert await wired.written() == [1]


async def test_half_a_cut_lets_the_request_through_and_no_answer(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    await connection.execute(WRITE, 1)
    await wired.proxy.halve()
    asked = asyncio.ensure_future(connection.execute(WRITE, 2))

    async def done() -> bool:
        return await wired.written() == [1, 2]

    await until(done, PATIENCE)
    assert not asked.done()
    await wired.proxy.drop()
    with pytest.raises(LOST):
        await asked


async def test_the_other_half_lets_no_request_through(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    await wired.proxy.cut(Cut.REQUESTS)
    asked = asyncio.ensure_future(connection.execute(WRITE, 1))
    done, _ = await asyncio.wait({asked}, timeout=0.3)
    assert not done
    await wired.proxy.drop()
    with pytest.raises(LOST):
        await asked
    assert await wired.written() == []


async def test_a_slow_wire_takes_its_time(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    now = asyncio.get_running_loop().time
    wired.proxy.slow(0.05, 0.01)
    begun = now()
    await connection.fetchval("select 1")
    assert now() - begun >= 0.1  # there and back
    wired.proxy.slow(bytes_per_second=20_000)
    begun = now()
    await connection.fetchval("select repeat('a', 8000)")
    assert now() - begun >= 0.35
    wired.proxy.slow()
    await connection.close()


async def test_a_prepared_statement_is_known_by_its_text_each_time(wired: Wired) -> None:
    """Killed at the third: exactly two are written, and the third was never asked of the server."""
    connection = await asyncpg.connect(wired.dsn)
    trigger = wired.proxy.on(b"EXECUTE " + WRITE.encode(), wired.proxy.drop, when="instead", skip=2)
    with pytest.raises(LOST):
        for n in range(10):
            await connection.execute(WRITE, n)
    assert trigger.struck.is_set()
    assert await wired.written() == [0, 1]


async def test_many_executions_in_one_message_are_counted_one_by_one(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    trigger = wired.proxy.on(WRITE.encode(), wired.proxy.mend, count=0)
    await connection.executemany(WRITE, [(n,) for n in range(50)])
    await connection.close()
    assert trigger.seen == 50
    assert not trigger.struck.is_set()


@pytest.mark.parametrize(
    ("pattern", "towards", "when", "kept"),
    [
        (b"QUERY commit", "server", "instead", []),
        (b"DONE COMMIT", "client", "before", [1]),
        (b"READY I AFTER commit", "client", "instead", [1]),
    ],
)
async def test_a_commit_is_cut_off_before_it_arrives_or_before_it_is_heard(
    wired: Wired, pattern: bytes, towards: Towards, when: str, kept: list[int]
) -> None:
    connection = await asyncpg.connect(wired.dsn)
    for statement in ("begin", "insert into said (n) values (1)"):
        await connection.execute(statement)

    async def reached() -> bool:
        return await wired.written() == kept

    wired.proxy.on(pattern, wired.proxy.drop, towards=towards, when=when)
    with pytest.raises(LOST):
        await connection.execute("commit")
    await until(reached, PATIENCE)


async def test_what_is_done_after_the_bytes_went_cannot_keep_them(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    await wired.proxy.halve()

    async def arrived() -> None:
        await until(lambda: written([1]), PATIENCE)
        await wired.proxy.drop()

    async def written(expected: list[int]) -> bool:
        return await wired.written() == expected

    wired.proxy.on(b"QUERY insert", arrived, when="after")
    with pytest.raises(LOST):
        await connection.execute("insert into said (n) values (1)")


async def test_a_database_over_the_network_is_given_up_when_it_falls_silent(wired: Wired) -> None:
    """The system ends a connection whose server acknowledges nothing; over a unix socket there is no such silence."""
    async with Database(wired.dsn) as database, database.single() as pooled:
        listening = await database.connect()
        for connection in (pooled, listening):
            end = connection._transport.get_extra_info("socket")
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert all(end.getsockopt(socket.IPPROTO_TCP, option) == value for option, value in OPTIONS.items())
        await listening.close()


async def test_an_error_of_the_server_is_named_with_its_statement(wired: Wired) -> None:
    connection = await asyncpg.connect(wired.dsn)
    trigger = wired.proxy.on(b"ERROR 22012 OF select 1 / ", wired.proxy.mend, towards="client")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.fetchval("select 1 / $1::int", 0)
    await connection.close()
    assert trigger.struck.is_set()


async def test_a_failure_of_what_a_trigger_does_is_not_swallowed(wired: Wired) -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(ExceptionGroup, match="the proxy failed"):
        async with Proxy(wired.proxy.target) as proxy:
            dsn = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{proxy.port}", wired.dsn)
            proxy.on(b"lienthong", fail)
            with pytest.raises(LOST):
                await asyncpg.connect(dsn)


def lines(watch: object, said: list[tuple[Towards, bytes]], size: int) -> list[bytes]:
    seen: list[Sight] = []
    for towards, text in said:
        for place in range(0, len(text), size):
            seen += watch.feed(towards, text[place : place + size])
    return [sight.text for sight in seen]


HTTP: list[tuple[Towards, bytes]] = [
    ("server", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nGET /fake HTTP/1.1\r\n\r\n"),
    ("client", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("client", b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nHTTP/1.1 500 Wrong\r\n\r\n"),
    ("server", b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("client", b"HTTP/1.1 503 Busy\r\n\r\n"),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_http_is_read_however_it_is_cut(size: int) -> None:
    seen = lines(HttpWatch(), HTTP, size)
    assert [line.split(b" HTTP/1.1\r\n")[0] for line in seen] == [
        b"POST /a",
        b"POST /a -> HTTP/1.1 100 Continue",
        b"POST /a -> HTTP/1.1 200 OK",
        b"GET /b",
        b"GET /b -> HTTP/1.1 503 Busy",
    ]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_kafka_is_read_however_it_is_cut(size: int) -> None:
    produce, fetch = b"\0\0\0\x0b\0\0\0\x09\0\0\0\x07abc", b"\0\0\0\x08\0\x01\0\x0b\0\0\0\x08"
    said = [("server", produce + fetch), ("client", b"\0\0\0\x05\0\0\0\x08x\0\0\0\x04\0\0\0\x07")]
    assert lines(KafkaWatch(), said, size) == [b"Produce", b"Fetch", b"Fetch answered", b"Produce answered"]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_pattern_is_found_once_however_it_is_cut(size: int) -> None:
    watch, text = RawWatch(), b"--COMMIT--COMMIT--"
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    found = [sight.matches(re.compile(b"COMMIT")) for piece in pieces for sight in watch.feed("server", piece)]
    assert sum(found) == 2


Clock = Callable[[], datetime]


@pytest.fixture
async def axis(tmp_path: Path, clock: Clock) -> AsyncIterator[OverEmulator]:
    async with over_emulator(tmp_path / "axis", clock) as running:
        yield running


async def test_an_axis_that_has_it_and_cannot_say_so(axis: OverEmulator, clock: Clock, tmp_path: Path) -> None:
    """The answer to one send is lost, exactly that one: the axis has the package, the client does not know."""
    async with Proxy(watch=HttpWatch) as proxy:
        settings = our_settings(axis.emulator, base_url=through(proxy, axis.emulator.base_url))
        trigger = proxy.on(
            re.compile(rb"POST \S*send\S* -> HTTP/1.1 200", re.IGNORECASE),
            proxy.drop,
            towards="client",
            when="instead",
        )
        async with open_vxp(settings, clock=clock) as ours:
            assert await ours.list_received(MessageKind.DOCUMENT) == []
            outcome = await ours.send(frozen(document(tmp_path), tmp_path / "sent.edxml"))
    assert trigger.struck.is_set()
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert len(await axis.theirs.list_received(MessageKind.DOCUMENT)) == 1


async def test_a_client_that_keeps_its_connection_is_watched_request_by_request(axis: OverEmulator) -> None:
    async with Proxy(watch=HttpWatch) as proxy:
        health = through(proxy, axis.emulator.control_url) + "/health"
        third = proxy.on(b"GET /health -> HTTP/1.1 200", proxy.mend, towards="client", skip=2)
        async with aiohttp.ClientSession() as http:
            for number in range(3):
                assert not third.struck.is_set(), number
                async with http.get(health) as response:
                    await response.read()
    assert third.struck.is_set()
    assert proxy.connections == 1
